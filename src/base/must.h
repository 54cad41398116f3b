/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What cannot be otherwise: a condition that only a fault of this program, or of the memory that it
 * runs in, can make false. There is nothing sensible to answer then, and for a process that holds
 * keys nothing is safer than its end. The last line of the log says where it was.
 *
 * Never for what a peer, a file, a database or the system may bring about: those are errors.
 */
#ifndef JETON_BASE_MUST_H
#define JETON_BASE_MUST_H

#include "base/fault.h"

/* Logs and aborts. */
_Noreturn void jt_must_failed(const char *condition, const char *place);

#define jt_must(condition) ((condition) ? (void)0 : jt_must_failed(#condition, JT_FAULT_PLACE))

#endif

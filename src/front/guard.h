/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Card numbers and API keys pass through jetond's memory: they shall reach neither core files nor
 * swap, and no other process of its user shall read them there.
 */
#ifndef JETON_FRONT_GUARD_H
#define JETON_FRONT_GUARD_H

#include "base/fault.h"

/*
 * Forbids core dumps, tracing and new privileges, and locks all memory, present and future: as much
 * of it as can be done. JT_ERR_UNPROTECTED, with the first measure that failed: in production a
 * reason not to start. First of all, before anything secret is read.
 */
enum jt_err jt_guard_memory(struct jt_fault *fault) JT_CHECKED;

#endif

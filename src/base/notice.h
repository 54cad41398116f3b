/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines that strangers can cause, at most one in ten seconds for each reason.
 *
 * A notice is one reason; static, shared by all threads. The first occurrence is logged at once.
 * Later ones are counted, and the next line that may be written says how many there were. A flood
 * therefore costs a few lines per minute and hides nothing but its repetition.
 */
#ifndef JETON_BASE_NOTICE_H
#define JETON_BASE_NOTICE_H

#include "base/log.h"

#include <stdatomic.h>
#include <stdint.h>

#define JT_NOTICE_EVERY_MS 10000

struct jt_notice {
    const char *what;        /* begins the line */
    _Atomic int64_t next_ms; /* no line before; 0: none was written yet */
    _Atomic uint64_t held;   /* occurrences since the last line */
};

/* `detail` ends the line and stands for the latest occurrence: a peer, a reason; NULL for none. */
void jt_notice(struct jt_notice *notice, const char *detail);

/* The same at a time of the caller's; whether a line was written. For tests. */
int jt_notice_at(struct jt_notice *notice, const char *detail, int64_t now_ms);

#endif

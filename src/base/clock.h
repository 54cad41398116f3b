/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clocks: monotonic for time-outs and rates, wall for what people read. Key states never depend on
 * either.
 */
#ifndef JETON_BASE_CLOCK_H
#define JETON_BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds of CLOCK_BOOTTIME: never set back, counts suspend. */
int64_t jt_clock_ms(void);

/* Microseconds of CLOCK_MONOTONIC, for measuring. */
int64_t jt_clock_us(void);

/*
 * Pauses this thread. For commands, and for the few waits of a daemon that are short, bounded and
 * nobody's to cut short; all others are duties and acts that come again (vault/duty.h, workers.h).
 */
void jt_clock_pause(int ms);

/* Microseconds of the wall clock since 1970. */
uint64_t jt_clock_wall_us(void);

#define JT_TIMESTAMP_LEN 21 /* "2026-11-21T07:46:00Z" and NUL */

/* The present UTC time in RFC 3339 form, seconds precision. */
void jt_clock_timestamp(char out[JT_TIMESTAMP_LEN]);

#endif

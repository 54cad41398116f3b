/* SPDX-License-Identifier: Apache-2.0 */
/* How fast a long job may go, and how fast it goes. One thread. */
#ifndef JETON_VAULT_RATE_H
#define JETON_VAULT_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jt_rate {
    double now;       /* a second, over the last seconds */
    int64_t since_ms; /* of what is counted in `n` */
    uint64_t n;
};

void jt_rate_start(struct jt_rate *rate);

/* So many are done. True when `now` has been reckoned anew, twice a second at most. */
bool jt_rate_note(struct jt_rate *rate, uint64_t n);

/*
 * How long to pause after `n`, which were begun at jt_clock_us() `started_us`, so that no more than
 * `per_second` are done; 0 or less a second: any number.
 */
int jt_rate_pause_ms(long per_second, size_t n, int64_t started_us);

#endif

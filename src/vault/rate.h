/* SPDX-License-Identifier: Apache-2.0 */
/* How fast a long job goes. One thread. */
#ifndef JETON_VAULT_RATE_H
#define JETON_VAULT_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct jt_rate {
    double now;       /* a second, over the last seconds */
    int64_t since_ms; /* of what is counted in `n` */
    uint64_t n;
};

void jt_rate_start(struct jt_rate *rate);

/* So many are done. True when `now` has been reckoned anew, twice a second at most. */
bool jt_rate_note(struct jt_rate *rate, uint64_t n);

#endif

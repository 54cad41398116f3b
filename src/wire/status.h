/* SPDX-License-Identifier: Apache-2.0 */
/* Verb STATUS: what the keeper is working under, and its counters since start. */
#ifndef JETON_WIRE_STATUS_H
#define JETON_WIRE_STATUS_H

#include "base/buf.h"
#include "wire/limits.h"

struct jt_keeper_status {
    uint8_t incarnation[JT_INCARNATION_LEN];
    bool development;
    bool locked;                 /* memory is locked */
    bool sealed;                 /* it holds no keys yet */
    bool has_root;               /* it holds a service root */
    bool joined;                 /* NODE_JOIN was done since its start: it mints ids */
    bool directory_good;         /* its files are there as they were opened; at most a second ago */
    uint8_t node;                /* the number that it mints under; 0: none yet */
    uint64_t epoch;              /* 0: no ring accepted yet */
    uint64_t highest_generation; /* ever seen */
    uint64_t n_sealed, n_opened, n_resealed, n_refused, n_matched, n_mismatched, n_identified;
    uint64_t n_held_back; /* not opened, because of a ceiling */
    /* the generation that sealed last, and how much it did: keeper/sealcount.h */
    uint64_t seals_generation, seals;
    uint64_t opened_ever, opened_today; /* over restarts: keeper/ceiling.h */
};

void jt_keeper_status_encode(const struct jt_keeper_status *status, struct jt_buf *out);
enum jt_err jt_keeper_status_decode(struct jt_reader *in,
                                    struct jt_keeper_status *status) JT_CHECKED;

#endif

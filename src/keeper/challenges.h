/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The challenges that acknowledgements must answer (ACK_CHALLENGE, ACK_CHECK): the last one for
 * each generation, in this keeper's memory only. What was acknowledged under an earlier one, or
 * before this keeper started, counts for nothing.
 */
#ifndef JETON_KEEPER_CHALLENGES_H
#define JETON_KEEPER_CHALLENGES_H

#include "model/generation.h"

#include <stdbool.h>
#include <stddef.h>

/* Generations that can be adopted at one time; one more takes the place of the oldest challenge. */
#define JT_CHALLENGES_MAX 16

struct jt_challenges {
    struct {
        uint64_t generation; /* 0: free */
        uint8_t check_value[JT_CHECK_VALUE_LEN];
        uint8_t bytes[JT_CHALLENGE_LEN];
    } of[JT_CHALLENGES_MAX];
    size_t oldest;
};

/* A fresh one, in place of the generation's last. */
void jt_challenges_make(struct jt_challenges *c, const struct jt_generation_row *generation,
                        uint8_t out[static JT_CHALLENGE_LEN]);

/* Whether it is the last one that was made for the generation. */
bool jt_challenges_present(const struct jt_challenges *c,
                           const struct jt_generation_row *generation,
                           const uint8_t bytes[static JT_CHALLENGE_LEN]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/challenges.h"

#include "base/random.h"
#include "base/secmem.h"

#include <string.h>

/* The place of a generation's challenge, or JT_CHALLENGES_MAX. */
static size_t find(const struct jt_challenges *c, const struct jt_generation_row *generation)
{
    size_t i = 0;
    while (i < JT_CHALLENGES_MAX &&
           (c->of[i].generation != generation->number ||
            memcmp(c->of[i].check_value, generation->check_value, JT_CHECK_VALUE_LEN) != 0)) {
        i++;
    }
    return i;
}

void jt_challenges_make(struct jt_challenges *c, const struct jt_generation_row *generation,
                        uint8_t out[static JT_CHALLENGE_LEN])
{
    size_t i = find(c, generation);
    if (i == JT_CHALLENGES_MAX) {
        i = c->oldest;
        c->oldest = (c->oldest + 1) % JT_CHALLENGES_MAX;
    }
    c->of[i].generation = generation->number;
    memcpy(c->of[i].check_value, generation->check_value, JT_CHECK_VALUE_LEN);
    jt_random_fill(c->of[i].bytes, JT_CHALLENGE_LEN);
    memcpy(out, c->of[i].bytes, JT_CHALLENGE_LEN);
}

bool jt_challenges_present(const struct jt_challenges *c,
                           const struct jt_generation_row *generation,
                           const uint8_t bytes[static JT_CHALLENGE_LEN])
{
    size_t i = find(c, generation);
    return i < JT_CHALLENGES_MAX && jt_equal_ct(c->of[i].bytes, bytes, JT_CHALLENGE_LEN);
}

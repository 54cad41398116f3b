/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Until when a card lives: microseconds since 1970 by the database's clock, or for ever.
 */
#ifndef JETON_MODEL_LIFETIME_H
#define JETON_MODEL_LIFETIME_H

#include <stdbool.h>
#include <stdint.h>

#define JT_LIFETIME_ENDLESS UINT64_C(0)
/* The end of the year 9999, the last that RFC 3339 can say. */
#define JT_LIFETIME_LAST_US UINT64_C(253402300799999999)

static inline bool jt_lifetime_is_later(uint64_t a, uint64_t than)
{
    return than != JT_LIFETIME_ENDLESS && (a == JT_LIFETIME_ENDLESS || a > than);
}

static inline uint64_t jt_lifetime_later(uint64_t a, uint64_t b)
{
    return jt_lifetime_is_later(a, b) ? a : b;
}

/*
 * The end of a card that comes now into a field with this maximum (0: there is none), where nobody
 * said another. It lies on a grid of a hundredth of the maximum, of a day at most, so that a card
 * that comes again and again is not written each time for a few seconds more; never beyond the
 * maximum.
 */
uint64_t jt_lifetime_by_default(uint64_t now_us, uint32_t max_s);

/*
 * The end that was asked for. False: it is over already, or beyond the maximum (0: there is none).
 * Clocks differ: what is beyond it by a minute or less is the maximum itself.
 */
bool jt_lifetime_take(uint64_t now_us, uint32_t max_s, uint64_t wanted_us, uint64_t *out);

#endif

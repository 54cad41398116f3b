/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/shares.h"

#include "base/secmem.h"
#include "crypto/wrap.h"

#include <stdbool.h>
#include <string.h>

/* --- GF(2^8) --- */

static uint8_t times(uint8_t a, uint8_t b)
{
    uint8_t product = 0;
    for (int i = 0; i < 8; i++) {
        product ^= (uint8_t)(a & (uint8_t) - (b & 1));
        a = (uint8_t)((a << 1) ^ (0x1b & (uint8_t) - (a >> 7)));
        b >>= 1;
    }
    return product;
}

/* a^254: what a times it is 1, and 0 of 0. */
static uint8_t inverse(uint8_t a)
{
    uint8_t power = a; /* a^(2^i - 1) for i from 1 on */
    for (int i = 0; i < 6; i++) {
        power = times(times(power, power), a);
    }
    return times(power, power);
}

/* --- shares --- */

/* Row i: the coefficients of x^i, i from 1 on; row 0 is the secret. */
static void evaluate(const uint8_t rows[][JT_SHARE_LEN], size_t k, struct jt_share *share)
{
    memset(share->y, 0, sizeof share->y);
    for (size_t i = k; i-- > 0;) {
        for (size_t b = 0; b < JT_SHARE_LEN; b++) {
            share->y[b] = times(share->y[b], share->x) ^ rows[i][b];
        }
    }
}

enum jt_err jt_shares_split(const uint8_t secret[static JT_SHARE_LEN], size_t k, size_t n,
                            struct jt_share *out)
{
    if (k < 2 || k > n || n > JT_SHARES_MAX) {
        return JT_ERR_LIMIT;
    }
    const size_t room = (size_t)JT_SHARES_MAX * JT_SHARE_LEN;
    uint8_t(*rows)[JT_SHARE_LEN] = jt_secmem_alloc(room);
    if (rows == NULL) {
        return JT_ERR_NOMEM;
    }
    memcpy(rows[0], secret, JT_SHARE_LEN);
    enum jt_err err = jt_wrap_random_key(rows[1], (k - 1) * JT_SHARE_LEN);
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        out[i].x = (uint8_t)(i + 1);
        evaluate((const uint8_t(*)[JT_SHARE_LEN])rows, k, &out[i]);
    }
    jt_secmem_free(rows, room);
    if (err != JT_OK) {
        jt_wipe(out, n * sizeof *out);
    }
    return err;
}

static bool places_good(const struct jt_share *shares, size_t k)
{
    for (size_t i = 0; i < k; i++) {
        if (shares[i].x == 0) {
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            if (shares[i].x == shares[j].x) {
                return false;
            }
        }
    }
    return true;
}

enum jt_err jt_shares_join(const struct jt_share *shares, size_t k,
                           uint8_t out[static JT_SHARE_LEN])
{
    memset(out, 0, JT_SHARE_LEN);
    if (k < 2 || k > JT_SHARES_MAX || !places_good(shares, k)) {
        return JT_ERR_LIMIT;
    }
    for (size_t i = 0; i < k; i++) {
        /* Lagrange's weight of share i at 0; subtraction is XOR */
        uint8_t weight = 1;
        for (size_t j = 0; j < k; j++) {
            if (j != i) {
                weight = times(weight, times(shares[j].x, inverse(shares[j].x ^ shares[i].x)));
            }
        }
        for (size_t b = 0; b < JT_SHARE_LEN; b++) {
            out[b] ^= times(shares[i].y[b], weight);
        }
    }
    return JT_OK;
}

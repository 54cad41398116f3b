/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/expiry.h"

#include "keeper/keeper.h"

#define EPOCH_2020_MS 1577836800000ull

uint64_t jt_expiry_now_s(void)
{
    return (EPOCH_2020_MS + jt_keeper_now_ms()) / 1000;
}

uint64_t jt_expiry_left_ms(uint64_t until_s)
{
    uint64_t now_ms = EPOCH_2020_MS + jt_keeper_now_ms();
    if (until_s > UINT64_MAX / 1000) {
        return UINT64_MAX;
    }
    return until_s * 1000 > now_ms ? until_s * 1000 - now_ms : 0;
}

bool jt_expiry_is_over(const struct jt_client_row *row)
{
    struct jt_client_terms terms;
    if (jt_client_terms_decode(row->terms, row->terms_len, &terms) != JT_OK) {
        return true;
    }
    return terms.expires_s != 0 && jt_expiry_left_ms(terms.expires_s) == 0;
}

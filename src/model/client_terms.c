/* SPDX-License-Identifier: Apache-2.0 */
#include "model/client_terms.h"

#include "base/buf.h"
#include "model/client.h"

#include <string.h>

#define FORMAT 1

_Static_assert(JT_CLIENT_TERMS_MAX <= UINT16_MAX, "the length of terms is a u16");

static bool certs_valid(const struct jt_client_terms *terms)
{
    static const uint8_t none[JT_CERT_DIGEST_LEN] = { 0 };
    const uint8_t *before = none;
    for (size_t i = 0; i < terms->n_certs; i++) {
        if (memcmp(terms->certs[i], before, JT_CERT_DIGEST_LEN) <= 0) {
            return false;
        }
        before = terms->certs[i];
    }
    return true;
}

static bool budgets_valid(const struct jt_client_terms *terms)
{
    for (size_t i = 0; i < terms->n_budgets; i++) {
        const struct jt_budget *b = &terms->budgets[i];
        if (b->operation >= 32 || (UINT32_C(1) << b->operation & JT_MAY_IN_A_FIELD) == 0 ||
            (i > 0 && b->operation <= terms->budgets[i - 1].operation) ||
            (b->rate == 0 && b->quota == 0)) {
            return false;
        }
    }
    return true;
}

bool jt_client_terms_valid(const struct jt_client_terms *terms)
{
    static const uint8_t none[JT_ROW_MAC_LEN] = { 0 };
    if (terms->n_networks > JT_CLIENT_MAX_NETWORKS || terms->n_grants > JT_CLIENT_MAX_GRANTS ||
        terms->n_certs > JT_CLIENT_MAX_CERTS || !certs_valid(terms) ||
        terms->n_budgets > JT_CLIENT_MAX_BUDGETS || !budgets_valid(terms) ||
        (terms->old_until_s == 0 && memcmp(terms->old_secret_mac, none, sizeof none) != 0)) {
        return false;
    }
    for (size_t i = 0; i < terms->n_networks; i++) {
        if (!jt_network_valid(&terms->networks[i])) {
            return false;
        }
    }
    uint32_t before = 0;
    for (size_t i = 0; i < terms->n_grants; i++) {
        const struct jt_grant *g = &terms->grants[i];
        if (g->field <= before || g->permissions == 0 ||
            (g->permissions & ~(uint32_t)JT_MAY_IN_A_FIELD) != 0) {
            return false;
        }
        before = g->field;
    }
    return true;
}

size_t jt_client_terms_encode(const struct jt_client_terms *terms,
                              uint8_t out[static JT_CLIENT_TERMS_MAX])
{
    uint8_t *p = out;
    *p++ = FORMAT;
    jt_put_u64(p, terms->expires_s);
    jt_put_u64(p + 8, terms->old_until_s);
    memcpy(p + 16, terms->old_secret_mac, JT_ROW_MAC_LEN);
    p += 16 + JT_ROW_MAC_LEN;
    *p++ = terms->n_networks;
    for (size_t i = 0; i < terms->n_networks; i++) {
        const struct jt_network *n = &terms->networks[i];
        *p++ = n->family;
        *p++ = n->bits;
        memcpy(p, n->address, jt_network_address_len(n->family));
        p += jt_network_address_len(n->family);
    }
    *p++ = terms->n_certs;
    memcpy(p, terms->certs, (size_t)terms->n_certs * JT_CERT_DIGEST_LEN);
    p += (size_t)terms->n_certs * JT_CERT_DIGEST_LEN;
    *p++ = terms->n_grants;
    for (size_t i = 0; i < terms->n_grants; i++, p += 8) {
        jt_put_u32(p, terms->grants[i].field);
        jt_put_u32(p + 4, terms->grants[i].permissions);
    }
    *p++ = terms->n_budgets;
    for (size_t i = 0; i < terms->n_budgets; i++, p += 9) {
        p[0] = (uint8_t)terms->budgets[i].operation;
        jt_put_u32(p + 1, terms->budgets[i].rate);
        jt_put_u32(p + 5, terms->budgets[i].quota);
    }
    return (size_t)(p - out);
}

/* Leaves the rest of *out alone when a count is too large. */
static void decode(struct jt_reader *in, struct jt_client_terms *out)
{
    in->bad = in->bad || jt_reader_u8(in) != FORMAT;
    out->expires_s = jt_reader_u64(in);
    out->old_until_s = jt_reader_u64(in);
    jt_reader_copy(in, out->old_secret_mac, sizeof out->old_secret_mac);
    out->n_networks = jt_reader_u8(in);
    for (size_t i = 0; i < out->n_networks && i < JT_CLIENT_MAX_NETWORKS; i++) {
        struct jt_network *n = &out->networks[i];
        n->family = jt_reader_u8(in);
        n->bits = jt_reader_u8(in);
        jt_reader_copy(in, n->address, jt_network_address_len(n->family));
    }
    out->n_certs = jt_reader_u8(in);
    for (size_t i = 0; i < out->n_certs && i < JT_CLIENT_MAX_CERTS; i++) {
        jt_reader_copy(in, out->certs[i], JT_CERT_DIGEST_LEN);
    }
    out->n_grants = jt_reader_u8(in);
    for (size_t i = 0; i < out->n_grants && i < JT_CLIENT_MAX_GRANTS; i++) {
        out->grants[i].field = jt_reader_u32(in);
        out->grants[i].permissions = jt_reader_u32(in);
    }
    out->n_budgets = jt_reader_u8(in);
    for (size_t i = 0; i < out->n_budgets && i < JT_CLIENT_MAX_BUDGETS; i++) {
        struct jt_budget *b = &out->budgets[i];
        b->operation = jt_reader_u8(in);
        b->rate = jt_reader_u32(in);
        b->quota = jt_reader_u32(in);
    }
}

enum jt_err jt_client_terms_decode(const uint8_t *bytes, size_t len, struct jt_client_terms *out)
{
    memset(out, 0, sizeof *out);
    if (len == 0) {
        return JT_OK;
    }
    struct jt_reader in = jt_reader_init(bytes, len);
    decode(&in, out);
    if (!jt_reader_done(&in) || !jt_client_terms_valid(out)) {
        memset(out, 0, sizeof *out);
        return JT_ERR_INVALID;
    }
    return JT_OK;
}

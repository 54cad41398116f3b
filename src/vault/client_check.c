/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/client_check.h"

#include "base/clock.h"
#include "vault/sets.h"

#include <string.h>

/* Until when, from where and with what, as a loop remembers it. */
static enum jt_err bound(const struct jt_client_row *row, const struct jt_client_checked *checked,
                         struct jt_access *out)
{
    struct jt_client_terms terms;
    if (jt_client_terms_decode(row->terms, row->terms_len, &terms) != JT_OK) {
        return JT_ERR_SETS_UNVERIFIED; /* the keeper could read them */
    }
    if (checked->good_ms > 0 && checked->good_ms < INT64_MAX / 2) {
        out->good_until_ms = jt_clock_ms() + (int64_t)checked->good_ms;
    }
    out->n_networks = terms.n_networks;
    memcpy(out->networks, terms.networks, sizeof out->networks);
    out->n_certs = terms.n_certs;
    memcpy(out->certs, terms.certs, sizeof out->certs);
    out->n_budgets = terms.n_budgets;
    memcpy(out->budgets, terms.budgets, sizeof out->budgets);
    return JT_OK;
}

static enum jt_err check_older(struct jt_work_ctx *ctx, const struct jt_credential *credential,
                               struct jt_access *out)
{
    struct jt_client_row row;
    struct jt_client_checked checked;
    if (jt_sets_older_client(&ctx->vault->sets, credential->id, &row) != JT_OK ||
        (row.spec.permissions & JT_MAY_OPERATE) == 0 ||
        jt_keyclient_wait_client_check(ctx->keeper, &row, credential->secret, &checked) != JT_OK) {
        return JT_ERR_SETS_UNVERIFIED;
    }
    out->may.everywhere = JT_MAY_ACCEPT_SETS;
    return bound(&row, &checked, out);
}

/*
 * No keeper made it: its MACs are all zero. It has terms, as the rows of clients have, so that its
 * check takes as long.
 */
static struct jt_client_row nobody(void)
{
    const struct jt_client_terms none = { 0 };
    struct jt_client_row row = { .spec = { .id = "unknown" } };
    row.terms_len = (uint16_t)jt_client_terms_encode(&none, row.terms);
    return row;
}

enum jt_err jt_client_check(struct jt_work_ctx *ctx, const struct jt_credential *credential,
                            struct jt_access *out)
{
    memset(out, 0, sizeof *out);
    struct jt_client_row row;
    struct jt_client_checked checked;
    enum jt_err err = jt_sets_client(ctx, credential->id, &row);
    if (err == JT_ERR_SETS_UNVERIFIED) {
        return check_older(ctx, credential, out);
    }
    if (err == JT_ERR_NO_CLIENT) {
        row = nobody();
        err = JT_OK;
    }
    if (err == JT_OK) {
        err = jt_keyclient_wait_client_check(ctx->keeper, &row, credential->secret, &checked);
    }
    if (err == JT_OK) {
        err = bound(&row, &checked, out);
    }
    return err == JT_OK ? jt_sets_may(ctx, &row, &out->may) : err;
}

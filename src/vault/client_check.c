/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/client_check.h"

#include "vault/sets.h"

static enum jt_err check_older(struct jt_work_ctx *ctx, const struct jt_credential *credential,
                               uint32_t *permissions)
{
    struct jt_client_row row;
    if (jt_sets_older_client(&ctx->vault->sets, credential->id, &row) != JT_OK ||
        (row.spec.permissions & JT_MAY_OPERATE) == 0 ||
        jt_keyclient_wait_client_check(ctx->keeper, &row, credential->secret) != JT_OK) {
        return JT_ERR_SETS_UNVERIFIED;
    }
    *permissions = JT_MAY_ACCEPT_SETS;
    return JT_OK;
}

/* No keeper made it: its MACs are all zero. */
static const struct jt_client_row nobody = { .spec = { .id = "unknown" } };

enum jt_err jt_client_check(struct jt_work_ctx *ctx, const struct jt_credential *credential,
                            uint32_t *permissions)
{
    *permissions = 0;
    struct jt_client_row row;
    enum jt_err err = jt_sets_client(ctx, credential->id, &row);
    if (err == JT_ERR_SETS_UNVERIFIED) {
        return check_older(ctx, credential, permissions);
    }
    if (err == JT_ERR_NO_CLIENT) {
        row = nobody;
        err = JT_OK;
    }
    if (err == JT_OK) {
        err = jt_keyclient_wait_client_check(ctx->keeper, &row, credential->secret);
    }
    if (err == JT_OK) {
        *permissions = row.spec.permissions & JT_MAY_ALL;
    }
    return err;
}

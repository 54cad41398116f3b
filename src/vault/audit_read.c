/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/audit_read.h"

#include "base/secmem.h"
#include "store/chain.h"
#include "vault/registry.h"

#include <stdlib.h>

_Static_assert(JT_AUDIT_CLAIM_LEN == JT_AUDIT_LINK_LEN + JT_ROW_MAC_LEN, "a link and its head");

enum jt_err jt_audit_read_rows(struct jt_work_ctx *ctx, const char *field,
                               struct jt_audit_filter *filter, jt_audit_view_fn *each, void *arg,
                               struct jt_audit_seen *seen)
{
    struct jt_field_spec spec = { .id = 0 };
    enum jt_err err = field[0] == '\0' ? JT_OK : jt_registry_get_field(ctx, field, &spec);
    if (err == JT_OK) {
        err = jt_db_ensure(ctx->db);
    }
    filter->field = spec.id;
    return err == JT_OK ? jt_audit_list(ctx->db, filter, each, arg, seen) : err;
}

enum jt_err jt_audit_read_starts(struct jt_work_ctx *ctx, jt_audit_start_fn *each, void *arg)
{
    enum jt_err err = jt_db_ensure(ctx->db);
    return err == JT_OK ? jt_audit_starts(ctx->db, each, arg) : err;
}

enum jt_err jt_audit_read_closes(struct jt_work_ctx *ctx, jt_audit_close_fn *each, void *arg)
{
    enum jt_err err = jt_db_ensure(ctx->db);
    return err == JT_OK ? jt_audit_closes(ctx->db, each, arg) : err;
}

enum jt_err jt_audit_read_ids_digest(const struct jt_audit_row *row,
                                     uint8_t out[static JT_AUDIT_DIGEST_LEN])
{
    return jt_audit_ids_digest(row, out);
}

enum jt_err jt_audit_check_links(struct jt_work_ctx *ctx, const uint8_t *claims, size_t n,
                                 bool *good)
{
    struct jt_audit_claim *decoded = calloc(n + 1, sizeof *decoded);
    enum jt_err err = decoded == NULL ? JT_ERR_NOMEM : JT_OK;
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        struct jt_reader in = jt_reader_init(claims + i * JT_AUDIT_CLAIM_LEN, JT_AUDIT_LINK_LEN);
        err = jt_audit_link_decode(&in, &decoded[i].link);
        in = jt_reader_init(claims + i * JT_AUDIT_CLAIM_LEN + JT_AUDIT_LINK_LEN, JT_ROW_MAC_LEN);
        jt_reader_copy(&in, decoded[i].head, JT_ROW_MAC_LEN);
    }
    if (err == JT_OK) {
        err = jt_keyclient_wait_audit_check(ctx->keeper, decoded, n, good);
    }
    free(decoded);
    return err;
}

enum jt_err jt_audit_check_start(struct jt_work_ctx *ctx, const uint8_t *claim, size_t len,
                                 bool *good)
{
    struct jt_audit_start start = { .ends = calloc(JT_AUDIT_ENDS_MAX, sizeof *start.ends) };
    uint8_t mac[JT_ROW_MAC_LEN];
    *good = false;
    if (start.ends == NULL) {
        return JT_ERR_NOMEM;
    }
    struct jt_reader in = jt_reader_init(claim, len < sizeof mac ? 0 : len - sizeof mac);
    bool decoded = jt_audit_start_decode(&in, &start) == JT_OK;
    enum jt_err err =
        decoded ? jt_keyclient_wait_audit_start(ctx->keeper, &start, mac) : JT_ERR_INVALID;
    if (err == JT_OK) {
        *good = jt_equal_ct(mac, claim + len - sizeof mac, sizeof mac) != 0;
    }
    free(start.ends);
    return err == JT_ERR_INVALID ? JT_OK : err;
}

enum jt_err jt_audit_check_close(struct jt_work_ctx *ctx, const uint8_t *claim, size_t len,
                                 bool *good)
{
    struct jt_audit_close close;
    uint8_t mac[JT_ROW_MAC_LEN];
    *good = false;
    if (len != JT_AUDIT_CLOSE_LEN + sizeof mac) {
        return JT_OK;
    }
    struct jt_reader in = jt_reader_init(claim, JT_AUDIT_CLOSE_LEN);
    enum jt_err err = jt_audit_close_decode(&in, &close);
    if (err == JT_OK) {
        err = jt_keyclient_wait_audit_close(ctx->keeper, &close, mac);
    }
    *good = err == JT_OK && jt_equal_ct(mac, claim + JT_AUDIT_CLOSE_LEN, sizeof mac) != 0;
    return err;
}

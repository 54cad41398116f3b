#include "vault/registry.h"

#include "base/secmem.h"
#include "store/clients.h"
#include "store/fields.h"

#define ID_TRIES 5

enum jt_err jt_registry_add_client(struct jt_work_ctx *ctx, const struct jt_client_spec *spec, const char *actor,
                                   struct jt_credential *out)
{
    struct jt_client_row row;
    jt_credential_new(spec->id, out);
    enum jt_err err = jt_db_ensure(ctx->db);
    if (err == JT_OK) {
        err = jt_keyclient_wait_client_make(ctx->keeper, spec, out->secret, &row);
    }
    if (err == JT_OK) {
        struct jt_act act = { .node = ctx->vault->node.name, .actor = actor };
        err = jt_client_insert(ctx->db, &row, &act);
    }
    if (err != JT_OK) {
        jt_wipe(out, sizeof *out);
    }
    return err;
}

enum jt_err jt_registry_check_client(struct jt_work_ctx *ctx, const struct jt_credential *credential, uint32_t *permissions)
{
    *permissions = 0;
    struct jt_client_row row;
    enum jt_err err = jt_db_ensure(ctx->db);
    if (err == JT_OK) {
        err = jt_client_get(ctx->db, credential->id, &row);
    }
    if (err == JT_ERR_NOT_FOUND) {
        /* All-zero MACs: no keeper made such a row. The check costs what a real one costs. */
        row = (struct jt_client_row){ .spec = { .id = "unknown" } };
        err = JT_OK;
    }
    if (err == JT_OK) {
        err = jt_keyclient_wait_client_check(ctx->keeper, &row, credential->secret);
    }
    if (err == JT_OK) {
        *permissions = row.spec.permissions;
    }
    return err;
}

enum jt_err jt_registry_add_field(struct jt_work_ctx *ctx, struct jt_field_spec *spec, const char *actor)
{
    struct jt_act act = { .node = ctx->vault->node.name, .actor = actor };
    enum jt_err err = JT_ERR_CONFLICT;
    /* Two creators may choose one id; the loser takes the next. A name that is taken is a conflict for good. */
    for (int i = 0; i < ID_TRIES && err == JT_ERR_CONFLICT; i++) {
        struct jt_field_row row;
        err = jt_db_ensure(ctx->db);
        if (err == JT_OK) {
            err = jt_field_get(ctx->db, spec->name, &row);
            if (err == JT_OK) {
                return JT_ERR_CONFLICT;
            }
            err = err == JT_ERR_NOT_FOUND ? jt_field_next_id(ctx->db, &spec->id) : err;
        }
        if (err == JT_OK) {
            err = jt_keyclient_wait_field_make(ctx->keeper, spec, &row);
        }
        if (err == JT_OK) {
            err = jt_field_insert(ctx->db, &row, &act);
        }
    }
    return err;
}

enum jt_err jt_registry_get_field(struct jt_work_ctx *ctx, const char *name, struct jt_field_spec *out)
{
    struct jt_field_row row;
    enum jt_err err = jt_db_ensure(ctx->db);
    if (err == JT_OK) {
        err = jt_field_get(ctx->db, name, &row);
    }
    if (err == JT_OK) {
        err = jt_keyclient_wait_field_check(ctx->keeper, &row);
    }
    if (err == JT_OK) {
        *out = row.spec;
    }
    return err;
}

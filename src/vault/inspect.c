/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/inspect.h"

#include "base/log.h"
#include "store/numeric.h"
#include "vault/registry.h"

enum jt_err jt_inspect_generations(struct jt_work_ctx *ctx, jt_generation_fn *each, void *arg)
{
    enum jt_err err = jt_db_ensure(ctx->db);
    return err == JT_OK ? jt_generations_list(ctx->db, each, arg) : err;
}

enum jt_err jt_inspect_kept_generations(struct jt_work_ctx *ctx, jt_generation_fn *each, void *arg)
{
    enum jt_err err = jt_db_ensure(ctx->db);
    return err == JT_OK ? jt_generations_kept(ctx->db, each, arg) : err;
}

enum jt_err jt_inspect_generation(struct jt_work_ctx *ctx, uint64_t number,
                                  struct jt_generation_info *out)
{
    enum jt_err err = jt_db_ensure(ctx->db);
    return err == JT_OK ? jt_generation_get(ctx->db, number, out) : err;
}

enum jt_err jt_inspect_acks(struct jt_work_ctx *ctx, jt_ack_standing_fn *each, void *arg)
{
    enum jt_err err = jt_db_ensure(ctx->db);
    return err == JT_OK ? jt_acks_standing(ctx->db, each, arg) : err;
}

enum jt_err jt_inspect_held(struct jt_work_ctx *ctx, uint64_t number, jt_held_last_fn *each,
                            void *arg)
{
    struct jt_generation_info info;
    enum jt_err err = jt_inspect_generation(ctx, number, &info);
    return err == JT_OK ? jt_held_use_list(ctx->db, number, each, arg) : err;
}

struct standing_only {
    struct jt_work_ctx *ctx;
    jt_client_seen_fn *each;
    void *arg;
    size_t n;
};

static void pass_if_it_stands(void *arg, const struct jt_client_info *info)
{
    struct standing_only *s = arg;
    struct jt_client_seen seen = { .info = info };
    if (jt_sets_client_stands(&s->ctx->vault->sets, &info->row) &&
        jt_client_terms_decode(info->row.terms, info->row.terms_len, &seen.terms) == JT_OK &&
        jt_sets_may(s->ctx, &info->row, &seen.may) == JT_OK) {
        s->n++;
        s->each(s->arg, &seen);
    } else {
        jt_log(JT_LOG_ERROR,
               "alarm: the row of client %s in the database is not the one that was verified",
               info->row.spec.id);
    }
}

enum jt_err jt_inspect_clients(struct jt_work_ctx *ctx, const char *after, size_t max,
                               jt_client_seen_fn *each, void *arg)
{
    struct standing_only standing = { .ctx = ctx, .each = each, .arg = arg };
    enum jt_err err = jt_sets_refresh(ctx, JT_SET_CLIENTS, false);
    if (err == JT_OK) {
        err = jt_sets_refresh(ctx, JT_SET_FIELDS, false);
    }
    return err == JT_OK ? jt_clients_list(ctx->db, after, max, pass_if_it_stands, &standing) : err;
}

enum jt_err jt_inspect_client(struct jt_work_ctx *ctx, const char *id, jt_client_seen_fn *each,
                              void *arg)
{
    struct standing_only standing = { .ctx = ctx, .each = each, .arg = arg };
    enum jt_err err = jt_sets_refresh(ctx, JT_SET_CLIENTS, false);
    if (err == JT_OK) {
        err = jt_clients_one(ctx->db, id, pass_if_it_stands, &standing);
    }
    return err == JT_OK && standing.n == 0 ? JT_ERR_NO_CLIENT : err;
}

enum jt_err jt_inspect_readings(struct jt_work_ctx *ctx, const struct jt_readings_query *query,
                                jt_audit_reading_fn *each, void *arg)
{
    struct jt_field_spec field;
    struct jt_identify_reply reply;
    enum jt_err err = jt_registry_get_field(ctx, query->field, &field);
    if (err == JT_OK) {
        const struct jt_identify_item item = { .field = field.id, .token = query->token };
        err = jt_keyclient_wait_identify(ctx->keeper, &item, 1, &reply);
    }
    if (err == JT_OK) {
        err = reply.results[0].err;
    }
    if (err == JT_OK) {
        err =
            jt_db_ensure(ctx->db); /* this may be the first that its worker asks of the database */
    }
    uint64_t id = err == JT_OK ? reply.results[0].id : 0;
    if (err == JT_OK && id == 0) {
        err = jt_numeric_find(ctx->db, field.id, reply.results[0].tok, &id);
    }
    if (err == JT_OK) {
        err = jt_audit_readings(ctx->db, field.id, id, query->since, query->until, query->max, each,
                                arg);
    }
    return err;
}

void jt_inspect_peers(struct jt_work_ctx *ctx, struct jt_peers *out)
{
    *out = (struct jt_peers){ .keeper_up = false };
    out->keeper_up = jt_keyclient_wait_status(ctx->keeper, &out->keeper) == JT_OK;
    out->database_up = jt_db_ensure(ctx->db) == JT_OK;
    out->endings_known = out->database_up && jt_endings_read(ctx->db, &out->endings) == JT_OK;
}

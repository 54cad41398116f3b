/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/stuck.h"

#include "pan/numeric.h"
#include "store/retirements.h"
#include "vault/sets.h"

#include <stdlib.h>

/* One listing on its way. */
struct listing {
    struct jt_stuck_seen *seen;
    struct jt_name_item *asked; /* of the opaque tokens, in the order of `seen` */
    size_t n, n_asked;
    struct jt_field_row *fields;
    size_t n_fields;
};

static void listing_clear(struct listing *l)
{
    free(l->seen);
    free(l->asked);
    free(l->fields);
}

static const struct jt_field_spec *field_of(const struct listing *l, uint32_t id)
{
    for (size_t i = 0; i < l->n_fields; i++) {
        if (l->fields[i].spec.id == id) {
            return &l->fields[i].spec;
        }
    }
    return NULL;
}

static bool is_opaque(const struct jt_field_spec *field)
{
    return field != NULL && field->kind == JT_FIELD_PAN && field->token_form == 0;
}

/* Of a numeric token the row has the digits, as they stand there. */
static const uint8_t *digits_of(const struct jt_stuck_seen *seen,
                                uint8_t token[static JT_TOKEN_LEN])
{
    if (!seen->stands || seen->row.digits.packed_len == 0) {
        return NULL;
    }
    jt_numeric_to_token(seen->row.digits.packed, seen->row.digits.packed_len, token);
    return token;
}

static enum jt_err read_all(struct jt_work_ctx *ctx, const struct jt_stuck_query *query,
                            struct listing *l)
{
    struct jt_retirement job;
    enum jt_err err = jt_retirement_get(ctx->db, query->generation, &job);
    if (err != JT_OK) {
        return err;
    }
    l->seen = calloc(query->max + 1, sizeof *l->seen);
    l->asked = calloc(query->max + 1, sizeof *l->asked);
    if (l->seen == NULL || l->asked == NULL) {
        return JT_ERR_NOMEM;
    }
    err = jt_stuck_list(ctx->db, query->generation, job.key_id, (struct jt_card_cursor){ 0 },
                        query->skip, l->seen, query->max + 1, &l->n);
    return err == JT_OK ? jt_sets_fields(ctx, &l->fields, &l->n_fields) : err;
}

static void tell(const struct listing *l, size_t n, const struct jt_name_reply *names,
                 jt_stuck_fn *each, void *arg)
{
    size_t next = 0;
    for (size_t i = 0; i < n; i++) {
        const struct jt_stuck_seen *seen = &l->seen[i];
        uint8_t numeric[JT_TOKEN_LEN];
        struct jt_stuck_view view = { .field = field_of(l, seen->card.field),
                                      .cause = seen->card.cause,
                                      .first_seen = seen->first_seen };
        if (is_opaque(view.field)) {
            const struct jt_name_result *name = &names->results[next++];
            view.token = name->err == JT_OK ? name->token : NULL;
        } else if (view.field != NULL) {
            view.token = digits_of(seen, numeric);
        }
        each(arg, &view);
    }
}

enum jt_err jt_stuck_look(struct jt_work_ctx *ctx, const struct jt_stuck_query *query,
                          jt_stuck_fn *each, void *arg, bool *more)
{
    struct listing l = { 0 };
    struct jt_name_reply names = { 0 };
    enum jt_err err = read_all(ctx, query, &l);
    *more = err == JT_OK && l.n > query->max;
    size_t n = *more ? query->max : l.n;
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        if (is_opaque(field_of(&l, l.seen[i].card.field))) {
            l.asked[l.n_asked++] =
                (struct jt_name_item){ .field = l.seen[i].card.field, .id = l.seen[i].card.at.id };
        }
    }
    if (err == JT_OK) {
        err = jt_keyclient_wait_name(ctx->keeper, l.asked, l.n_asked, &names);
    }
    if (err == JT_OK) {
        tell(&l, n, &names, each, arg);
    }
    listing_clear(&l);
    return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/stuck.h"

#include "pan/numeric.h"
#include "store/retirements.h"
#include "vault/sets.h"

#include <stdlib.h>

/* One listing on its way. */
struct listing {
    struct jt_name_item *asked; /* of the opaque tokens, in the order of the cards */
    size_t n_asked;
    struct jt_field_row *fields;
    size_t n_fields;
};

static void listing_clear(struct listing *l)
{
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

static void tell(const struct listing *l, const struct jt_stuck_seen *all, size_t n,
                 const struct jt_name_reply *names, jt_stuck_fn *each, void *arg)
{
    size_t next = 0;
    for (size_t i = 0; i < n; i++) {
        const struct jt_stuck_seen *seen = &all[i];
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

enum jt_err jt_stuck_tell(struct jt_work_ctx *ctx, const struct jt_stuck_seen *seen, size_t n,
                          jt_stuck_fn *each, void *arg)
{
    struct listing l = { .asked = calloc(n + 1, sizeof *l.asked) };
    struct jt_name_reply names = { 0 };
    enum jt_err err = l.asked == NULL ? JT_ERR_NOMEM : jt_sets_fields(ctx, &l.fields, &l.n_fields);
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        if (is_opaque(field_of(&l, seen[i].card.field))) {
            l.asked[l.n_asked++] =
                (struct jt_name_item){ .field = seen[i].card.field, .id = seen[i].card.at.id };
        }
    }
    if (err == JT_OK) {
        err = jt_keyclient_wait_name(ctx->keeper, l.asked, l.n_asked, &names);
    }
    if (err == JT_OK) {
        tell(&l, seen, n, &names, each, arg);
    }
    listing_clear(&l);
    return err;
}

enum jt_err jt_stuck_look(struct jt_work_ctx *ctx, const struct jt_stuck_query *query,
                          jt_stuck_fn *each, void *arg, bool *more)
{
    struct jt_retirement job;
    size_t n = 0;
    *more = false;
    struct jt_stuck_seen *seen = calloc(query->max + 1, sizeof *seen);
    enum jt_err err =
        seen == NULL ? JT_ERR_NOMEM : jt_retirement_get(ctx->db, query->generation, &job);
    if (err == JT_OK) {
        err = jt_stuck_list(ctx->db, query->generation, job.key_id, (struct jt_card_cursor){ 0 },
                            query->skip, seen, query->max + 1, &n);
    }
    if (err == JT_OK) {
        *more = n > query->max;
        err = jt_stuck_tell(ctx, seen, *more ? query->max : n, each, arg);
    }
    free(seen);
    return err;
}

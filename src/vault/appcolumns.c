/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/appcolumns.h"

#include "keyclient/columns.h"
#include "model/client.h"
#include "store/generations.h"
#include "vault/refresh.h"
#include "vault/registry.h"
#include "vault/retirement.h"
#include "vault/sets.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- counts as they stand --- */

/* Rows are read first: a keeper is not asked while a result is held. */
struct count_rows {
    struct jt_column_count_row *all;
    size_t n;
    bool failed;
};

static void keep(void *arg, const struct jt_column_count_row *row)
{
    struct count_rows *rows = arg;
    struct jt_column_count_row *all = reallocarray(rows->all, rows->n + 1, sizeof *all);
    rows->failed = rows->failed || all == NULL;
    if (all != NULL) {
        rows->all = all;
        rows->all[rows->n++] = *row;
    }
}

/* Of `field` and `generation`; NULL: nobody has counted. */
static struct jt_column_count_row *find(const struct count_rows *rows, uint32_t field,
                                        uint64_t generation)
{
    for (size_t i = 0; i < rows->n; i++) {
        if (rows->all[i].count.field == field && rows->all[i].count.generation == generation) {
            return &rows->all[i];
        }
    }
    return NULL;
}

/* JT_ERR_COUNT_FORGED: no keeper made the count, of this column. */
static enum jt_err check(struct jt_work_ctx *ctx, const struct jt_field_spec *field,
                         struct jt_column_count_row *row)
{
    memcpy(row->count.column, field->column, sizeof row->count.column);
    enum jt_err err = jt_keyclient_wait_column_check(ctx->keeper, &row->count);
    if (err == JT_ERR_FORGED) {
        jt_fault_clear(&ctx->fault);
        err = JT_ERR_COUNT_FORGED;
    }
    return err;
}

/* --- look --- */

static enum jt_err find_field(struct jt_work_ctx *ctx, const char *name, struct jt_field_row *out)
{
    enum jt_err err = jt_registry_get_field_row(ctx, name, out);
    return err == JT_OK && out->spec.column[0] == '\0' ? JT_ERR_FIELD_NO_COLUMN : err;
}

static bool may_have_envelopes(const struct jt_generation_row *g)
{
    return g->state == JT_GENERATION_ACTIVE || g->state == JT_GENERATION_DRAINING ||
           g->state == JT_GENERATION_RETIRED;
}

/* A count that is not a keeper's is told as none. */
static enum jt_err add_generation(struct jt_work_ctx *ctx, const struct jt_generation_row *g,
                                  const struct count_rows *counts, struct jt_column_view *out)
{
    struct jt_column_generation *one = &out->generations[out->n];
    struct jt_column_count_row *row = find(counts, out->field.id, g->number);
    *one = (struct jt_column_generation){ .number = g->number,
                                          .key_id = g->key_id,
                                          .state = g->state };
    enum jt_err err = row == NULL ? JT_OK : check(ctx, &out->field, row);
    one->counted = row != NULL && err == JT_OK;
    if (one->counted) {
        one->current = row->count.epoch >= g->mac_epoch;
        one->envelopes = row->count.envelopes;
        memcpy(one->counted_at, row->counted_at, sizeof one->counted_at);
        memcpy(one->counted_by, row->counted_by, sizeof one->counted_by);
    }
    out->n++;
    return err == JT_ERR_COUNT_FORGED ? JT_OK : err;
}

static enum jt_err look(struct jt_work_ctx *ctx, const struct jt_field_row *field,
                        struct jt_column_view *out)
{
    struct count_rows counts = { 0 };
    struct jt_generation_rows *rows = calloc(1, sizeof *rows);
    struct jt_ring_row *ring = calloc(1, sizeof *ring);
    out->field = field->spec;
    out->n = 0;
    enum jt_err err = rows == NULL || ring == NULL ? JT_ERR_NOMEM : jt_ring_refresh(ctx, ring);
    if (err == JT_OK) {
        out->epoch = ring->epoch;
        err = jt_generations_read(ctx->db, rows);
    }
    if (err == JT_OK) {
        err = jt_column_counts_of_field(ctx->db, field->spec.id, keep, &counts);
    }
    if (err == JT_OK && counts.failed) {
        err = JT_ERR_NOMEM;
    }
    for (size_t i = 0; err == JT_OK && i < rows->n && out->n < JT_RING_MAX; i++) {
        if (may_have_envelopes(&rows->rows[i])) {
            err = add_generation(ctx, &rows->rows[i], &counts, out);
        }
    }
    free(counts.all);
    free(rows);
    free(ring);
    return err;
}

enum jt_err jt_appcolumn_look(struct jt_work_ctx *ctx, const char *field,
                              struct jt_column_view *out)
{
    struct jt_field_row row;
    enum jt_err err = find_field(ctx, field, &row);
    return err == JT_OK ? look(ctx, &row, out) : err;
}

/* --- register --- */

enum jt_err jt_appcolumn_add(struct jt_work_ctx *ctx, const char *field,
                             const struct jt_appcolumn *column, const char *actor,
                             struct jt_field_row *out)
{
    struct jt_field_patch patch = { .column = JT_PATCH_SET };
    if (!jt_field_name_valid(field)) {
        return JT_ERR_NO_FIELD;
    }
    if (!jt_appcolumn_format(column, patch.app_column)) {
        return JT_ERR_COLUMN_NAMES;
    }
    if (jt_name_is_cardlike(column->database) || jt_name_is_cardlike(column->schema) ||
        jt_name_is_cardlike(column->table) || jt_name_is_cardlike(column->key) ||
        jt_name_is_cardlike(column->value) || jt_name_is_cardlike(column->envelope)) {
        return JT_ERR_CARDLIKE;
    }
    return jt_registry_change_field(ctx, field, &patch, actor, out);
}

enum jt_err jt_appcolumn_remove(struct jt_work_ctx *ctx, const char *field, const char *actor,
                                struct jt_field_row *out)
{
    const struct jt_field_patch patch = { .column = JT_PATCH_CLEAR };
    if (!jt_field_name_valid(field)) {
        return JT_ERR_NO_FIELD;
    }
    enum jt_err err = jt_registry_change_field(ctx, field, &patch, actor, out);
    if (err == JT_OK) {
        jt_retirer_nudge(ctx->vault->retirer); /* nothing waits for it any more */
    }
    return err;
}

/* --- count --- */

static enum jt_err make_counts(struct jt_work_ctx *ctx, const struct jt_field_row *field,
                               const struct jt_column_said *said,
                               const struct jt_generation_rows *rows,
                               struct jt_column_count *counts)
{
    enum jt_err err = JT_OK;
    for (size_t i = 0; i < said->n && err == JT_OK; i++) {
        struct jt_column_counted counted = { .field = *field,
                                             .epoch = said->epoch,
                                             .envelopes = said->counts[i].envelopes };
        err = JT_ERR_NO_GENERATION;
        for (size_t j = 0; j < rows->n; j++) {
            if (rows->rows[j].number == said->counts[i].generation &&
                rows->rows[j].key_id == said->counts[i].key_id) {
                counted.generation = rows->rows[j];
                err = JT_OK;
            }
        }
        if (err == JT_OK) {
            err = jt_keyclient_wait_column_count(ctx->keeper, &counted, &counts[i]);
        }
    }
    return err;
}

static enum jt_err count(struct jt_work_ctx *ctx, const struct jt_field_row *field,
                         const struct jt_column_said *said, const char *actor)
{
    const struct jt_act act = { .node = ctx->vault->node.name, .actor = actor };
    struct jt_generation_rows *rows = calloc(1, sizeof *rows);
    struct jt_column_count *counts = calloc(said->n + 1, sizeof *counts);
    enum jt_err err = rows == NULL || counts == NULL ? JT_ERR_NOMEM : jt_ring_refresh(ctx, NULL);
    if (err == JT_OK) {
        err = jt_generations_read(ctx->db, rows);
    }
    if (err == JT_OK) {
        err = make_counts(ctx, field, said, rows, counts);
    }
    if (err == JT_OK) {
        err = jt_column_counts_put(ctx->db, field->spec.name, counts, said->n, &act);
    }
    free(rows);
    free(counts);
    return err;
}

enum jt_err jt_appcolumn_count(struct jt_work_ctx *ctx, const char *field,
                               const struct jt_column_said *said, const char *actor,
                               struct jt_column_view *out)
{
    struct jt_field_row row;
    enum jt_err err = find_field(ctx, field, &row);
    if (err == JT_OK) {
        err = count(ctx, &row, said, actor);
    }
    if (err == JT_OK) {
        jt_retirer_nudge(ctx->vault->retirer);
        err = look(ctx, &row, out);
    }
    return err;
}

/* --- what keeps a generation --- */

static void add_waiting(const struct jt_field_spec *field, const struct jt_column_count_row *row,
                        struct jt_columns_waiting *out)
{
    out->n_all++;
    if (out->n == JT_COLUMNS_WAITING) {
        return;
    }
    struct jt_column_waiting *w = &out->columns[out->n++];
    memset(w, 0, sizeof *w);
    memcpy(w->field, field->name, sizeof w->field);
    memcpy(w->column, field->column, sizeof w->column);
    if (row != NULL) {
        w->counted = true;
        w->envelopes = row->count.envelopes;
        memcpy(w->counted_at, row->counted_at, sizeof w->counted_at);
    }
}

/* Disabled fields count: what stands in their columns is to be read once they are active again. */
static enum jt_err look_for_waiting(struct jt_work_ctx *ctx, const struct jt_generation_row *g,
                                    const struct jt_field_row *fields, size_t n,
                                    struct jt_columns_waiting *out)
{
    struct count_rows counts = { 0 };
    enum jt_err err = jt_column_counts_of_generation(ctx->db, g->number, keep, &counts);
    if (err == JT_OK && counts.failed) {
        err = JT_ERR_NOMEM;
    }
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        if (fields[i].spec.column[0] == '\0') {
            continue;
        }
        struct jt_column_count_row *row = find(&counts, fields[i].spec.id, g->number);
        err = row == NULL ? JT_OK : check(ctx, &fields[i].spec, row);
        bool current = row != NULL && err == JT_OK && row->count.epoch >= g->mac_epoch;
        if (!current || row->count.envelopes > 0) {
            add_waiting(&fields[i].spec, current ? row : NULL, out);
        }
        if (err == JT_ERR_COUNT_FORGED) {
            out->n_forged++;
            err = JT_OK;
        }
    }
    free(counts.all);
    return err;
}

enum jt_err jt_appcolumns_waiting(struct jt_work_ctx *ctx, const struct jt_generation_row *g,
                                  struct jt_columns_waiting *out)
{
    struct jt_field_row *fields = NULL;
    size_t n = 0;
    *out = (struct jt_columns_waiting){ 0 };
    enum jt_err err = jt_sets_fields(ctx, &fields, &n);
    bool any = false;
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        any = any || fields[i].spec.column[0] != '\0';
    }
    if (any) {
        err = look_for_waiting(ctx, g, fields, n, out);
    }
    free(fields);
    return err;
}

enum jt_err jt_appcolumns_check(struct jt_work_ctx *ctx, const struct jt_generation_row *g,
                                size_t *n_waiting)
{
    struct jt_columns_waiting *waiting = calloc(1, sizeof *waiting);
    enum jt_err err = waiting == NULL ? JT_ERR_NOMEM : jt_appcolumns_waiting(ctx, g, waiting);
    *n_waiting = err == JT_OK ? waiting->n_all : 0;
    if (err == JT_OK && waiting->n_forged > 0) {
        err = jt_fault_set(&ctx->fault, JT_ERR_COUNT_FORGED, "%zu counts", waiting->n_forged);
    }
    if (err == JT_OK && waiting->n_all > 0) {
        const struct jt_column_waiting *first = &waiting->columns[0];
        err = jt_fault_set(&ctx->fault, JT_ERR_COLUMN_NOT_DRAINED,
                           "%zu columns, the first that of field %s (%s): %" PRIu64 " envelopes%s",
                           waiting->n_all, first->field, first->column, first->envelopes,
                           first->counted ? "" : " known, not counted lately");
    }
    free(waiting);
    return err;
}

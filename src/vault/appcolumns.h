/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Columns of applications' own tables: what is registered with a field, and how many envelopes
 * stand there under which generation.
 *
 * Jeton does not see those tables. Whoever may re-encrypt the field's envelopes counts them
 * (`jeton column drain`) and says so; a keeper MACs the number with the column, the generation and
 * the epoch. A generation is not retired, and the request of its destruction is not made, before
 * each registered column has a count of 0 that was made since the generation came into the state
 * that it has: so the count before retirement is from after the last seal, and the one before
 * destruction from after the retirement, when what was in flight has landed.
 */
#ifndef JETON_VAULT_APPCOLUMNS_H
#define JETON_VAULT_APPCOLUMNS_H

#include "store/appcolumns.h"
#include "vault/workers.h"
#include "model/field.h"
#include "model/ring.h"

/* A generation under which envelopes may stand. */
struct jt_column_generation {
    uint64_t number;
    uint8_t key_id, state;
    bool counted; /* by a keeper's word, of this column; else what follows is empty */
    bool current; /* and since the generation came into its state */
    uint64_t envelopes;
    char counted_at[JT_TIME_LEN], counted_by[JT_ACTOR_MAX + 1];
};

/* Large: on the heap. */
struct jt_column_view {
    struct jt_field_spec field;
    uint64_t epoch; /* of the ring: what is counted now is of this one */
    size_t n;
    struct jt_column_generation generations[JT_RING_MAX]; /* active, draining, retired */
};

/* On a worker, as all here. JT_ERR_NO_FIELD; JT_ERR_FIELD_NO_COLUMN. */
enum jt_err jt_appcolumn_look(struct jt_work_ctx *ctx, const char *field,
                              struct jt_column_view *out) JT_CHECKED;

/*
 * Registers a column, or takes the registration away. The same one again is success. As
 * jt_registry_change_field; JT_ERR_COLUMN_NAMES; JT_ERR_CARDLIKE when a name could be a card
 * number.
 */
enum jt_err jt_appcolumn_add(struct jt_work_ctx *ctx, const char *field,
                             const struct jt_appcolumn *column, const char *actor,
                             struct jt_field_row *out) JT_CHECKED;
enum jt_err jt_appcolumn_remove(struct jt_work_ctx *ctx, const char *field, const char *actor,
                                struct jt_field_row *out) JT_CHECKED;

/* What somebody has counted, at an epoch that jt_appcolumn_look told. */
struct jt_column_said {
    uint64_t epoch;
    size_t n;
    struct {
        uint64_t generation, envelopes;
        uint8_t key_id; /* by which they were counted */
    } counts[JT_RING_MAX];
};

/*
 * JT_ERR_COUNT_EPOCH: the ring is at another; JT_ERR_NO_GENERATION: none of that number has that
 * key id; JT_ERR_WRONG_STATE: it neither drains nor is retired.
 */
enum jt_err jt_appcolumn_count(struct jt_work_ctx *ctx, const char *field,
                               const struct jt_column_said *said, const char *actor,
                               struct jt_column_view *out) JT_CHECKED;

/* --- what keeps a generation --- */

#define JT_COLUMNS_WAITING 16 /* of which more is told than that there are more */

struct jt_column_waiting {
    char field[JT_FIELD_NAME_MAX + 1];
    char column[JT_APP_COLUMN_MAX + 1];
    bool counted; /* and not 0; else nobody has counted since it came into its state */
    uint64_t envelopes;
    char counted_at[JT_TIME_LEN];
};

struct jt_columns_waiting {
    size_t n_all, n; /* all, and of them here */
    size_t n_forged; /* of all: a count is there, and is not a keeper's */
    struct jt_column_waiting columns[JT_COLUMNS_WAITING];
};

/* Columns whose envelopes under that generation are not known to be none. */
enum jt_err jt_appcolumns_waiting(struct jt_work_ctx *ctx, const struct jt_generation_row *g,
                                  struct jt_columns_waiting *out) JT_CHECKED;

/*
 * JT_OK: there is none. JT_ERR_COLUMN_NOT_DRAINED, which names the first; JT_ERR_COUNT_FORGED.
 * *n_waiting: how many there are.
 */
enum jt_err jt_appcolumns_check(struct jt_work_ctx *ctx, const struct jt_generation_row *g,
                                size_t *n_waiting) JT_CHECKED;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Table held_use: when envelopes that applications keep were last sealed and opened. */
#ifndef JETON_STORE_HELD_USE_H
#define JETON_STORE_HELD_USE_H

#include "model/sizes.h"
#include "store/db.h"
#include "store/sql.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jt_held_used {
    uint32_t field;
    uint64_t generation;
    bool sealed, opened; /* since the last record */
};

/* Sets the times of a node's rows to now, where something was sealed or opened. */
enum jt_err jt_held_use_record(struct jt_db *db, const char *node, const struct jt_held_used *used,
                               size_t n) JT_CHECKED;

/* A field's last uses of a generation, on whichever node; times as in store/generations.h. */
struct jt_held_last {
    char field[JT_FIELD_NAME_MAX + 1];
    char sealed_at[JT_TIME_LEN], opened_at[JT_TIME_LEN]; /* empty: never */
};

typedef void jt_held_last_fn(void *arg, const struct jt_held_last *last);

/* Calls `each` by field, for those that were ever used so under the generation. */
enum jt_err jt_held_use_list(struct jt_db *db, uint64_t generation, jt_held_last_fn *each,
                             void *arg) JT_CHECKED;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of a set in memory (vault/sets.h), in order: clients by id, fields by number. What a row
 * is depends on the kind, so the functions take it, and rows as void: a struct jt_client_row or a
 * struct jt_field_row.
 */
#ifndef JETON_VAULT_SET_COPY_H
#define JETON_VAULT_SET_COPY_H

#include "wire/set.h"

/* A set as it was read and summed. Zeroed: there is none. */
struct jt_set_copy {
    bool there;
    struct jt_set_row row;
    struct jt_set_sum sum;
    bool summed; /* `sum` counts: false for the empty set */
    size_t n, cap;
    union {
        struct jt_client_row *clients; /* ascending by id */
        struct jt_field_row *fields;
    };
};

void jt_set_copy_clear(struct jt_set_copy *c);

size_t jt_set_row_size(enum jt_set_kind kind);

/* The row at a place. */
void *jt_set_copy_at(enum jt_set_kind kind, const struct jt_set_copy *c, size_t i);

/* The place of the row of that name, or of the one that it would stand before. */
size_t jt_set_copy_place(enum jt_set_kind kind, const struct jt_set_copy *c, const void *row,
                         bool *there);

/* Puts a row in, in place of the one of its name if there is one. JT_ERR_NOMEM. */
enum jt_err jt_set_copy_put(enum jt_set_kind kind, struct jt_set_copy *c,
                            const void *row) JT_CHECKED;

/*
 * Takes over `n` rows from malloc, in any order, into a copy that has none. Two of one name stay
 * both: no keeper vouches for such a set.
 */
void jt_set_copy_fill(enum jt_set_kind kind, struct jt_set_copy *c, void *rows, size_t n);

/* Makes room for so many rows in all: as many jt_set_copy_put cannot fail then. JT_ERR_NOMEM. */
enum jt_err jt_set_copy_reserve(enum jt_set_kind kind, struct jt_set_copy *c, size_t n) JT_CHECKED;

/* A copy of the copy, with rows of its own. JT_ERR_NOMEM. */
enum jt_err jt_set_copy_of(enum jt_set_kind kind, const struct jt_set_copy *from,
                           struct jt_set_copy *to) JT_CHECKED;

#endif

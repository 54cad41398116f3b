/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/set_copy.h"

#include <stdlib.h>
#include <string.h>

void jt_set_copy_clear(struct jt_set_copy *c)
{
    free(c->clients);
    memset(c, 0, sizeof *c);
}

size_t jt_set_row_size(enum jt_set_kind kind)
{
    return kind == JT_SET_CLIENTS ? sizeof(struct jt_client_row) : sizeof(struct jt_field_row);
}

static int compare(enum jt_set_kind kind, const void *a, const void *b)
{
    if (kind == JT_SET_CLIENTS) {
        return strcmp(((const struct jt_client_row *)a)->spec.id,
                      ((const struct jt_client_row *)b)->spec.id);
    }
    uint32_t x = ((const struct jt_field_row *)a)->spec.id;
    uint32_t y = ((const struct jt_field_row *)b)->spec.id;
    return (x > y) - (x < y);
}

void *jt_set_copy_at(enum jt_set_kind kind, const struct jt_set_copy *c, size_t i)
{
    return (uint8_t *)c->clients + i * jt_set_row_size(kind);
}

/* The place of the row, or of the one that it would stand before. */
size_t jt_set_copy_place(enum jt_set_kind kind, const struct jt_set_copy *c, const void *row,
                         bool *there)
{
    size_t low = 0;
    size_t high = c->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(kind, jt_set_copy_at(kind, c, middle), row) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *there = low < c->n && compare(kind, jt_set_copy_at(kind, c, low), row) == 0;
    return low;
}

enum jt_err jt_set_copy_reserve(enum jt_set_kind kind, struct jt_set_copy *c, size_t n)
{
    if (n <= c->cap) {
        return JT_OK;
    }
    size_t cap = n < 64 ? 64 : n * 2;
    void *grown = realloc(c->clients, cap * jt_set_row_size(kind));
    if (grown == NULL) {
        return JT_ERR_NOMEM;
    }
    c->clients = grown;
    c->cap = cap;
    return JT_OK;
}

static int compare_clients(const void *a, const void *b)
{
    return compare(JT_SET_CLIENTS, a, b);
}

static int compare_fields(const void *a, const void *b)
{
    return compare(JT_SET_FIELDS, a, b);
}

void jt_set_copy_fill(enum jt_set_kind kind, struct jt_set_copy *c, void *rows, size_t n)
{
    free(c->clients);
    c->clients = rows;
    c->n = n;
    c->cap = n;
    if (n > 0) {
        qsort(rows, n, jt_set_row_size(kind),
              kind == JT_SET_CLIENTS ? compare_clients : compare_fields);
    }
}

enum jt_err jt_set_copy_put(enum jt_set_kind kind, struct jt_set_copy *c, const void *row)
{
    bool there;
    size_t at = jt_set_copy_place(kind, c, row, &there);
    enum jt_err err = there ? JT_OK : jt_set_copy_reserve(kind, c, c->n + 1);
    if (err != JT_OK) {
        return err;
    }
    if (!there) {
        memmove(jt_set_copy_at(kind, c, at + 1), jt_set_copy_at(kind, c, at),
                (c->n - at) * jt_set_row_size(kind));
        c->n++;
    }
    memcpy(jt_set_copy_at(kind, c, at), row, jt_set_row_size(kind));
    return JT_OK;
}

enum jt_err jt_set_copy_of(enum jt_set_kind kind, const struct jt_set_copy *from,
                           struct jt_set_copy *to)
{
    *to = *from;
    to->clients = NULL;
    to->cap = 0;
    enum jt_err err = jt_set_copy_reserve(kind, to, from->n);
    if (err == JT_OK && from->n > 0) {
        memcpy(to->clients, from->clients, from->n * jt_set_row_size(kind));
    }
    return err;
}

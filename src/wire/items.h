/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lists in the messages of the batch verbs: u16 n, then n items, then the end of the message.
 *
 * A list is decoded into an array of the caller's, item by item. Pointers in items stay inside the
 * frame.
 */
#ifndef JETON_WIRE_ITEMS_H
#define JETON_WIRE_ITEMS_H

#include "wire/frame.h"

/* Decodes one item, all of it, into `item`; marks `in` bad when it makes no sense. */
typedef void jt_wire_item_fn(struct jt_reader *in, const void *arg, void *item);

struct jt_wire_list {
    void *items;
    size_t size; /* of one */
    jt_wire_item_fn *decode;
    const void *arg; /* the decoder's: what it must know of the rest of the message */
};

/* Appends `n`. With more than `max` it returns false, and `out` has JT_ERR_LIMIT. */
bool jt_wire_n_encode(size_t n, size_t max, struct jt_buf *out);

/*
 * What jt_wire_items_decode and jt_wire_results_decode share: the items, then the end of the
 * message. Inline: an item of IDENTIFY takes 20 ns, and calls would show.
 */
static inline __attribute__((always_inline)) enum jt_err
jt_wire_list_decode(struct jt_reader *in, const struct jt_wire_list *list, size_t count, size_t *n)
{
    uint8_t *item = list->items;
    for (size_t i = 0; i < count; i++, item += list->size) {
        list->decode(in, list->arg, item);
        if (in->bad) {
            return JT_ERR_PROTOCOL;
        }
    }
    enum jt_err err = jt_wire_end(in);
    *n = err == JT_OK ? count : 0;
    return err;
}

/* A request's list. JT_ERR_LIMIT for more than `max` items. *n is 0 on failure. */
static inline __attribute__((always_inline)) JT_CHECKED enum jt_err
jt_wire_items_decode(struct jt_reader *in, const struct jt_wire_list *list, size_t max, size_t *n)
{
    *n = 0;
    size_t count = jt_reader_u16(in);
    return count <= max ? jt_wire_list_decode(in, list, count, n) : JT_ERR_LIMIT;
}

/* A reply's list, which has a result for each of the `asked` items. *n is 0 on failure. */
static inline __attribute__((always_inline)) JT_CHECKED enum jt_err
jt_wire_results_decode(struct jt_reader *in, const struct jt_wire_list *list, size_t asked,
                       size_t *n)
{
    *n = 0;
    size_t count = jt_reader_u16(in);
    return !in->bad && count == asked ? jt_wire_list_decode(in, list, count, n) : JT_ERR_PROTOCOL;
}

/*
 * How an item ended: JT_OK, one of `reasons` (ended by JT_OK), or a reason of the class REFRESH.
 * Any other one makes the message bad.
 */
enum jt_err jt_wire_item_reason(struct jt_reader *in, const enum jt_err *reasons);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shape that tokenize and detokenize share: a body with one item, {"pan": …}, or a batch,
 * {"items": [{"pan": …}, …]}, and an answer in the order of the input, each item with its own
 * status. What an item is lies in a struct jt_items_kind.
 */
#ifndef JETON_API_ITEMS_H
#define JETON_API_ITEMS_H

#include "api/request.h"

struct jt_items;

struct jt_items_kind {
    /* of the body or of each item; NULL: several, of which take() gets the object */
    const char *member;
    /* Takes the value into the good item `at`; NONE when it is good. */
    enum jt_problem_type (*take)(struct jt_items *items, size_t at, json_t *value);
    /* How the good item `at` ended. */
    enum jt_problem_type (*outcome)(const struct jt_items *items, size_t at);
    /* Writes the member of the answer by base/jsonw.h, for an item that ended well. */
    void (*write)(const struct jt_items *items, size_t at, struct jt_buf *out);
    /* another member, which items of a batch may have beside the first; NULL: none */
    const char *beside;
};

/* Embedded in the handler's state. */
struct jt_items {
    struct jt_request *request;
    const struct jt_items_kind *kind;
    bool single;
    size_t n;           /* items of the body */
    json_t *beside;     /* of that item; NULL: it has none */
    bool beside_faulty; /* set by `take`: that one is at fault, not `member` */
    size_t place;       /* in the body, of the item that `take` gets: counted from 0 */
    size_t n_good;      /* those that `take` found good: numbered from 0 in input order */
    struct jt_item_slot *slots;
};

/*
 * Checks the outer shape of r->json and counts the items. False: something is wrong with it, or
 * memory ran out, and the request is answered. Pair with jt_items_clear.
 */
bool jt_items_init(struct jt_items *items, struct jt_request *r, const struct jt_items_kind *kind);
void jt_items_clear(struct jt_items *items);

/*
 * A flag of the body, beside its item or items; without it false. False: it is no flag, and the
 * request is answered.
 */
bool jt_items_flag(const struct jt_items *items, const char *name, bool *flag);

/* Takes every item and lets go of the body, whose clear text is wiped. */
void jt_items_take(struct jt_items *items);

/* Answers the request. */
void jt_items_answer(struct jt_items *items);

#endif

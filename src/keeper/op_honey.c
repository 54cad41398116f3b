/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HONEY_ACCEPT, HONEY_CHANGE and HONEY_LIST. Showing a set takes no word of anybody: it is a
 * keeper's, or it is not taken. To change or to read it takes an operator's key, so that a front
 * that was taken over knows no more of it than an operator shows it.
 */
#include "keeper/op.h"

#include "base/secmem.h"
#include "keeper/honey.h"
#include "keeper/operator.h"
#include "wire/frame.h"
#include "wire/honey.h"

enum jt_err jt_op_honey_accept(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_honey_sealed shown;
    enum jt_honey_verdict verdict;
    enum jt_err err = jt_honey_sealed_decode(in, &shown);
    if (err == JT_OK) {
        err = jt_wire_end(in);
    }
    if (err == JT_OK) {
        err = jt_honey_accept(k, &shown, &verdict);
    }
    if (err == JT_OK) {
        const struct jt_honey_accepted accepted = { .verdict = (uint8_t)verdict,
                                                    .own = k->honey.sealed };
        jt_honey_accepted_encode(&accepted, out);
    }
    return err;
}

/* The id that a token of the field stands for. */
static enum jt_err id_of(struct jt_keeper *k, const struct jt_honey_order *order, uint64_t *id)
{
    struct jt_tokenkey *tk;
    if (jt_fieldtable_find(&k->fields, order->field) == NULL) {
        return JT_ERR_NO_TOKEN;
    }
    enum jt_err err = jt_root_tokenkey(k->root, order->field, &tk);
    if (err == JT_OK) {
        err = jt_tokenkey_open(tk, &order->token, 1, id);
    }
    return err == JT_OK && *id == 0 ? JT_ERR_NO_TOKEN : err;
}

/* The set after the order; nothing is taken over before it comes back from the database. */
static enum jt_err change(struct jt_keeper *k, const struct jt_honey_order *order,
                          struct jt_honey_sealed *next)
{
    uint64_t id;
    struct jt_honey_set set = k->honey.set;
    enum jt_err err = jt_operator_check(k, &order->who, order->secret);
    if (err == JT_OK) {
        err = id_of(k, order, &id);
    }
    if (err == JT_OK) {
        err = order->act == JT_HONEY_ADD ? jt_honey_add(&set, order->field, id)
                                         : jt_honey_remove(&set, order->field, id);
    }
    return err == JT_OK ? jt_honey_seal(k->root, k->development, &set, next) : err;
}

enum jt_err jt_op_honey_change(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_honey_order order;
    struct jt_honey_sealed next;
    enum jt_err err = jt_honey_change_decode(in, &order);
    if (err == JT_OK) {
        err = change(k, &order, &next);
    }
    if (err == JT_OK) {
        jt_honey_sealed_encode(&next, out);
    }
    jt_wipe(order.secret, sizeof order.secret);
    return err;
}

static enum jt_err list(struct jt_keeper *k, const struct jt_honey_order *order,
                        struct jt_honey_tokens *tokens)
{
    enum jt_err err = jt_operator_check(k, &order->who, order->secret);
    const struct jt_honey_set *set = &k->honey.set;
    tokens->n = 0;
    for (size_t i = 0; i < set->n && err == JT_OK; i++) {
        struct jt_tokenkey *tk;
        const struct jt_honey_mark *mark = &set->marks[i];
        err = jt_root_tokenkey(k->root, mark->field, &tk);
        if (err == JT_OK) {
            err = jt_tokenkey_seal(tk, &mark->id, 1, &tokens->marks[i].token);
        }
        tokens->marks[i].field = mark->field;
        tokens->n++;
    }
    return err;
}

enum jt_err jt_op_honey_list(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_honey_order order;
    struct jt_honey_tokens tokens;
    enum jt_err err = jt_honey_list_decode(in, &order);
    if (err == JT_OK) {
        err = list(k, &order, &tokens);
    }
    if (err == JT_OK) {
        jt_honey_tokens_encode(&tokens, out);
    }
    jt_wipe(order.secret, sizeof order.secret);
    return err;
}

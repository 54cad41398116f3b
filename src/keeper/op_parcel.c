/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PARCEL_ASK, PARCEL_ANSWER and PARCEL_ACCEPT: how a key comes from one keeper to another
 * (keeper/parcel.h, keeper/pending.h). The fronts and the database only carry.
 */
#include "keeper/op.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/secmem.h"
#include "keeper/dirwatch.h"
#include "keeper/foreign.h"
#include "keeper/heldkey.h"
#include "keeper/rowmac.h"
#include "wire/node.h"
#include "wire/parcel.h"

#include <inttypes.h>
#include <string.h>

_Static_assert(JT_PARCEL_KEY_LEN == JT_GENERATION_KEY_LEN, "a generation's key fits a parcel");
_Static_assert(JT_PARCEL_KEY_LEN == JT_TOKENKEY_ROOT_LEN, "and the service root does");

static const uint8_t no_check_value[JT_CHECK_VALUE_LEN];

/* What a request and its parcel hang on. */
static const uint8_t *base_of(const struct jt_keeper *k, uint64_t generation)
{
    return generation == 0 ? k->master->join : k->root->parcel;
}

static const uint8_t *base_check_value(const struct jt_keeper *k, uint64_t generation)
{
    return generation == 0 ? k->master->check_value : k->root->check_value;
}

static uint8_t environment(const struct jt_keeper *k)
{
    return k->development ? JT_ENVIRONMENT_DEVELOPMENT : JT_ENVIRONMENT_PRODUCTION;
}

/* Whether this keeper lacks the key, and may have it. */
static enum jt_err wanted(const struct jt_keeper *k, const struct jt_generation_row *row)
{
    if (row->number == 0) {
        return k->root == NULL ? JT_OK : JT_ERR_KEY_THERE;
    }
    if (k->root == NULL) {
        return JT_ERR_NO_ROOT;
    }
    enum jt_err err = jt_rowmac_generation_check(k->root, row);
    return err == JT_OK ? jt_heldkey_may_take(k, row) : err;
}

static enum jt_err make_request(struct jt_keeper *k, const struct jt_parcel_ask *ask,
                                struct jt_pending_one **out)
{
    uint64_t generation = ask->generation.number;
    struct jt_pending_one *one;
    enum jt_err err = jt_pending_add(k->pending, jt_clock_ms(), &one);
    if (err != JT_OK) {
        return err;
    }
    struct jt_parcel_request *r = &one->request;
    r->environment = environment(k);
    memcpy(r->node, ask->node, sizeof r->node);
    memcpy(r->incarnation, k->incarnation, sizeof r->incarnation);
    r->generation = generation;
    memcpy(r->check_value, ask->generation.check_value, sizeof r->check_value);
    memcpy(r->base_check_value, base_check_value(k, generation), sizeof r->base_check_value);
    err = jt_parcel_request_mac(base_of(k, generation), r, r->mac);
    if (err != JT_OK) {
        jt_pending_drop(k->pending, one);
        return err;
    }
    *out = one;
    return JT_OK;
}

enum jt_err jt_op_parcel_ask(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_parcel_ask ask;
    enum jt_err err = jt_parcel_ask_decode(in, &ask);
    if (err == JT_OK && !jt_node_name_valid(ask.node)) {
        err = JT_ERR_INVALID;
    }
    if (err == JT_OK) {
        err = wanted(k, &ask.generation);
    }
    if (err != JT_OK) {
        return err;
    }
    struct jt_pending_one *one = jt_pending_find(k->pending, ask.generation.number,
                                                 ask.generation.check_value, jt_clock_ms());
    if (one != NULL && strcmp(one->request.node, ask.node) != 0) {
        jt_pending_drop(k->pending, one);
        one = NULL;
    }
    if (one == NULL) {
        err = make_request(k, &ask, &one);
    }
    if (err == JT_OK) {
        jt_parcel_request_encode(&one->request, out);
    }
    return err;
}

/* Whether the asker says that it works under what this keeper has; its MAC comes next. */
static enum jt_err same_base(const struct jt_keeper *k, const struct jt_parcel_request *request)
{
    return request->generation == 0 ? jt_foreign_master(k, request->base_check_value)
                                    : jt_foreign_root(k, request->base_check_value);
}

/* Everything that is checked before anything is sealed; the key, and the parcel's head. */
static enum jt_err may_answer(const struct jt_keeper *k, const struct jt_parcel_order *order,
                              struct jt_parcel *parcel, const uint8_t **key)
{
    const struct jt_parcel_request *request = &order->request;
    const struct jt_generation_row *row = &order->generation;
    *parcel = (struct jt_parcel){ .environment = environment(k), .generation = row->number };
    enum jt_err err = same_base(k, request);
    if (err == JT_OK) {
        err = jt_parcel_request_check(base_of(k, request->generation), request);
    }
    if (err != JT_OK) {
        return err;
    }
    if (request->environment != parcel->environment ||
        memcmp(request->check_value, row->check_value, sizeof row->check_value) != 0) {
        return JT_ERR_FORGED;
    }
    if (memcmp(request->incarnation, k->incarnation, sizeof k->incarnation) == 0) {
        return JT_ERR_KEY_MISSING; /* its own request: others have to answer it */
    }
    if (row->number == 0) {
        *key = k->root->key;
        parcel->created_s = k->root->created_s;
        memcpy(parcel->check_value, k->root->check_value, sizeof parcel->check_value);
        return JT_OK;
    }
    const struct jt_genfile *meta;
    err = jt_heldkey_find(k, row, &meta, key);
    if (err != JT_OK) {
        return err;
    }
    bool gone = row->number <= k->ring.highest && jt_ring_find(&k->ring, row->number) == NULL;
    if (gone || row->state < JT_GENERATION_FUTURE || row->state > JT_GENERATION_RETIRED) {
        return JT_ERR_WRONG_STATE; /* an older row of a destroyed one may have been put back */
    }
    parcel->key_id = meta->key_id;
    parcel->created_s = meta->created_s;
    memcpy(parcel->check_value, meta->check_value, sizeof parcel->check_value);
    return JT_OK;
}

enum jt_err jt_op_parcel_answer(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_parcel_order order;
    struct jt_parcel parcel;
    const uint8_t *key;
    enum jt_err err = jt_parcel_order_decode(in, &order);
    if (err == JT_OK) {
        err = may_answer(k, &order, &parcel, &key);
    }
    if (err == JT_OK) {
        err = jt_parcel_seal(base_of(k, order.request.generation), &order.request, key, &parcel);
    }
    if (err == JT_OK) {
        jt_parcel_encode(&parcel, out);
    }
    return err;
}

static enum jt_err take_generation(struct jt_keeper *k, const struct jt_parcel_delivery *delivery,
                                   const uint8_t key[static JT_PARCEL_KEY_LEN])
{
    const struct jt_generation_row *row = &delivery->generation;
    uint8_t check_value[JT_CHECK_VALUE_LEN];
    enum jt_err err = jt_genfile_check_value(key, check_value);
    if (err == JT_OK && !jt_equal_ct(check_value, row->check_value, sizeof check_value)) {
        err = JT_ERR_KEY_WRONG;
    }
    if (err == JT_OK) {
        err = jt_heldkey_take(k, row, delivery->parcel.created_s, key);
    }
    if (err == JT_OK) {
        err = jt_dirwatch_check(k, row->number, NULL);
    }
    if (err == JT_OK) {
        jt_log(JT_LOG_INFO, "generation %" PRIu64 ": its key has come from another keeper",
               row->number);
    }
    return err;
}

static enum jt_err take_root(struct jt_keeper *k, const struct jt_parcel_delivery *delivery,
                             const uint8_t key[static JT_PARCEL_KEY_LEN])
{
    struct jt_ring ring;
    struct jt_root *root;
    enum jt_err err = jt_root_new(key, &root);
    if (err == JT_OK) {
        err = jt_foreign_ring(root, k->development, &delivery->ring, &ring);
    }
    if (err == JT_OK &&
        (!jt_equal_ct(ring.root_check_value, root->check_value, sizeof root->check_value) ||
         !jt_equal_ct(delivery->parcel.check_value, root->check_value, sizeof root->check_value))) {
        err = JT_ERR_KEY_WRONG;
    }
    if (err == JT_OK) {
        /*
         * The ring is accepted once its keys are here. Until then it is remembered as the least
         * that this keeper accepts, so that no earlier one is shown to it, and that it makes no
         * first ring.
         */
        const struct jt_keeper_state state = { .development = k->development,
                                               .highest_epoch = ring.epoch - 1,
                                               .highest_generation = ring.highest };
        root->created_s = delivery->parcel.created_s;
        err = jt_keeper_take_root(k, root, &state);
    }
    if (err != JT_OK) {
        jt_root_free(root);
        return err;
    }
    jt_log(JT_LOG_INFO, "the service root has come from another keeper");
    return JT_OK;
}

/* The head is told in the clear, and sealed with the key; this only spares an attempt. */
static bool head_agrees(const struct jt_keeper *k, const struct jt_parcel_delivery *delivery)
{
    const struct jt_parcel *parcel = &delivery->parcel;
    const struct jt_generation_row *row = &delivery->generation;
    return parcel->environment == environment(k) && parcel->generation == row->number &&
           parcel->key_id == row->key_id &&
           (row->number == 0 ||
            memcmp(parcel->check_value, row->check_value, sizeof row->check_value) == 0);
}

enum jt_err jt_op_parcel_accept(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    (void)out;
    struct jt_parcel_delivery delivery;
    enum jt_err err = jt_parcel_delivery_decode(in, &delivery);
    if (err == JT_OK) {
        err = wanted(k, &delivery.generation);
    }
    if (err != JT_OK) {
        return err;
    }
    uint64_t number = delivery.generation.number;
    struct jt_pending_one *one = jt_pending_find(
        k->pending, number, number == 0 ? no_check_value : delivery.generation.check_value,
        jt_clock_ms());
    if (one == NULL) {
        return JT_ERR_PARCEL_UNASKED;
    }
    if (!head_agrees(k, &delivery)) {
        return JT_ERR_FORGED;
    }
    uint8_t *key = jt_secmem_alloc(JT_PARCEL_KEY_LEN);
    err = key != NULL ? jt_parcel_open(base_of(k, number), &one->request, one->private_key,
                                       &delivery.parcel, key)
                      : JT_ERR_NOMEM;
    if (err == JT_OK) {
        err = number == 0 ? take_root(k, &delivery, key) : take_generation(k, &delivery, key);
    }
    if (err == JT_OK) {
        jt_pending_drop(k->pending, one);
    }
    jt_secmem_free(key, JT_PARCEL_KEY_LEN);
    return err;
}

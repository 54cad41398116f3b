/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

int pair_setup(void **state)
{
    struct keeper_pair *p = calloc(1, sizeof *p);
    void *a;
    assert_non_null(p);
    (void)inside_setup(&a);
    p->a = a;
    p->b = inside_beside(p->a);
    *state = p;
    return 0;
}

int pair_teardown(void **state)
{
    struct keeper_pair *p = *state;
    void *a = p->a, *b = p->b;
    (void)inside_teardown(&a);
    (void)inside_teardown(&b);
    free(p);
    return 0;
}

enum jt_err pair_ask_as(struct inside *in, const char *node, const struct jt_generation_row *row,
                        struct jt_parcel_request *out)
{
    struct jt_parcel_ask ask = { .node = "" };
    struct jt_reader reply;
    memcpy(ask.node, node, strlen(node));
    if (row != NULL) {
        ask.generation = *row;
    }
    jt_parcel_ask_encode(&ask, &in->payload);
    enum jt_err err = inside_ask(in, JT_VERB_PARCEL_ASK, &reply);
    if (err == JT_OK) {
        assert_int_equal(jt_parcel_request_decode(&reply, out), JT_OK);
    }
    return err;
}

enum jt_err pair_ask(struct inside *in, const struct jt_generation_row *row,
                     struct jt_parcel_request *out)
{
    return pair_ask_as(in, "node2", row, out);
}

enum jt_err pair_answer(struct inside *in, const struct jt_parcel_request *request,
                        const struct jt_generation_row *row, struct jt_parcel *out)
{
    struct jt_parcel_order order = { .request = *request };
    struct jt_reader reply;
    if (row != NULL) {
        order.generation = *row;
    }
    jt_parcel_order_encode(&order, &in->payload);
    enum jt_err err = inside_ask(in, JT_VERB_PARCEL_ANSWER, &reply);
    if (err == JT_OK) {
        assert_int_equal(jt_parcel_decode(&reply, out), JT_OK);
    }
    return err;
}

enum jt_err pair_take(struct inside *in, const struct jt_generation_row *row,
                      const struct jt_ring_row *ring, const struct jt_parcel *parcel)
{
    static struct jt_parcel_delivery delivery;
    struct jt_reader reply;
    delivery = (struct jt_parcel_delivery){ .parcel = *parcel };
    if (row != NULL) {
        delivery.generation = *row;
    } else {
        delivery.ring = *ring;
    }
    jt_parcel_delivery_encode(&delivery, &in->payload);
    return inside_ask(in, JT_VERB_PARCEL_ACCEPT, &reply);
}

void pair_carry_root(struct inside *from, struct inside *to)
{
    struct jt_parcel_request request;
    struct jt_parcel parcel;
    assert_int_equal(pair_ask(to, NULL, &request), JT_OK);
    assert_int_equal(pair_answer(from, &request, NULL, &parcel), JT_OK);
    assert_int_equal(pair_take(to, NULL, &from->ring, &parcel), JT_OK);
}

enum jt_err pair_carry(struct inside *from, struct inside *to, const struct jt_generation_row *row)
{
    struct jt_parcel_request request;
    struct jt_parcel parcel;
    enum jt_err err = pair_ask(to, row, &request);
    if (err == JT_OK) {
        err = pair_answer(from, &request, row, &parcel);
    }
    return err == JT_OK ? pair_take(to, row, NULL, &parcel) : err;
}

void pair_carry_all(struct keeper_pair *p)
{
    struct jt_generation_row active = inside_row(p->a, 1);
    pair_carry_root(p->a, p->b);
    assert_int_equal(pair_carry(p->a, p->b, &active), JT_OK);
    assert_int_equal(inside_accept(p->b, &p->a->ring), JT_OK);
}

bool pair_has_file(const struct inside *in, const char *name)
{
    return faccessat(in->k->dir_fd, name, F_OK, 0) == 0;
}

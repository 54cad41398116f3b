/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SET_SUM, SET_VERIFY and SET_ACCEPT: whether rows of clients and fields are those that stand now
 * (wire/set.h).
 */
#include "keeper/op.h"

#include "base/secmem.h"
#include "keeper/operator.h"
#include "keeper/rowmac.h"
#include "keeper/setdigest.h"
#include "keeper/setrule.h"
#include "wire/frame.h"

#include <string.h>

static enum jt_err change_client(struct jt_keeper *k, struct jt_setdigest *d,
                                 const struct jt_set_change *c)
{
    enum jt_err err = JT_OK;
    if (c->replaces) {
        err = strcmp(c->old.client.spec.id, c->now.client.spec.id) == 0 ? JT_OK : JT_ERR_INVALID;
        if (err == JT_OK) {
            err = jt_rowmac_client_check(k->root, &c->old.client);
        }
        if (err == JT_OK) {
            err = jt_setdigest_take_client(k->root, d, &c->old.client);
        }
    }
    if (err == JT_OK) {
        err = jt_rowmac_client_check(k->root, &c->now.client);
    }
    return err == JT_OK ? jt_setdigest_add_client(k->root, d, &c->now.client) : err;
}

/* An authentic row names its field: keys may be derived for it from here on. */
static enum jt_err name_field(struct jt_keeper *k, const struct jt_field_row *row)
{
    return jt_fieldtable_add(&k->fields, row);
}

static enum jt_err change_field(struct jt_keeper *k, struct jt_setdigest *d,
                                const struct jt_set_change *c)
{
    enum jt_err err = JT_OK;
    if (c->replaces) {
        err = c->old.field.spec.id == c->now.field.spec.id ? JT_OK : JT_ERR_INVALID;
        if (err == JT_OK) {
            err = jt_rowmac_field_check(k->root, &c->old.field);
        }
        if (err == JT_OK) {
            err = jt_setdigest_take_field(k->root, d, &c->old.field);
        }
    }
    if (err == JT_OK) {
        err = jt_rowmac_field_check(k->root, &c->now.field);
    }
    if (err == JT_OK) {
        err = jt_setdigest_add_field(k->root, d, &c->now.field);
    }
    return err == JT_OK ? name_field(k, &c->now.field) : err;
}

enum jt_err jt_op_set_sum(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_set_change *changes = k->batch->set_changes;
    struct jt_set_sum_request request;
    struct jt_setdigest d = { 0 };
    enum jt_err err = jt_set_sum_request_decode(in, changes, &request);
    if (err != JT_OK) {
        return err;
    }
    struct jt_set_sum sum = { .kind = request.kind };
    if (request.goes_on) {
        err = request.from.kind == request.kind ? jt_setdigest_open_sum(k->root, &request.from, &d)
                                                : JT_ERR_INVALID;
    }
    for (size_t i = 0; i < request.n && err == JT_OK; i++) {
        err = request.kind == JT_SET_CLIENTS ? change_client(k, &d, &changes[i])
                                             : change_field(k, &d, &changes[i]);
    }
    if (err == JT_OK) {
        err = jt_setdigest_close_sum(k->root, &d, &sum);
    }
    if (err == JT_OK) {
        jt_set_sum_encode(&sum, out);
    }
    return err;
}

enum jt_err jt_op_set_verify(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    (void)out;
    struct jt_set_sum sum;
    struct jt_set_row row;
    struct jt_setdigest d;
    enum jt_err err = jt_set_verify_decode(in, &sum, &row);
    if (err != JT_OK) {
        return err;
    }
    if (sum.kind != row.kind) {
        return JT_ERR_INVALID;
    }
    err = jt_setdigest_open_sum(k->root, &sum, &d);
    if (err == JT_OK) {
        err = jt_setrule_agrees(k, &d, &row);
    }
    if (err == JT_OK) {
        err = jt_setrule_current(k, &row);
    }
    if (err == JT_OK) {
        err = jt_setrule_saw(k, &row);
    }
    if (err == JT_OK && row.kind == JT_SET_FIELDS) {
        k->fields.complete = true;
    }
    return err;
}

static enum jt_err accept(struct jt_keeper *k, const struct jt_set_accept *a)
{
    struct jt_setdigest clients;
    struct jt_setdigest fields;
    if (a->clients.kind != JT_SET_CLIENTS || a->others.kind != JT_SET_CLIENTS ||
        a->fields.kind != JT_SET_FIELDS || a->field_rows.kind != JT_SET_FIELDS) {
        return JT_ERR_INVALID;
    }
    /* an operator of the very set that is to be accepted */
    enum jt_err err = jt_operator_check(k, &a->who, a->secret);
    if (err == JT_OK) {
        err = jt_setdigest_open_sum(k->root, &a->others, &clients);
    }
    if (err == JT_OK) {
        err = jt_setdigest_add_client(k->root, &clients, &a->who);
    }
    if (err == JT_OK) {
        err = jt_setrule_agrees(k, &clients, &a->clients);
    }
    if (err == JT_OK) {
        err = jt_setdigest_open_sum(k->root, &a->field_rows, &fields);
    }
    if (err == JT_OK) {
        err = jt_setrule_agrees(k, &fields, &a->fields);
    }
    if (err == JT_OK) {
        err = jt_setrule_go_back(k, &a->clients, &a->fields);
    }
    if (err == JT_OK) {
        jt_fieldtable_clear(&k->fields); /* they are to be named anew, by the older set */
    }
    return err;
}

enum jt_err jt_op_set_accept(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    (void)out;
    struct jt_set_accept a;
    enum jt_err err = jt_set_accept_decode(in, &a);
    if (err == JT_OK) {
        err = accept(k, &a);
    }
    jt_wipe(a.secret, sizeof a.secret);
    return err;
}

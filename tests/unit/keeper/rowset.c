/* SPDX-License-Identifier: Apache-2.0 */
#include "rowset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

const uint8_t rowset_secret[JT_CLIENT_SECRET_LEN] = { 1, 2, 3 };

enum jt_err rowset_changed(struct inside *in, enum jt_verb verb, struct jt_client_change *out)
{
    struct jt_reader reply;
    enum jt_err err = inside_ask(in, verb, &reply);
    if (err == JT_OK) {
        assert_int_equal(jt_client_change_decode(&reply, out), JT_OK);
    }
    return err;
}

enum jt_err rowset_make(struct inside *in, const char *id, uint32_t permissions,
                        const struct jt_set_row *set, struct jt_client_change *out)
{
    struct jt_client_order order = { .permissions = permissions, .fresh = true };
    memcpy(order.secret, rowset_secret, sizeof order.secret);
    jt_client_make_encode(id, &order, set, &in->payload);
    return rowset_changed(in, JT_VERB_CLIENT_MAKE, out);
}

/* The edit that leaves a row as it is. */
struct jt_client_edit rowset_edit_of(const struct jt_client_row *row, const struct jt_set_row *set)
{
    struct jt_client_edit edit = { .was = *row, .set = *set, .state = row->state };
    assert_int_equal(jt_client_terms_decode(row->terms, row->terms_len, &edit.order.terms), JT_OK);
    edit.order.permissions = jt_client_permissions(row);
    edit.order.terms.old_until_s = 0;
    memset(edit.order.terms.old_secret_mac, 0, sizeof edit.order.terms.old_secret_mac);
    return edit;
}

enum jt_err rowset_change(struct inside *in, const struct jt_client_edit *edit,
                          struct jt_client_change *out)
{
    jt_client_edit_encode(edit, &in->payload);
    return rowset_changed(in, JT_VERB_CLIENT_CHANGE, out);
}

enum jt_err rowset_revoke(struct inside *in, const struct jt_client_row *row,
                          const struct jt_set_row *set, struct jt_client_change *out)
{
    struct jt_client_edit edit = rowset_edit_of(row, set);
    edit.state = JT_ROW_REVOKED;
    return rowset_change(in, &edit, out);
}

enum jt_err rowset_sum(struct inside *in, const struct jt_set_sum *from,
                       struct jt_set_change *changes, size_t n, struct jt_set_sum *out)
{
    struct jt_set_sum_request request = {
        .kind = JT_SET_CLIENTS, .goes_on = from != NULL, .n = n, .changes = changes
    };
    struct jt_reader reply;
    if (from != NULL) {
        request.from = *from;
    }
    jt_set_sum_request_encode(&request, &in->payload);
    enum jt_err err = inside_ask(in, JT_VERB_SET_SUM, &reply);
    if (err == JT_OK) {
        assert_int_equal(jt_set_sum_decode(&reply, out), JT_OK);
    }
    return err;
}

enum jt_err rowset_sum_all(struct inside *in, const struct jt_client_row *rows, size_t n,
                           struct jt_set_sum *out)
{
    static struct jt_set_change changes[JT_WIRE_MAX_SET_ROWS];
    for (size_t i = 0; i < n; i++) {
        changes[i] = (struct jt_set_change){ .now.client = rows[i] };
    }
    return rowset_sum(in, NULL, changes, n, out);
}

enum jt_err rowset_verify_sum(struct inside *in, const struct jt_set_sum *s,
                              const struct jt_set_row *set)
{
    struct jt_reader reply;
    jt_set_verify_encode(s, set, &in->payload);
    return inside_ask(in, JT_VERB_SET_VERIFY, &reply);
}

/* As a front that starts: all rows, then the set row. */
enum jt_err rowset_verify(struct inside *in, const struct rowset *db)
{
    struct jt_set_sum s;
    enum jt_err err = rowset_sum_all(in, db->rows, db->n, &s);
    return err == JT_OK ? rowset_verify_sum(in, &s, &db->set) : err;
}

void rowset_add(struct inside *in, struct rowset *db, const char *id, uint32_t permissions)
{
    struct jt_client_change c;
    assert_int_equal(rowset_make(in, id, permissions, &db->set, &c), JT_OK);
    assert_int_equal(c.row.revision, db->set.version + 1);
    assert_int_equal(c.set.version, db->set.version + 1);
    assert_int_equal(c.set.n, db->n + 1);
    db->rows[db->n++] = c.row;
    db->set = c.set;
}

struct rowset rowset_some_clients(struct inside *in)
{
    struct rowset db = { .set = jt_set_row_empty(JT_SET_CLIENTS) };
    rowset_add(in, &db, "operator", JT_MAY_OPERATE);
    rowset_add(in, &db, "shop", JT_MAY_TOKENIZE);
    rowset_add(in, &db, "second-operator", JT_MAY_OPERATE);
    assert_int_equal(rowset_verify(in, &db), JT_OK);
    return db;
}

void rowset_drop_client(struct inside *in, struct rowset *db, size_t i)
{
    struct jt_client_change c;
    assert_int_equal(rowset_revoke(in, &db->rows[i], &db->set, &c), JT_OK);
    assert_int_equal(c.row.state, JT_ROW_REVOKED);
    assert_int_equal(c.set.n, db->n);
    db->rows[i] = c.row;
    db->set = c.set;
}

enum jt_err rowset_check(struct inside *in, const struct jt_client_row *row)
{
    struct jt_reader reply;
    jt_client_check_encode(row, rowset_secret, &in->payload);
    return inside_ask(in, JT_VERB_CLIENT_CHECK, &reply);
}

enum jt_err rowset_accept_by(struct inside *in, const struct rowset *db, size_t who,
                             const uint8_t *with)
{
    struct jt_set_accept a = { .who = db->rows[who],
                               .clients = db->set,
                               .fields = jt_set_row_empty(JT_SET_FIELDS) };
    struct jt_client_row others[N];
    size_t n = 0;
    struct jt_reader reply;
    const struct jt_set_sum_request none = { .kind = JT_SET_FIELDS };
    for (size_t i = 0; i < db->n; i++) {
        if (i != who) {
            others[n++] = db->rows[i];
        }
    }
    assert_int_equal(rowset_sum_all(in, others, n, &a.others), JT_OK);
    jt_set_sum_request_encode(&none, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_SET_SUM, &reply), JT_OK);
    assert_int_equal(jt_set_sum_decode(&reply, &a.field_rows), JT_OK);
    memcpy(a.secret, with, sizeof a.secret);
    jt_set_accept_encode(&a, &in->payload);
    return inside_ask(in, JT_VERB_SET_ACCEPT, &reply);
}

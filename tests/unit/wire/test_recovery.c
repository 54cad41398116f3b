/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/recovery.h"

#include "message.h"
#include "wire/ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MESSAGE_MAX 100000

/* Large ones. */
static struct jt_recovery_open open, open_back;
static struct jt_recovery_opened opened, opened_back;
static struct jt_recovery_show show, show_back;
static struct jt_recovery_shown shown, shown_back;
static struct jt_recovery_accept accepted, accepted_back;

static enum jt_err decode_view(struct jt_reader *in)
{
    struct jt_keeper_view view;
    return jt_keeper_view_decode(in, &view);
}

static enum jt_err decode_open(struct jt_reader *in)
{
    return jt_recovery_open_decode(in, &open_back);
}

static enum jt_err decode_opened(struct jt_reader *in)
{
    return jt_recovery_opened_decode(in, &opened_back);
}

static enum jt_err decode_show(struct jt_reader *in)
{
    return jt_recovery_show_decode(in, &show_back);
}

static enum jt_err decode_shown(struct jt_reader *in)
{
    return jt_recovery_shown_decode(in, &shown_back);
}

static enum jt_err decode_accept(struct jt_reader *in)
{
    return jt_recovery_accept_decode(in, &accepted_back);
}

static struct jt_keeper_view view_of(void)
{
    struct jt_keeper_view v = { .node = "node1",
                                .epoch = 7,
                                .highest_generation = 9,
                                .system_identifier = UINT64_MAX,
                                .timeline = 3,
                                .lsn = 1 << 20,
                                .renewals = 70 };
    message_fill(v.incarnation, sizeof v.incarnation, 1);
    message_fill(v.key_ids, sizeof v.key_ids, 2);
    message_fill(v.mac, sizeof v.mac, 3);
    return v;
}

static void fill_database(struct jt_recovery_database *db)
{
    db->course = (struct jt_course){ UINT64_MAX, 2, 99, { [1] = 4, [255] = 5 } };
    db->ring = (struct jt_ring_row){ .epoch = 5, .body_len = 40 };
    message_fill(db->ring.body, 40, 4);
    db->n_found = 2;
    db->found[0] = (struct jt_recovery_found){ { .number = 1, .key_id = 1, .state = 2 }, 50 };
    db->found[1] = (struct jt_recovery_found){ { .number = 2, .key_id = 2, .state = 1 }, 0 };
    db->n_views = 1;
    db->views[0] = view_of();
}

static void fill_request(struct jt_recovery_request *r)
{
    memcpy(r->node, "node1", 6);
    r->epoch = 1007;
    r->floor_ms = 1 << 30;
    message_fill(r->keeper, sizeof r->keeper, 5);
    message_fill(r->database, sizeof r->database, 6);
    message_fill(r->plan, sizeof r->plan, 7);
    message_fill(r->mac, sizeof r->mac, 8);
    memcpy(r->text, "act: recover\n", 14);
    r->text_len = 13;
}

static void stands_all(struct jt_buf *message, jt_message_decode_fn *decode, const void *sent,
                       const void *back, size_t len)
{
    struct jt_reader in = jt_reader_init(message->data, message->len);
    assert_int_equal(jt_buf_status(message), JT_OK);
    assert_int_equal(decode(&in), JT_OK);
    assert_memory_equal(sent, back, len);
    message_refuses_truncation(message, decode);
    message_survives_mutation(message, decode, len);
    jt_buf_clear(message);
}

static void what_is_asked_comes_back(void **state)
{
    (void)state;
    struct jt_buf m;
    jt_buf_init(&m, MESSAGE_MAX);
    memcpy(open.node, "node1", 6);
    open.floor_ms = 12;
    fill_database(&open.database);
    jt_recovery_open_encode(&open, &m);
    stands_all(&m, decode_open, &open, &open_back, sizeof open);
    fill_request(&opened.request);
    opened.plan.n = 1;
    opened.plan.all[0] =
        (struct jt_recovery_change){ 1, 1, { 9 }, 4, 2, 3, true, true, false, 50, true };
    jt_recovery_opened_encode(&opened, &m);
    stands_all(&m, decode_opened, &opened, &opened_back, sizeof opened);
}

static void what_is_shown_comes_back(void **state)
{
    (void)state;
    struct jt_buf m;
    jt_buf_init(&m, MESSAGE_MAX);
    fill_request(&show.request);
    fill_database(&show.database);
    show.approvals.n = 1;
    memcpy(show.approvals.all[0].custodian, "alice", 6);
    jt_recovery_show_encode(&show, &m);
    stands_all(&m, decode_show, &show, &show_back, sizeof show);
    shown.n_approved = 2;
    shown.standing = JT_RECOVERY_DUE;
    shown.ring = show.database.ring;
    shown.word.epoch = 1007;
    shown.word.base = show.database.course;
    shown.n = 1;
    shown.rows[0] = show.database.found[0].row;
    jt_recovery_shown_encode(&shown, &m);
    stands_all(&m, decode_shown, &shown, &shown_back, sizeof shown);
    accepted.word = shown.word;
    accepted.ring = shown.ring;
    jt_recovery_accept_encode(&accepted, &m);
    stands_all(&m, decode_accept, &accepted, &accepted_back, sizeof accepted);
}

static void a_request_that_is_not_due_brings_nothing_with_it(void **state)
{
    (void)state;
    struct jt_buf m;
    jt_buf_init(&m, MESSAGE_MAX);
    shown.standing = JT_RECOVERY_STALE;
    jt_recovery_shown_encode(&shown, &m);
    assert_int_equal(m.len, 2);
    m.data[1] = JT_RECOVERY_STALE + 1;
    struct jt_reader in = jt_reader_init(m.data, m.len);
    assert_int_equal(decode_shown(&in), JT_ERR_PROTOCOL);
    jt_buf_clear(&m);
}

static void views_come_back(void **state)
{
    (void)state;
    struct jt_buf m;
    jt_buf_init(&m, MESSAGE_MAX);
    const struct jt_keeper_view v = view_of();
    struct jt_keeper_view back;
    jt_keeper_view_encode(&v, &m);
    struct jt_reader in = jt_reader_init(m.data, m.len);
    assert_int_equal(jt_keeper_view_decode(&in, &back), JT_OK);
    assert_string_equal(back.node, v.node);
    assert_true(back.epoch == v.epoch && back.lsn == v.lsn && back.renewals == v.renewals);
    assert_memory_equal(back.key_ids, v.key_ids, sizeof v.key_ids);
    message_refuses_truncation(&m, decode_view);
    message_survives_mutation(&m, decode_view, 11);
    jt_buf_clear(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_asked_comes_back),
        cmocka_unit_test(what_is_shown_comes_back),
        cmocka_unit_test(a_request_that_is_not_due_brings_nothing_with_it),
        cmocka_unit_test(views_come_back),
    };
    return cmocka_run_group_tests_name("wire/recovery", tests, NULL, NULL);
}

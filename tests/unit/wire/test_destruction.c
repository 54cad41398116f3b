/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/destruction.h"

#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Large ones. */
static struct jt_destruction_open open, open_back;
static struct jt_destruction_held held[2], held_back[JT_DESTRUCTION_HELD_MAX];
static struct jt_destruction_show show, show_back;
static struct jt_destruction_certify certify, certify_back;

static void fill_request(struct jt_destruction_request *r)
{
    r->generation = 7;
    r->key_id = 3;
    r->system_identifier = UINT64_MAX;
    r->timeline = 2;
    message_fill(r->check_value, sizeof r->check_value, 1);
    message_fill(r->mac, sizeof r->mac, 2);
    r->text_len = (size_t)snprintf(r->text, sizeof r->text, "act: destroy-key\n");
}

static void fill_approvals(struct jt_approvals *a)
{
    a->n = 1;
    (void)snprintf(a->all[0].custodian, sizeof a->all[0].custodian, "alice");
    message_fill(a->all[0].signature, sizeof a->all[0].signature, 3);
}

static enum jt_err decode_open(struct jt_reader *in)
{
    return jt_destruction_open_decode(in, held_back, &open_back);
}

static enum jt_err decode_show(struct jt_reader *in)
{
    return jt_destruction_show_decode(in, &show_back);
}

static enum jt_err decode_certify(struct jt_reader *in)
{
    return jt_destruction_certify_decode(in, &certify_back);
}

static enum jt_err decode_shown(struct jt_reader *in)
{
    struct jt_destruction_shown shown;
    return jt_destruction_shown_decode(in, &shown);
}

static void requests_to_open_come_back(void **state)
{
    (void)state;
    struct jt_buf b;
    open.generation = (struct jt_generation_row){ .number = 7, .key_id = 3, .state = 4 };
    open.certificate.text_len = 5;
    memcpy(open.certificate.text, "text\n", 5);
    open.timeline = 2;
    open.n_held = 2;
    open.held = held;
    (void)snprintf(held[0].field, sizeof held[0].field, "one");
    (void)snprintf(held[1].field, sizeof held[1].field, "two");
    (void)snprintf(held[1].opened_at, sizeof held[1].opened_at, "2026-11-26T19:00:00.000Z");
    jt_buf_init(&b, 4096);
    jt_destruction_open_encode(&open, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_open(&in), JT_OK);
    assert_int_equal(open_back.n_held, 2);
    assert_memory_equal(held_back, held, sizeof held);
    assert_memory_equal(&open_back.certificate, &open.certificate, sizeof open.certificate);
    message_refuses_truncation(&b, decode_open);
    message_survives_mutation(&b, decode_open, 21);
    jt_buf_clear(&b);
}

static void a_look_comes_back_with_and_without_the_certificate(void **state)
{
    (void)state;
    struct jt_buf b;
    fill_request(&show.request);
    fill_approvals(&show.approvals);
    (void)snprintf(show.node, sizeof show.node, "node1");
    for (int certified = 0; certified < 2; certified++) {
        show.certified = certified == 1;
        if (show.certified) {
            show.certificate.text_len = 1;
            show.certificate.text[0] = 'c';
        }
        jt_buf_init(&b, 4096);
        jt_destruction_show_encode(&show, &b);
        struct jt_reader in = jt_reader_init(b.data, b.len);
        assert_int_equal(decode_show(&in), JT_OK);
        assert_memory_equal(&show_back, &show, sizeof show);
        message_refuses_truncation(&b, decode_show);
        message_survives_mutation(&b, decode_show, 22);
        jt_buf_clear(&b);
    }
}

static void what_a_keeper_says_comes_back(void **state)
{
    (void)state;
    struct jt_buf b;
    struct jt_destruction_shown shown = { .n_approved = 2, .left_s = 5, .n_tried = 6 }, back;
    for (uint8_t view = JT_DESTRUCTION_WAITING; view <= JT_DESTRUCTION_ERASED; view++) {
        shown.view = view;
        if (view == JT_DESTRUCTION_ERASED) {
            (void)snprintf(shown.erased.node, sizeof shown.erased.node, "node1");
            message_fill(shown.erased.mac, sizeof shown.erased.mac, 4);
        }
        jt_buf_init(&b, 4096);
        jt_destruction_shown_encode(&shown, &b);
        struct jt_reader in = jt_reader_init(b.data, b.len);
        assert_int_equal(jt_destruction_shown_decode(&in, &back), JT_OK);
        assert_memory_equal(&back, &shown, sizeof back);
        message_refuses_truncation(&b, decode_shown);
        jt_buf_clear(&b);
    }
}

static void requests_to_certify_come_back(void **state)
{
    (void)state;
    struct jt_buf b;
    fill_request(&certify.request);
    fill_approvals(&certify.approvals);
    certify.n = JT_DESTRUCTION_NODES_MAX;
    for (size_t i = 0; i < certify.n; i++) {
        (void)snprintf(certify.nodes[i].node, sizeof certify.nodes[i].node, "node%zu", i);
    }
    certify.n_backups = JT_DESTRUCTION_BACKUPS_MAX;
    for (size_t i = 0; i < certify.n_backups; i++) {
        memset(certify.backups[i], (int)i, sizeof certify.backups[i]);
    }
    certify.n_more_backups = 7;
    (void)snprintf(certify.actor, sizeof certify.actor, "operator");
    jt_buf_init(&b, 65536);
    jt_destruction_certify_encode(&certify, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_certify(&in), JT_OK);
    assert_memory_equal(&certify_back, &certify, sizeof certify);
    certify.n = 1;
    jt_buf_reset(&b);
    jt_destruction_certify_encode(&certify, &b);
    message_refuses_truncation(&b, decode_certify);
    message_survives_mutation(&b, decode_certify, 23);
    jt_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_to_open_come_back),
        cmocka_unit_test(a_look_comes_back_with_and_without_the_certificate),
        cmocka_unit_test(what_a_keeper_says_comes_back),
        cmocka_unit_test(requests_to_certify_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

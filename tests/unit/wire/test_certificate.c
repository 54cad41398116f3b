/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/certificate.h"

#include "message.h"
#include "wire/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum jt_err decode_facts(struct jt_reader *in)
{
    struct jt_retirement_facts facts;
    enum jt_err err = jt_retirement_facts_decode(in, &facts);
    return err == JT_OK ? jt_wire_end(in) : err;
}

static enum jt_err decode_certificate(struct jt_reader *in)
{
    struct jt_certificate certificate;
    enum jt_err err = jt_certificate_decode(in, &certificate);
    return err == JT_OK ? jt_wire_end(in) : err;
}

static void facts_round_trip(void **state)
{
    (void)state;
    struct jt_retirement_facts facts = {
        .generation = 1,
        .rows_written = 2,
        .rows_moved_in = 3,
        .rows_moved_out = 4,
        .rows_deleted = 9,
        .rows_written_off = 11,
        .rows_left = 0,
        .lsn = 6,
        .timeline = 7,
        .system_identifier = 8,
        .epoch = 9,
        .started_at = "2026-11-21T08:00:00Z",
        .retired_at = "2026-11-21T09:00:00Z",
        .node = "node1",
        .actor = "operator",
    };
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_retirement_facts_encode(&facts, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    struct jt_retirement_facts back;
    assert_int_equal(jt_retirement_facts_decode(&in, &back), JT_OK);
    assert_int_equal(back.generation, 1);
    assert_int_equal(back.rows_moved_out, 4);
    assert_int_equal(back.rows_deleted, 9);
    assert_int_equal(back.rows_written_off, 11);
    assert_int_equal(back.timeline, 7);
    assert_int_equal(back.epoch, 9);
    assert_string_equal(back.started_at, facts.started_at);
    assert_string_equal(back.actor, "operator");
    message_refuses_truncation(&b, decode_facts);
    message_survives_mutation(&b, decode_facts, 1);
    jt_buf_clear(&b);
}

static void certificate_round_trip(void **state)
{
    (void)state;
    static struct jt_certificate certificate = { .text = "first: line\n", .text_len = 12 };
    message_fill(certificate.signature, sizeof certificate.signature, 1);
    message_fill(certificate.public_key, sizeof certificate.public_key, 2);
    struct jt_buf b;
    jt_buf_init(&b, 5000);
    jt_certificate_encode(&certificate, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    static struct jt_certificate back;
    assert_int_equal(jt_certificate_decode(&in, &back), JT_OK);
    assert_int_equal(back.text_len, 12);
    assert_string_equal(back.text, "first: line\n");
    assert_memory_equal(back.signature, certificate.signature, sizeof back.signature);
    message_refuses_truncation(&b, decode_certificate);
    message_survives_mutation(&b, decode_certificate, 2);
    jt_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_round_trip),
        cmocka_unit_test(certificate_round_trip),
    };
    return cmocka_run_group_tests_name("wire/certificate", tests, NULL, NULL);
}

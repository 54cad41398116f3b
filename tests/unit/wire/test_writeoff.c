/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/writeoff.h"

#include "message.h"
#include "wire/certificate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N 3

static struct jt_writeoff_item items[JT_WRITEOFF_CARDS_MAX];
static struct jt_writeoff_open open;
static struct jt_writeoff_opened opened;
static struct jt_writeoff_show shown;
static struct jt_writeoff_shown seen;
static struct jt_certify certify;
static const uint8_t bytes[JT_CARD_ENVELOPE_MAX + 1] = { 7, 1, 2, 3 };

static enum jt_err decode_open(struct jt_reader *in)
{
    return jt_writeoff_open_decode(in, items, &open);
}

static enum jt_err decode_opened(struct jt_reader *in)
{
    return jt_writeoff_opened_decode(in, &opened);
}

static enum jt_err decode_show(struct jt_reader *in)
{
    return jt_writeoff_show_decode(in, &shown);
}

static enum jt_err decode_shown(struct jt_reader *in)
{
    return jt_writeoff_shown_decode(in, &seen);
}

static enum jt_err decode_certify(struct jt_reader *in)
{
    return jt_certify_decode(in, &certify);
}

/* What was sent is refused where any of it is cut off, and survives any change. */
static void check(struct jt_buf *b, enum jt_err (*decode)(struct jt_reader *in), unsigned salt)
{
    assert_int_equal(jt_buf_status(b), JT_OK);
    struct jt_reader in = jt_reader_init(b->data, b->len);
    assert_int_equal(decode(&in), JT_OK);
    message_refuses_truncation(b, decode);
    message_survives_mutation(b, decode, salt);
    in = jt_reader_init(b->data, b->len);
    assert_int_equal(decode(&in), JT_OK);
}

static struct jt_writeoff_item item_of(uint64_t id, uint16_t len)
{
    return (
        struct jt_writeoff_item){ JT_STUCK_CORRUPT, 9, { 3, id, bytes, bytes, len, { 0, { 0 } } } };
}

static struct jt_writeoff_request request(void)
{
    struct jt_writeoff_request r = {
        .generation = 4, .key_id = 5, .number = 6, .n_cards = 2, .text_len = 5, .text = "text\n"
    };
    message_fill(r.digest, sizeof r.digest, 1);
    message_fill(r.mac, sizeof r.mac, 2);
    return r;
}

static struct jt_writeoff_warrant warrant(void)
{
    struct jt_writeoff_warrant w = { .generation = 4,
                                     .number = 6,
                                     .n_cards = 2,
                                     .n_by = 2,
                                     .by = { { "alice", { 1 } }, { "bob", { 2 } } } };
    message_fill(w.mac, sizeof w.mac, 3);
    return w;
}

static void requests_round_trip(void **state)
{
    (void)state;
    struct jt_writeoff_item sent[N] = { item_of(1, 25), item_of(2, JT_CARD_ENVELOPE_MIN),
                                        item_of(3, JT_CARD_ENVELOPE_MAX) };
    const struct jt_writeoff_open asked = { .number = 6, .n = N, .items = sent };
    struct jt_buf b;
    jt_buf_init(&b, 4000);
    jt_writeoff_open_encode(&asked, &b);
    check(&b, decode_open, 1);
    assert_true(open.number == 6 && open.n == N && items[2].card.id == 3 && items[2].bucket == 9);
    /* no row of the table has such an envelope */
    for (int longer = 0; longer < 2; longer++) {
        sent[1] = item_of(2, longer ? JT_CARD_ENVELOPE_MAX + 1 : JT_CARD_ENVELOPE_MIN - 1);
        jt_buf_reset(&b);
        jt_writeoff_open_encode(&asked, &b);
        struct jt_reader in = jt_reader_init(b.data, b.len);
        assert_int_equal(decode_open(&in), JT_ERR_PROTOCOL);
    }
    jt_buf_clear(&b);

    const struct jt_writeoff_show told = { .request = request(),
                                           .approvals = { .n = 1, .all = { { "alice", { 8 } } } },
                                           .list_len = 9,
                                           .list = bytes };
    jt_buf_init(&b, 4000);
    jt_writeoff_show_encode(&told, &b);
    check(&b, decode_show, 2);
    assert_string_equal(shown.request.text, "text\n");
    assert_int_equal(shown.list_len, 9);
    assert_memory_equal(shown.list, bytes, 9);
    jt_buf_clear(&b);
}

static void replies_round_trip(void **state)
{
    (void)state;
    static struct jt_writeoff_opened made = { .n = N, .causes = { 2, 0, 3 }, .any = true };
    struct jt_buf b;
    made.request = request();
    jt_buf_init(&b, 4000);
    jt_writeoff_opened_encode(&made, &b);
    check(&b, decode_opened, 3);
    assert_true(opened.n == N && opened.any && opened.causes[2] == 3);
    assert_memory_equal(opened.request.mac, made.request.mac, sizeof made.request.mac);
    b.data[2] = JT_N_STUCK_CAUSES; /* no cause */
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_opened(&in), JT_ERR_PROTOCOL);
    jt_buf_clear(&b);

    const struct jt_writeoff_shown answer = {
        .epoch = 9, .n_approved = 2, .warranted = true, .warrant = warrant()
    };
    jt_buf_init(&b, 4000);
    jt_writeoff_shown_encode(&answer, &b);
    check(&b, decode_shown, 4);
    assert_true(seen.epoch == 9 && seen.warranted && seen.warrant.n_by == 2);
    assert_string_equal(seen.warrant.by[1].name, "bob");
    jt_buf_clear(&b);
}

static void what_is_certified_round_trips(void **state)
{
    (void)state;
    static struct jt_certify made = { .facts = { .generation = 4, .rows_written_off = 3 },
                                      .n_done = 2 };
    struct jt_buf b;
    made.done[0] = (struct jt_writeoff_done){ warrant(), 1 };
    made.done[1] = (struct jt_writeoff_done){ warrant(), 2 };
    jt_buf_init(&b, 4000);
    jt_certify_encode(&made, &b);
    check(&b, decode_certify, 5);
    assert_true(certify.n_done == 2 && certify.done[1].n_moved == 2);
    assert_memory_equal(certify.done[1].warrant.mac, made.done[1].warrant.mac, JT_ROW_MAC_LEN);
    jt_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_round_trip),
        cmocka_unit_test(replies_round_trip),
        cmocka_unit_test(what_is_certified_round_trips),
    };
    return cmocka_run_group_tests_name("wire/writeoff", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void groups_gather_their_items_and_leave_out_the_others(void **state)
{
    (void)state;
    struct jt_batch *b;
    assert_int_equal(jt_batch_new(&b), JT_OK);
    size_t n_items = JT_BATCH_CHUNK + 5;
    assert_int_equal(jt_batch_chunk(b, 0, n_items), JT_BATCH_CHUNK);
    assert_int_equal(jt_batch_chunk(b, JT_BATCH_CHUNK, n_items), 5);
    jt_batch_group(b, 0, 1, 10);
    jt_batch_group(b, 1, 2, 10);
    jt_batch_group(b, 3, 1, 10);
    jt_batch_group(b, 4, 255, UINT32_MAX);
    uint8_t key_id;
    uint32_t field;
    assert_int_equal(jt_batch_next_group(b, &key_id, &field), 2);
    assert_int_equal(key_id, 1);
    assert_int_equal(field, 10);
    assert_int_equal(b->cards[0].at, JT_BATCH_CHUNK);
    assert_int_equal(b->cards[1].at, JT_BATCH_CHUNK + 3);
    assert_int_equal(jt_batch_next_group(b, &key_id, &field), 1);
    assert_int_equal(key_id, 2);
    assert_int_equal(jt_batch_next_group(b, &key_id, &field), 1);
    assert_int_equal(key_id, 255);
    assert_true(field == UINT32_MAX);
    assert_int_equal(b->cards[0].at, JT_BATCH_CHUNK + 4);
    assert_int_equal(jt_batch_next_group(b, &key_id, &field), 0);
    jt_batch_free(b);
}

static bool good(uint8_t kind, const uint8_t *bytes, uint16_t len)
{
    const struct jt_value value = { .kind = kind, .bytes = bytes, .len = len };
    return jt_batch_value_good(&value);
}

static void only_packed_pans_are_good(void **state)
{
    (void)state;
    const uint8_t even[8] = { 0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11 };
    const uint8_t odd[8] = { 0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x1f };
    const uint8_t letter[8] = { 0x41, 0x11, 0x1a, 0x11, 0x11, 0x11, 0x11, 0x11 };
    const uint8_t early[8] = { 0x41, 0x1f, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11 };
    assert_true(good(JT_FIELD_PAN, even, 8));
    assert_true(good(JT_FIELD_PAN, odd, 8));
    assert_false(good(JT_FIELD_PAN, letter, 8));
    assert_false(good(JT_FIELD_PAN, early, 8));
    assert_false(good(JT_FIELD_PAN, even, 0));
    assert_false(good(JT_FIELD_PAN, even, 5));
    assert_false(good(JT_FIELD_PAN + 1, even, 8));
}

static void what_opens_to_something_else_than_a_pan_is_refused_and_wiped(void **state)
{
    (void)state;
    const uint8_t key[JT_GENERATION_KEY_LEN] = { 1 };
    const uint8_t not_a_pan[8] = { 'h', 'e', 'l', 'l', 'o', '!', '!', '!' };
    const uint8_t fingerprint[JT_FINGERPRINT_LEN] = { 1 };
    const uint8_t nothing[JT_PAN_MAX_PACKED] = { 0 };
    uint8_t envelope[25];
    struct jt_fieldkey *fk;
    struct jt_batch *b;
    assert_int_equal(jt_fieldkey_new(key, 1, 1, 1, &fk), JT_OK);
    assert_int_equal(jt_batch_new(&b), JT_OK);
    struct jt_siv_record r = { .in = not_a_pan, .in_len = 8, .out = envelope };
    jt_batch_set_id(b, 0, 5);
    jt_fieldkey_bind(&r, b->row_ids[0], fingerprint);
    assert_int_equal(jt_fieldkey_seal(fk, &r, 1), JT_OK);

    (void)jt_batch_chunk(b, 0, 1);
    b->cards[0] = (struct jt_batch_card){ .at = 0, .fingerprint = fingerprint };
    b->siv[0] = (struct jt_siv_record){ .in = envelope, .in_len = sizeof envelope };
    assert_int_equal(jt_batch_open(b, fk, 1), JT_OK);
    assert_int_equal(b->siv[0].err, JT_ERR_DECRYPT);
    assert_memory_equal(b->pans[0], nothing, sizeof nothing);
    jt_batch_free(b);
    jt_fieldkey_free(fk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_gather_their_items_and_leave_out_the_others),
        cmocka_unit_test(only_packed_pans_are_good),
        cmocka_unit_test(what_opens_to_something_else_than_a_pan_is_refused_and_wiped),
    };
    return cmocka_run_group_tests_name("keeper/batch", tests, NULL, NULL);
}

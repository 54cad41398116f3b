/* SPDX-License-Identifier: Apache-2.0 */
/* model/pkcs11box.c: one box has one form, and nothing else is taken for one. */
#include "model/pkcs11box.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct jt_pkcs11box longest(void)
{
    struct jt_pkcs11box box = { .id_len = JT_PKCS11_ID_MAX };
    memset(box.token, 't', JT_PKCS11_TOKEN_MAX);
    memset(box.serial, '0', JT_PKCS11_SERIAL_MAX);
    memset(box.key, 'k', JT_PKCS11_KEY_MAX);
    memset(box.id, 0xff, sizeof box.id);
    memset(box.nonce, 1, sizeof box.nonce);
    memset(box.sealed, 2, sizeof box.sealed);
    return box;
}

static bool reads(const struct jt_buf *bytes, size_t len, struct jt_pkcs11box *box)
{
    struct jt_reader in = jt_reader_init(bytes->data, len);
    jt_pkcs11box_decode(&in, box);
    return jt_reader_done(&in);
}

static void the_longest_and_the_shortest_box_come_back(void **state)
{
    (void)state;
    struct jt_pkcs11box boxes[2] = { longest(), { .token = "t", .key = "k" } }, back;
    static const size_t lengths[2] = { JT_PKCS11_BOX_MAX, 4 + 2 + 12 + 48 };
    for (size_t i = 0; i < 2; i++) {
        struct jt_buf bytes;
        jt_buf_init(&bytes, JT_PKCS11_BOX_MAX);
        jt_pkcs11box_encode(&boxes[i], &bytes);
        assert_int_equal(jt_buf_status(&bytes), JT_OK);
        assert_int_equal(bytes.len, lengths[i]);
        assert_true(reads(&bytes, bytes.len, &back));
        assert_memory_equal(&back, &boxes[i], sizeof back);
        for (size_t len = 0; len < bytes.len; len++) {
            assert_false(reads(&bytes, len, &back));
        }
        jt_buf_clear(&bytes);
    }
}

static void names_that_are_too_long_or_cannot_be_shown_are_refused(void **state)
{
    (void)state;
    const struct jt_pkcs11box box = longest();
    struct jt_pkcs11box back;
    struct jt_buf bytes;
    const size_t token = 0, serial = 1 + JT_PKCS11_TOKEN_MAX,
                 key = serial + 1 + JT_PKCS11_SERIAL_MAX, id = key + 1 + JT_PKCS11_KEY_MAX;
    jt_buf_init(&bytes, JT_PKCS11_BOX_MAX);
    jt_pkcs11box_encode(&box, &bytes);
    const size_t lengths[] = { token, serial, key, id };
    for (size_t i = 0; i < 4; i++) {
        bytes.data[lengths[i]]++;
        assert_false(reads(&bytes, bytes.len, &back));
        bytes.data[lengths[i]]--;
    }
    static const uint8_t odd[] = { 0x00, 0x0a, 0x1b, 0x1f, 0x7f };
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < sizeof odd; j++) {
            uint8_t *at = bytes.data + lengths[i] + 3;
            uint8_t before = *at;
            *at = odd[j];
            assert_false(reads(&bytes, bytes.len, &back));
            *at = before;
        }
    }
    assert_true(reads(&bytes, bytes.len, &back));
    jt_buf_clear(&bytes);
}

static void a_name_is_one_of_its_length(void **state)
{
    (void)state;
    assert_true(jt_pkcs11_name_valid("v", 1));
    assert_true(jt_pkcs11_name_valid("tr\xc3\xa9sor", 32));
    assert_false(jt_pkcs11_name_valid("", 32));
    assert_false(jt_pkcs11_name_valid("vault", 4));
    assert_false(jt_pkcs11_name_valid("va\nult", 32));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_and_the_shortest_box_come_back),
        cmocka_unit_test(names_that_are_too_long_or_cannot_be_shown_are_refused),
        cmocka_unit_test(a_name_is_one_of_its_length),
    };
    return cmocka_run_group_tests_name("model/pkcs11box", tests, NULL, NULL);
}

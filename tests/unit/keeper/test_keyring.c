/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/keyring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t key_one[JT_GENERATION_KEY_LEN] = { 1, 2, 3 };
static const uint8_t key_two[JT_GENERATION_KEY_LEN] = { 4, 5, 6 };

static void keys_are_found_by_number(void **state)
{
    (void)state;
    struct jt_keyring *kr;
    assert_int_equal(jt_keyring_new(&kr), JT_OK);
    assert_int_equal(jt_keyring_highest(kr), 0);
    assert_int_equal(jt_keyring_add(kr, &(struct jt_genfile){ .number = 7, .key_id = 1 }, key_one),
                     JT_OK);
    assert_int_equal(jt_keyring_add(kr, &(struct jt_genfile){ .number = 3, .key_id = 2 }, key_two),
                     JT_OK);
    assert_int_equal(jt_keyring_highest(kr), 7);
    assert_int_equal(jt_keyring_count(kr), 2);
    assert_int_equal(jt_keyring_find(kr, 3)->key_id, 2);
    assert_memory_equal(jt_keyring_key(kr, 3), key_two, sizeof key_two);
    assert_null(jt_keyring_find(kr, 0));
    assert_null(jt_keyring_key(kr, 4));
    assert_true(jt_keyring_has_key_id(kr, 2));
    assert_false(jt_keyring_has_key_id(kr, 3));
    jt_keyring_remove(kr, 3);
    jt_keyring_remove(kr, 3);
    assert_null(jt_keyring_find(kr, 3));
    assert_false(jt_keyring_has_key_id(kr, 2));
    jt_keyring_free(kr);
}

static void numbers_and_key_ids_are_held_once(void **state)
{
    (void)state;
    struct jt_keyring *kr;
    assert_int_equal(jt_keyring_new(&kr), JT_OK);
    assert_int_equal(jt_keyring_add(kr, &(struct jt_genfile){ .number = 7, .key_id = 1 }, key_one),
                     JT_OK);
    assert_int_equal(jt_keyring_add(kr, &(struct jt_genfile){ .number = 7, .key_id = 2 }, key_one),
                     JT_ERR_KEY_ID_TAKEN);
    assert_int_equal(jt_keyring_add(kr, &(struct jt_genfile){ .number = 8, .key_id = 1 }, key_one),
                     JT_ERR_KEY_ID_TAKEN);
    assert_int_equal(jt_keyring_add(kr, &(struct jt_genfile){ .number = 0, .key_id = 3 }, key_one),
                     JT_ERR_KEY_ID_TAKEN);
    jt_keyring_free(kr);
}

static void every_key_id_has_room(void **state)
{
    (void)state;
    struct jt_keyring *kr;
    assert_int_equal(jt_keyring_new(&kr), JT_OK);
    for (unsigned i = 1; i <= JT_KEYRING_MAX; i++) {
        assert_int_equal(
            jt_keyring_add(kr, &(struct jt_genfile){ .number = i, .key_id = (uint8_t)i }, key_one),
            JT_OK);
    }
    assert_int_equal(
        jt_keyring_add(kr, &(struct jt_genfile){ .number = 256, .key_id = 0 }, key_one),
        JT_ERR_LIMIT);
    jt_keyring_free(kr);
}

static void envelope_under(struct jt_keyring *kr, uint64_t number, uint32_t field,
                           uint8_t out[static 25])
{
    struct jt_fieldkey *fk;
    assert_int_equal(jt_keyring_fieldkey(kr, number, field, &fk), JT_OK);
    const uint8_t pan[8] = { 0x41 };
    const uint8_t row_id[JT_ROW_ID_LEN] = { 9 };
    const uint8_t fingerprint[JT_FINGERPRINT_LEN] = { 8 };
    struct jt_siv_record r = { .in = pan, .in_len = 8, .out = out };
    jt_fieldkey_bind(&r, row_id, fingerprint);
    assert_int_equal(jt_fieldkey_seal(fk, &r, 1), JT_OK);
    assert_int_equal(r.err, JT_OK);
}

static void field_keys_survive_the_turnover_of_the_cache(void **state)
{
    (void)state;
    struct jt_keyring *kr;
    assert_int_equal(jt_keyring_new(&kr), JT_OK);
    assert_int_equal(jt_keyring_add(kr, &(struct jt_genfile){ .number = 7, .key_id = 1 }, key_one),
                     JT_OK);
    assert_int_equal(jt_keyring_add(kr, &(struct jt_genfile){ .number = 8, .key_id = 2 }, key_one),
                     JT_OK);
    uint8_t first[25];
    uint8_t again[25];
    envelope_under(kr, 7, 1, first);
    for (uint32_t field = 1; field <= 2 * JT_KEYRING_CACHE; field++) {
        envelope_under(kr, 8, field, again);
        assert_memory_not_equal(first, again, sizeof first);
    }
    envelope_under(kr, 7, 1, again);
    assert_memory_equal(first, again, sizeof first);
    jt_keyring_drop_cache(kr);
    envelope_under(kr, 7, 1, again);
    assert_memory_equal(first, again, sizeof first);
    jt_keyring_free(kr);
}

static void a_removed_generation_has_no_field_keys(void **state)
{
    (void)state;
    struct jt_keyring *kr;
    struct jt_fieldkey *fk;
    uint8_t envelope[25];
    assert_int_equal(jt_keyring_new(&kr), JT_OK);
    assert_int_equal(jt_keyring_add(kr, &(struct jt_genfile){ .number = 7, .key_id = 1 }, key_one),
                     JT_OK);
    envelope_under(kr, 7, 1, envelope);
    jt_keyring_remove(kr, 7);
    assert_int_equal(jt_keyring_fieldkey(kr, 7, 1, &fk), JT_ERR_KEY_MISSING);
    assert_null(fk);
    jt_keyring_free(kr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_found_by_number),
        cmocka_unit_test(numbers_and_key_ids_are_held_once),
        cmocka_unit_test(every_key_id_has_room),
        cmocka_unit_test(field_keys_survive_the_turnover_of_the_cache),
        cmocka_unit_test(a_removed_generation_has_no_field_keys),
    };
    return cmocka_run_group_tests_name("keeper/keyring", tests, NULL, NULL);
}

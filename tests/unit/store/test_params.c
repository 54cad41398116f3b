/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binary parameters: the bytes that PostgreSQL's array_recv and *_recv functions read. Written down
 * by hand from their source.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/params.h"

#include <string.h>

static void assert_value(const struct jt_params *p, int i, const char *bytes, size_t len)
{
    struct jt_pg_params view;
    jt_params_view(p, &view);
    assert_true(i < view.n);
    assert_non_null(view.values[i]);
    assert_int_equal(view.lengths[i], len);
    assert_int_equal(view.formats[i], 1);
    assert_memory_equal(view.values[i], bytes, len);
}

#define BYTES(text) (text), (sizeof(text) - 1)

static void scalars_are_big_endian(void **state)
{
    (void)state;
    struct jt_params p;
    jt_params_init(&p);
    jt_params_bool(&p, true);
    jt_params_i16(&p, 0x0102);
    jt_params_u31(&p, 0x01020304);
    jt_params_u63(&p, 0x0102030405060708);
    jt_params_raw64(&p, JT_PG_LSN, UINT64_MAX);
    jt_params_text(&p, "abc");
    jt_params_bytes(&p, "\0\1", 2);
    jt_params_uuid(&p, (const uint8_t *)"0123456789abcdef");
    assert_int_equal(jt_params_status(&p), JT_OK);
    assert_value(&p, 0, BYTES("\1"));
    assert_value(&p, 1, BYTES("\1\2"));
    assert_value(&p, 2, BYTES("\1\2\3\4"));
    assert_value(&p, 3, BYTES("\1\2\3\4\5\6\7\10"));
    assert_value(&p, 4, BYTES("\377\377\377\377\377\377\377\377"));
    assert_value(&p, 5, BYTES("abc"));
    assert_value(&p, 6, BYTES("\0\1"));
    assert_value(&p, 7, BYTES("0123456789abcdef"));
    static const Oid types[] = { 16, 21, 23, 20, 3220, 25, 17, 2950 };
    assert_memory_equal(p.types, types, sizeof types);
    jt_params_clear(&p);
}

static void an_array_carries_dimensions_type_and_lengths(void **state)
{
    (void)state;
    struct jt_params p;
    jt_params_init(&p);
    jt_params_array(&p, JT_PG_BYTEA_ARRAY, 2, 1);
    jt_params_add_bytes(&p, "xyz", 3);
    jt_params_add_bytes(&p, "", 0);
    jt_params_array(&p, JT_PG_INT2_ARRAY, 1, 2);
    jt_params_add_i16(&p, 255);
    jt_params_array(&p, JT_PG_INT4_ARRAY, 1, 4);
    jt_params_add_u31(&p, 7);
    jt_params_array(&p, JT_PG_INT8_ARRAY, 1, 8);
    jt_params_add_u63(&p, 8);
    jt_params_array(&p, JT_PG_UUID_ARRAY, 0, 16);
    assert_int_equal(jt_params_status(&p), JT_OK);
    assert_value(&p, 0,
                 BYTES("\0\0\0\1"
                       "\0\0\0\0"
                       "\0\0\0\21"
                       "\0\0\0\2"
                       "\0\0\0\1"
                       "\0\0\0\3xyz"
                       "\0\0\0\0"));
    assert_value(&p, 1,
                 BYTES("\0\0\0\1"
                       "\0\0\0\0"
                       "\0\0\0\25"
                       "\0\0\0\1"
                       "\0\0\0\1"
                       "\0\0\0\2"
                       "\0\377"));
    assert_value(&p, 2,
                 BYTES("\0\0\0\1"
                       "\0\0\0\0"
                       "\0\0\0\27"
                       "\0\0\0\1"
                       "\0\0\0\1"
                       "\0\0\0\4"
                       "\0\0\0\7"));
    assert_value(&p, 3,
                 BYTES("\0\0\0\1"
                       "\0\0\0\0"
                       "\0\0\0\24"
                       "\0\0\0\1"
                       "\0\0\0\1"
                       "\0\0\0\10"
                       "\0\0\0\0\0\0\0\10"));
    assert_value(&p, 4,
                 BYTES("\0\0\0\0"
                       "\0\0\0\0"
                       "\0\0\13\206"));
    static const Oid types[] = { 1001, 1005, 1007, 1016, 2951 };
    assert_memory_equal(p.types, types, sizeof types);
    jt_params_clear(&p);
}

static void empty_and_absent_values_differ(void **state)
{
    (void)state;
    struct jt_params p;
    struct jt_pg_params view;
    jt_params_init(&p);
    jt_params_text(&p, "");
    jt_params_null_text(&p);
    jt_params_bytes(&p, NULL, 0);
    jt_params_view(&p, &view);
    assert_int_equal(view.n, 3);
    assert_non_null(view.values[0]);
    assert_null(view.values[1]);
    assert_non_null(view.values[2]);
    assert_int_equal(view.lengths[0] + view.lengths[2], 0);
    jt_params_clear(&p);
}

static void numbers_beyond_sql_are_refused(void **state)
{
    (void)state;
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u31(&p, (uint32_t)INT32_MAX + 1);
    assert_int_equal(jt_params_status(&p), JT_ERR_LIMIT);
    jt_params_clear(&p);
    jt_params_u63(&p, (uint64_t)INT64_MAX + 1);
    assert_int_equal(jt_params_status(&p), JT_ERR_LIMIT);
    jt_params_clear(&p);
    jt_params_array(&p, JT_PG_INT4_ARRAY, 1, 4);
    jt_params_add_u31(&p, UINT32_MAX);
    assert_int_equal(jt_params_status(&p), JT_ERR_LIMIT);
    jt_params_clear(&p);
    jt_params_array(&p, JT_PG_INT8_ARRAY, 1, 8);
    jt_params_add_u63(&p, UINT64_MAX);
    assert_int_equal(jt_params_status(&p), JT_ERR_LIMIT);
    jt_params_clear(&p);
    jt_params_u31(&p, INT32_MAX);
    assert_int_equal(jt_params_status(&p), JT_OK);
    jt_params_clear(&p);
}

static void too_many_or_too_large_parameters_are_refused(void **state)
{
    (void)state;
    struct jt_params p;
    jt_params_init(&p);
    for (int i = 0; i < JT_PARAMS_MAX; i++) {
        jt_params_i16(&p, 1);
    }
    assert_int_equal(jt_params_status(&p), JT_OK);
    jt_params_i16(&p, 1);
    assert_int_equal(jt_params_status(&p), JT_ERR_LIMIT);
    assert_int_equal(p.n, JT_PARAMS_MAX);
    jt_params_clear(&p);
    jt_params_array(&p, JT_PG_BYTEA_ARRAY, SIZE_MAX / 32, 16);
    assert_int_equal(jt_params_status(&p), JT_ERR_LIMIT);
    jt_params_clear(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_are_big_endian),
        cmocka_unit_test(an_array_carries_dimensions_type_and_lengths),
        cmocka_unit_test(empty_and_absent_values_differ),
        cmocka_unit_test(numbers_beyond_sql_are_refused),
        cmocka_unit_test(too_many_or_too_large_parameters_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

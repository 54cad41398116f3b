/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading replies of a server that is not to be believed: results are built by hand, right ones and
 * every kind of wrong one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/row.h"

#include <string.h>

/* A result of one row and one column; `value` NULL: the SQL NULL. */
static PGresult *result_of(Oid type, int format, const char *value, int len)
{
    static char name[] = "c";
    PGresAttDesc column = {
        .name = name, .typid = type, .format = format, .typlen = -1, .atttypmod = -1
    };
    PGresult *res = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    assert_non_null(res);
    assert_int_equal(PQsetResultAttrs(res, 1, &column), 1);
    assert_int_equal(PQsetvalue(res, 0, 0, (char *)value, value == NULL ? -1 : len), 1);
    return res;
}

enum getter { BOOL, U8, U31, U63, LSN, BYTES, COPY, FIXED4, UUID, TEXT, N_GETTERS };

/* Whether the getter is content with column 0 of row 0. */
static bool accepts(const PGresult *res, enum getter getter, int column)
{
    struct jt_row row = jt_row_init(res, 0);
    uint8_t bytes[16];
    char text[8];
    size_t len;
    switch (getter) {
    case BOOL: (void)jt_row_bool(&row, column); break;
    case U8: (void)jt_row_u8(&row, column); break;
    case U31: (void)jt_row_u31(&row, column); break;
    case U63: (void)jt_row_u63(&row, column); break;
    case LSN: (void)jt_row_raw64(&row, column, JT_PG_LSN); break;
    case BYTES: (void)jt_row_bytes(&row, column, 5, &len); break;
    case COPY: (void)jt_row_copy(&row, column, bytes, 5); break;
    case FIXED4: jt_row_fixed(&row, column, bytes, 4); break;
    case UUID: jt_row_uuid(&row, column, bytes); break;
    case TEXT: jt_row_text(&row, column, text, sizeof text); break;
    case N_GETTERS: break;
    }
    return jt_row_status(&row) == JT_OK;
}

static const struct {
    enum getter getter;
    Oid type;
    const char *value;
    int len;
} good[] = {
    { BOOL, JT_PG_BOOL, "\1", 1 },
    { U8, JT_PG_INT2, "\0\377", 2 },
    { U31, JT_PG_INT4, "\177\377\377\377", 4 },
    { U63, JT_PG_INT8, "\177\377\377\377\377\377\377\377", 8 },
    { LSN, JT_PG_LSN, "\377\377\377\377\377\377\377\377", 8 },
    { BYTES, JT_PG_BYTEA, "12345", 5 },
    { COPY, JT_PG_BYTEA, "12345", 5 },
    { FIXED4, JT_PG_BYTEA, "1234", 4 },
    { UUID, JT_PG_UUID, "0123456789abcdef", 16 },
    { TEXT, JT_PG_TEXT, "1234567", 7 },
};
#define N_GOOD (sizeof good / sizeof good[0])

static void good_values_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_GOOD; i++) {
        PGresult *res = result_of(good[i].type, 1, good[i].value, good[i].len);
        assert_true(accepts(res, good[i].getter, 0));
        PQclear(res);
    }
}

static void wrong_type_format_null_and_column_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_GOOD; i++) {
        PGresult *wrong[] = {
            result_of(good[i].type + 1, 1, good[i].value, good[i].len),
            result_of(good[i].type, 0, good[i].value, good[i].len),
            result_of(good[i].type, 1, NULL, 0),
        };
        for (size_t w = 0; w < 3; w++) {
            assert_false(accepts(wrong[w], good[i].getter, 0));
            PQclear(wrong[w]);
        }
        PGresult *res = result_of(good[i].type, 1, good[i].value, good[i].len);
        assert_false(accepts(res, good[i].getter, 1));
        PQclear(res);
    }
}

static void wrong_lengths_are_refused(void **state)
{
    (void)state;
    static const char zeros[32];
    for (size_t i = 0; i < N_GOOD; i++) {
        for (int len = 0; len <= 17; len++) {
            bool may = good[i].getter == BYTES || good[i].getter == COPY ? len <= 5
                       : good[i].getter == TEXT                          ? len == 0
                                                                         : len == good[i].len;
            /* zeros: a text of NUL bytes is refused too */
            PGresult *res = result_of(good[i].type, 1, zeros, len);
            assert_int_equal(accepts(res, good[i].getter, 0), may);
            PQclear(res);
        }
    }
}

static void negative_and_large_numbers_are_refused(void **state)
{
    (void)state;
    static const struct {
        enum getter getter;
        Oid type;
        const char *value;
        int len;
    } bad[] = {
        { U8, JT_PG_INT2, "\1\0", 2 },
        { U8, JT_PG_INT2, "\377\377", 2 },
        { U31, JT_PG_INT4, "\200\0\0\0", 4 },
        { U63, JT_PG_INT8, "\377\377\377\377\377\377\377\377", 8 },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        PGresult *res = result_of(bad[i].type, 1, bad[i].value, bad[i].len);
        assert_false(accepts(res, bad[i].getter, 0));
        PQclear(res);
    }
}

static void after_a_mismatch_nothing_is_believed(void **state)
{
    (void)state;
    PGresult *res = result_of(JT_PG_TEXT, 1, "abc", 3);
    struct jt_row row = jt_row_init(res, 0);
    char text[8] = "before";
    uint8_t bytes[4] = { 1, 2, 3, 4 };
    static const uint8_t zeros[4];
    assert_int_equal(jt_row_u63(&row, 0), 0);
    jt_row_text(&row, 0, text, sizeof text);
    assert_string_equal(text, "");
    jt_row_fixed(&row, 0, bytes, sizeof bytes);
    assert_memory_equal(bytes, zeros, 4);
    assert_true(jt_row_is_null(&row, 0));
    assert_int_equal(jt_row_status(&row), JT_ERR_DB_FAULT);
    PQclear(res);
}

static void a_row_that_is_not_there_is_bad_from_the_start(void **state)
{
    (void)state;
    PGresult *res = result_of(JT_PG_TEXT, 1, "abc", 3);
    struct jt_row none = jt_row_init(res, 1), before = jt_row_init(res, -1);
    assert_int_equal(jt_row_status(&none), JT_ERR_DB_FAULT);
    assert_int_equal(jt_row_status(&before), JT_ERR_DB_FAULT);
    PQclear(res);
}

static void an_absent_text_may_be_empty_where_that_is_said(void **state)
{
    (void)state;
    PGresult *null = result_of(JT_PG_TEXT, 1, NULL, 0), *some = result_of(JT_PG_TEXT, 1, "abc", 3);
    char text[8] = "before";
    struct jt_row row = jt_row_init(null, 0);
    jt_row_text_or_empty(&row, 0, text, sizeof text);
    assert_string_equal(text, "");
    assert_int_equal(jt_row_status(&row), JT_OK);
    row = jt_row_init(some, 0);
    jt_row_text_or_empty(&row, 0, text, sizeof text);
    assert_string_equal(text, "abc");
    PQclear(null);
    PQclear(some);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_values_are_read),
        cmocka_unit_test(wrong_type_format_null_and_column_are_refused),
        cmocka_unit_test(wrong_lengths_are_refused),
        cmocka_unit_test(negative_and_large_numbers_are_refused),
        cmocka_unit_test(after_a_mismatch_nothing_is_believed),
        cmocka_unit_test(a_row_that_is_not_there_is_bad_from_the_start),
        cmocka_unit_test(an_absent_text_may_be_empty_where_that_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

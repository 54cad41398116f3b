/* SPDX-License-Identifier: Apache-2.0 */
/* The area of COBOL programs: what is taken from it, and that nothing outside it is touched. */
#include "client/cobolarea.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIZE(n) ((size_t)JETON_AREA_HEAD + (size_t)(n)*JETON_AREA_ENTRY)

static const char card[] = "4111111111111111";

static void number(unsigned char *p, bool little, uint32_t value)
{
    for (size_t i = 0; i < 4; i++) {
        p[little ? i : 3 - i] = (unsigned char)(value >> 8 * i);
    }
}

/* As the copybooks have it, in memory of just that size. */
static unsigned char *make(size_t entries, bool little, uint32_t capacity, uint32_t count)
{
    unsigned char *area = malloc(SIZE(entries));
    assert_non_null(area);
    memset(area, ' ', SIZE(entries));
    number(area, little, 1);
    memcpy(area + 4, "JETON   TOKN", 12);
    memcpy(area + 16, "PAN", 3);
    number(area + 80, little, capacity);
    number(area + 84, little, count);
    for (size_t i = 0; i < entries; i++) {
        unsigned char *entry = area + SIZE(i);
        memcpy(entry, card, 16);
        number(entry + 32, little, 0);
    }
    return area;
}

static void both_byte_orders_are_read_and_written(void **state)
{
    (void)state;
    for (int little = 0; little < 2; little++) {
        unsigned char *at = make(3, little, 3, 2), code[4];
        struct jeton_area area;
        assert_null(jeton_area_take(at, SIZE(3), &area));
        assert_int_equal(area.capacity, 3);
        assert_int_equal(area.count, 2);
        jeton_area_outcome(&area, 1, 12, 403, "forbidden");
        number(code, little, 403);
        assert_memory_equal(at + SIZE(1) + 76, code, 4);
        jeton_area_end(&area, 258, 0, "", "");
        number(code, little, 258);
        assert_memory_equal(at + 88, code, 4);
        jeton_area_refused(&area, 2, 1);
        number(code, little, 2);
        assert_memory_equal(at + 216, code, 4);
        free(at);
    }
}

static void function_and_field_lose_their_padding(void **state)
{
    (void)state;
    unsigned char *at = make(1, false, 1, 1);
    struct jeton_area area;
    char function[JETON_AREA_FUNCTION + 1], field[JETON_AREA_FIELD + 1];
    assert_null(jeton_area_take(at, SIZE(1), &area));
    jeton_area_function(&area, function);
    jeton_area_field(&area, field);
    assert_string_equal(function, "TOKN");
    assert_string_equal(field, "pan");
    memset(at + 16, 'x', 64); /* no end */
    jeton_area_field(&area, field);
    assert_int_equal(strlen(field), 64);
    memset(at + 16, 0, 64);
    jeton_area_field(&area, field);
    assert_string_equal(field, "");
    free(at);
}

static void a_value_has_the_length_that_is_said_or_ends_before_its_padding(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        uint32_t length;
        const char *value; /* NULL: refused */
    } cases[] = {
        { "4111111111111111                ", 32, 0, card },
        { "4111111111111111\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32, 0, card },
        { "4111111111111111 \0 \0            ", 32, 0, card },
        { "4111111111111111garbage..........", 32, 16, card },
        { "4111111111111111                ", 32, 20, card },
        { "4111111111111111                ", 32, 15, "411111111111111" },
        { "4111\0"
          "111                       ",
          32, 0, "4111?111" },
        { "4111\n111\x7f\xe9                      ", 32, 0, "4111?111??" },
        { "                                ", 32, 0, "" },
        { "\0\0\0\0", 4, 4, "" },
        { "01234567890123456789012345678901", 32, 0, "01234567890123456789012345678901" },
        { "01234567890123456789012345678901", 32, 32, "01234567890123456789012345678901" },
        { "4", 1, 33, NULL },
        { "4", 1, UINT32_MAX, NULL },
        { "4", 1, INT32_MIN, NULL },
        { "4", 1, 1u << 24, NULL },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned char *at = make(1, false, 1, 1);
        struct jeton_area area;
        char value[JETON_AREA_VALUE + 1];
        memcpy(at + SIZE(0), cases[i].bytes, cases[i].n);
        number(at + SIZE(0) + 32, false, cases[i].length);
        assert_null(jeton_area_take(at, SIZE(1), &area));
        assert_int_equal(jeton_area_value(&area, 0, value), cases[i].value != NULL);
        if (cases[i].value != NULL) {
            assert_string_equal(value, cases[i].value);
        }
        free(at);
    }
}

static void a_result_is_what_the_server_may_give(void **state)
{
    (void)state;
    static const char *const good[] = { "jtk_0123456789abcdefghjkmnpqrs", "411111******1111", "4",
                                        "01234567890123456789012345678901" };
    static const char *const bad[] = { "",          "012345678901234567890123456789012",
                                       "4111 1111", "A",
                                       "\xc3\xa9",  "4\n" };
    unsigned char *at = make(1, true, 1, 1), blank[32];
    struct jeton_area area;
    memset(blank, ' ', sizeof blank);
    assert_null(jeton_area_take(at, SIZE(1), &area));
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        jeton_area_blank(&area);
        assert_true(jeton_area_result(&area, 0, good[i]));
        assert_memory_equal(at + SIZE(0) + 36, good[i], strlen(good[i]));
        assert_int_equal(at[SIZE(0) + 68], strlen(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        jeton_area_blank(&area);
        assert_false(jeton_area_result(&area, 0, bad[i]));
        assert_memory_equal(at + SIZE(0) + 36, blank, sizeof blank);
        assert_int_equal(at[SIZE(0) + 68], 0);
    }
    free(at);
}

static void what_is_no_area_is_refused(void **state)
{
    (void)state;
    struct jeton_area area;
    unsigned char *at = make(1, false, 1, 1);
    assert_string_equal(jeton_area_take(NULL, SIZE_MAX, &area), "call-area");
    assert_null(area.at);
    assert_string_equal(jeton_area_take(at, JETON_AREA_HEAD - 1, &area), "call-area");
    assert_null(area.at);
    static const uint32_t versions[] = { 0, 2, 256, 1u << 16, UINT32_MAX, 0x20202020 };
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        number(at, false, versions[i]);
        assert_string_equal(jeton_area_take(at, SIZE(1), &area), "call-version");
        assert_ptr_equal(area.at, at); /* its size is known: the code can be written */
        assert_int_equal(area.capacity, 0);
        assert_string_equal(jeton_area_take(at, SIZE_MAX, &area), "call-version");
        assert_null(area.at);
    }
    number(at, false, 1);
    at[4] = 'j';
    assert_string_equal(jeton_area_take(at, SIZE(1), &area), "call-version");
    free(at);
}

static void entries_that_are_not_there_are_not_believed(void **state)
{
    (void)state;
    static const struct {
        uint32_t capacity, count;
        const char *reason;
        size_t room;
    } cases[] = {
        { 3, 0, NULL, 3 },
        { 3, 3, NULL, 3 },
        { 2, 3, "call-count", 2 },
        { 3, 4, "call-count", 3 },
        { 3, UINT32_MAX, "call-count", 3 },
        { 3, 1u << 24, "call-count", 3 },
        { 4, 1, "call-capacity", 3 },
        { INT32_MAX, 1, "call-capacity", 3 },
        { 0, 0, "call-capacity", 0 },
        { UINT32_MAX, 1, "call-capacity", 0 },
        { INT32_MIN, 0, "call-capacity", 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned char *at = make(3, false, cases[i].capacity, cases[i].count);
        struct jeton_area area;
        const char *reason = jeton_area_take(at, SIZE(3), &area);
        if (cases[i].reason == NULL) {
            assert_null(reason);
        } else {
            assert_string_equal(reason, cases[i].reason);
        }
        assert_int_equal(area.capacity, cases[i].room);
        free(at);
    }
}

/* Whatever it is, all that may be done with an area stays in it (with AddressSanitizer as well). */
static void nothing_outside_is_touched(void **state)
{
    (void)state;
    unsigned short seed[3] = { 7, 7, 7 };
    for (int round = 0; round < 20000; round++) {
        size_t size = (size_t)nrand48(seed) % SIZE(3);
        unsigned char *at = malloc(size + 16);
        assert_non_null(at);
        for (size_t i = 0; i < size; i++) {
            at[i] = (unsigned char)(nrand48(seed) >> 7);
        }
        memset(at + size, '#', 16);
        if (size >= JETON_AREA_HEAD) {
            number(at, round % 2, 1);
            memcpy(at + 4, "JETON   ", 8);
            number(at + 80, round % 2, (uint32_t)nrand48(seed) % 5);
            number(at + 84, round % 2, (uint32_t)nrand48(seed) % 5);
        }
        struct jeton_area area;
        (void)jeton_area_take(at, size, &area);
        if (area.at != NULL) {
            char value[JETON_AREA_VALUE + 1];
            jeton_area_blank(&area);
            for (size_t i = 0; i < area.capacity; i++) {
                (void)jeton_area_value(&area, i, value);
                (void)jeton_area_result(&area, i, card);
                jeton_area_outcome(&area, i, 4, 422, "pan-bad-luhn");
            }
            jeton_area_end(&area, 4, 0, "reason", "message");
            jeton_area_refused(&area, 1, 1);
        }
        for (size_t i = 0; i < 16; i++) {
            assert_int_equal(at[size + i], '#');
        }
        free(at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_byte_orders_are_read_and_written),
        cmocka_unit_test(function_and_field_lose_their_padding),
        cmocka_unit_test(a_value_has_the_length_that_is_said_or_ends_before_its_padding),
        cmocka_unit_test(a_result_is_what_the_server_may_give),
        cmocka_unit_test(what_is_no_area_is_refused),
        cmocka_unit_test(entries_that_are_not_there_are_not_believed),
        cmocka_unit_test(nothing_outside_is_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

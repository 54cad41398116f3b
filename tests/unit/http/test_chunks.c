/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 9112 section 7.1: what is taken, what is refused, and that pieces change nothing. */
#include "http/chunks.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct result {
    enum jt_chunks_step step;
    char data[256];
    size_t data_len, used;
};

/* Reads `text` in pieces of `piece` bytes. */
static struct result read_all(const char *text, size_t len, size_t piece)
{
    struct jt_chunks k = { 0 };
    struct result r = { .step = JT_CHUNKS_MORE };
    for (size_t at = 0; at < len && r.step == JT_CHUNKS_MORE; at += piece) {
        size_t n = len - at < piece ? len - at : piece, used = 0;
        struct jt_slice data;
        while ((r.step = jt_chunks_read(&k, text + at, n, &used, &data)) == JT_CHUNKS_GIVE) {
            assert_true(r.data_len + data.len <= sizeof r.data);
            if (data.len > 0) {
                memcpy(r.data + r.data_len, data.p, data.len);
            }
            r.data_len += data.len;
        }
        assert_true(used <= n);
        r.used += used;
    }
    return r;
}

static void test_bodies_that_are_good(void **state)
{
    (void)state;
    static const struct {
        const char *text, *data;
    } cases[] = {
        { "0\r\n\r\n", "" },
        { "000\r\n\r\n", "" },
        { "4\r\nabcd\r\n0\r\n\r\n", "abcd" },
        { "0000000000000004\r\nabcd\r\n0\r\n\r\n", "abcd" },
        { "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", "abc" },
        { "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789" },
        { "4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n" },
        { "4;x\r\nabcd\r\n0;y=1;z=\"a b\"\r\n\r\n", "abcd" },
        { "4 ; x = y\r\nabcd\r\n0\r\n\r\n", "abcd" },
        { "1\r\na\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\n", "a" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t len = strlen(cases[i].text);
        for (size_t piece = 1; piece <= len; piece++) {
            struct result r = read_all(cases[i].text, len, piece);
            assert_int_equal(r.step, JT_CHUNKS_END);
            assert_int_equal(r.used, len);
            assert_int_equal(r.data_len, strlen(cases[i].data));
            assert_memory_equal(r.data, cases[i].data, r.data_len);
        }
    }
}

static void test_bodies_that_are_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "\r\n",
        "g\r\n",
        "-1\r\n",
        "+1\r\n",
        "0x1\r\na\r\n",
        " 1\r\na\r\n",
        "1 \r\na\r\n",
        "1\t\r\na\r\n",
        "1 x\r\na\r\n",
        "1\na\r\n",
        "1\r\r\na\r\n",
        "1;x\na\r\n",
        "1;x\x01\r\na\r\n",
        "1;x\x7f\r\na\r\n",
        "1\r\nab\r\n",
        "1\r\na\n",
        "1\r\na\r0\r\n",
        "1\r\na0\r\n",
        "00000000000000001\r\na\r\n",
        "0\r\n\n",
        "0\n\r\n",
        "0\r\nX: a\n\r\n",
        "0\r\nX: a\r\n b\r\n\r\n",
        "0\r\nX : a\r\n\r\n",
        "0\r\n: a\r\n\r\n",
        "0\r\nX\r\n\r\n",
        "0\r\nX: a\x01\r\n\r\n",
        "0\r\nGET / HTTP/1.1\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t len = strlen(cases[i]);
        for (size_t piece = 1; piece <= len; piece++) {
            assert_int_equal(read_all(cases[i], len, piece).step, JT_CHUNKS_BAD);
        }
    }
    assert_int_equal(read_all("1;\0\r\n", 5, 5).step, JT_CHUNKS_BAD);
}

static void test_what_follows_is_not_of_the_body(void **state)
{
    (void)state;
    static const char text[] = "1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n";
    struct result r = read_all(text, sizeof text - 1, sizeof text - 1);
    assert_int_equal(r.step, JT_CHUNKS_END);
    assert_string_equal(text + r.used, "GET / HTTP/1.1\r\n");
}

static void test_a_beginning_is_no_end(void **state)
{
    (void)state;
    static const char text[] = "3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n";
    for (size_t len = 0; len + 1 < sizeof text; len++) {
        assert_int_equal(read_all(text, len, 7).step, JT_CHUNKS_MORE);
    }
}

static void test_the_size_is_told_before_the_data(void **state)
{
    (void)state;
    static const char text[] = "ffffffffffffffff\r\n";
    struct jt_chunks k = { 0 };
    struct jt_slice data = { text, 1 };
    size_t used = 0;
    assert_int_equal(jt_chunks_read(&k, text, sizeof text - 1, &used, &data), JT_CHUNKS_GIVE);
    assert_true(data.len == 0 && k.left == UINT64_MAX && used == sizeof text - 1);
}

/* Extensions and trailer fields share one limit over the whole body. */
static void test_what_is_ignored_is_bounded(void **state)
{
    (void)state;
    for (uint32_t over = 0; over <= 1; over++) {
        struct jt_chunks k = { 0 };
        struct jt_slice data;
        enum jt_chunks_step step = JT_CHUNKS_MORE;
        for (uint32_t i = 0; i < JT_CHUNKS_EXTRA_MAX / 2 - 1; i++) { /* two bytes each */
            size_t used = 0;
            while ((step = jt_chunks_read(&k, "1;x\r\na\r\n", 8, &used, &data)) == JT_CHUNKS_GIVE) {
            }
            assert_int_equal(step, JT_CHUNKS_MORE);
        }
        const char *last = over == 1 ? "0\r\nX:y\r\n\r\n" : "0\r\nX:\r\n\r\n";
        size_t used = 0;
        step = jt_chunks_read(&k, last, strlen(last), &used, &data);
        assert_int_equal(step, over == 1 ? JT_CHUNKS_BAD : JT_CHUNKS_END);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies_that_are_good),
        cmocka_unit_test(test_bodies_that_are_refused),
        cmocka_unit_test(test_what_follows_is_not_of_the_body),
        cmocka_unit_test(test_a_beginning_is_no_end),
        cmocka_unit_test(test_the_size_is_told_before_the_data),
        cmocka_unit_test(test_what_is_ignored_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request heads as bytes, each with the section that judges it: RFC 9112 where nothing else is
 * said.
 */
#include "http/head.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define L "GET /livez HTTP/1.1\r\n"
#define H "Host: a\r\n"
#define E "\r\n"

struct a_case {
    const char *section;
    const char *head;
    enum jt_head_fault fault;
    size_t len; /* 0: of the text */
};

#define TEXT(section, text, fault)             \
    {                                          \
        section, text, fault, sizeof(text) - 1 \
    }

static const struct a_case cases[] = {
    TEXT("3", L H E, JT_HEAD_GOOD),
    TEXT("3", "GET  /livez HTTP/1.1\r\n" H E, JT_HEAD_MALFORMED),
    TEXT("3", "GET /livez  HTTP/1.1\r\n" H E, JT_HEAD_MALFORMED),
    TEXT("3", "GET\t/livez HTTP/1.1\r\n" H E, JT_HEAD_MALFORMED),
    TEXT("3", " GET /livez HTTP/1.1\r\n" H E, JT_HEAD_MALFORMED),
    TEXT("3", "GET /livez HTTP/1.1 \r\n" H E, JT_HEAD_MALFORMED),
    TEXT("3", "GET /livez\r\n" H E, JT_HEAD_MALFORMED),
    TEXT("3", "GET\r\n" H E, JT_HEAD_MALFORMED),
    TEXT("3.1, 9110 5.6.2", "G@T /livez HTTP/1.1\r\n" H E, JT_HEAD_MALFORMED),
    TEXT("3.1", "G(T /livez HTTP/1.1\r\n" H E, JT_HEAD_MALFORMED),
    TEXT("3.1", "G\xc3\xa9T /livez HTTP/1.1\r\n" H E, JT_HEAD_MALFORMED),
    TEXT("3.1", "M-SEARCH /livez HTTP/1.1\r\n" H E, JT_HEAD_GOOD),
    TEXT("3.1", " /livez HTTP/1.1\r\n" H E, JT_HEAD_MALFORMED),
    TEXT("2.3", "GET /livez HTTP/2.0\r\n" H E, JT_HEAD_VERSION),
    TEXT("2.3", "GET /livez HTTP/0.9\r\n" H E, JT_HEAD_VERSION),
    TEXT("2.3", "GET /livez HTTP/1.2\r\n" H E, JT_HEAD_GOOD),
    TEXT("2.3", "GET /livez HTTP/1.10\r\n" H E, JT_HEAD_MALFORMED),
    TEXT("2.3", "GET /livez http/1.1\r\n" H E, JT_HEAD_MALFORMED),
    TEXT("2.3", "GET /livez HTTP/1,1\r\n" H E, JT_HEAD_MALFORMED),
    TEXT("2.3", "GET /livez HTTP/x.1\r\n" H E, JT_HEAD_MALFORMED),
    TEXT("2.3", "GET /livez HTTP/\r\n" H E, JT_HEAD_MALFORMED),
    TEXT("3.2.1", "GET livez HTTP/1.1\r\n" H E, JT_HEAD_MALFORMED),
    TEXT("3.2.1", "GET /livez?a=b HTTP/1.1\r\n" H E, JT_HEAD_GOOD),
    TEXT("3.2", "GET /livez#a HTTP/1.1\r\n" H E, JT_HEAD_MALFORMED),
    TEXT("3.2", "GET /livez?a#b HTTP/1.1\r\n" H E, JT_HEAD_MALFORMED),
    TEXT("3.2", "GET /li%76ez HTTP/1.1\r\n" H E, JT_HEAD_MALFORMED),
    TEXT("3.2", "GET /livez%00 HTTP/1.1\r\n" H E, JT_HEAD_MALFORMED),
    TEXT("3.2", "GET //livez HTTP/1.1\r\n" H E, JT_HEAD_MALFORMED),
    TEXT("3.2", "GET /a/../livez HTTP/1.1\r\n" H E, JT_HEAD_MALFORMED),
    TEXT("3.2", "GET /a/./livez HTTP/1.1\r\n" H E, JT_HEAD_MALFORMED),
    TEXT("3.2", "GET /a\\livez HTTP/1.1\r\n" H E, JT_HEAD_MALFORMED),
    TEXT("3.2", "GET /live\xc3\xa9 HTTP/1.1\r\n" H E, JT_HEAD_MALFORMED),
    TEXT("3.2.2", "GET http://a/livez HTTP/1.1\r\n" H E, JT_HEAD_GOOD),
    TEXT("3.2.2", "GET HTTPS://a:1/livez HTTP/1.1\r\n" H E, JT_HEAD_GOOD),
    TEXT("3.2.2", "GET http://a HTTP/1.1\r\n" H E, JT_HEAD_GOOD),
    TEXT("3.2.2", "GET http:///livez HTTP/1.1\r\n" H E, JT_HEAD_MALFORMED),
    TEXT("3.2.2", "GET ftp://a/livez HTTP/1.1\r\n" H E, JT_HEAD_MALFORMED),
    TEXT("9110 4.2.4", "GET http://u:p@a/livez HTTP/1.1\r\n" H E, JT_HEAD_MALFORMED),
    TEXT("3.2.3", "GET a:80 HTTP/1.1\r\n" H E, JT_HEAD_MALFORMED),
    TEXT("3.2.4", "OPTIONS * HTTP/1.1\r\n" H E, JT_HEAD_GOOD),
    TEXT("3.2.4", "GET * HTTP/1.1\r\n" H E, JT_HEAD_MALFORMED),
    TEXT("3.2", L E, JT_HEAD_MALFORMED),
    TEXT("3.2", "GET /livez HTTP/1.0\r\n" E, JT_HEAD_GOOD),
    TEXT("3.2", L H H E, JT_HEAD_MALFORMED),
    TEXT("3.2", L H "host: b\r\n" E, JT_HEAD_MALFORMED),
    TEXT("3.2", L "Host: a b\r\n" E, JT_HEAD_MALFORMED),
    TEXT("3.2", L "Host: a, b\r\n" E, JT_HEAD_MALFORMED),
    TEXT("3.2", L "Host: u@a\r\n" E, JT_HEAD_MALFORMED),
    TEXT("3.2", L "Host: a/b\r\n" E, JT_HEAD_MALFORMED),
    TEXT("3.2, 9110 4.2.1", L "Host:\r\n" E, JT_HEAD_MALFORMED),
    TEXT("3.2", "GET http://a/livez HTTP/1.1\r\nHost: a b\r\n" E, JT_HEAD_MALFORMED),
    TEXT("2.2", "GET /livez HTTP/1.1\nHost: a\n\n", JT_HEAD_MALFORMED),
    TEXT("2.2", L "Host: a\n\r\n", JT_HEAD_MALFORMED),
    TEXT("2.2", L H "X: a\rb\r\n" E, JT_HEAD_MALFORMED),
    TEXT("2.2", L H "X: a\r\r\n" E, JT_HEAD_MALFORMED),
    TEXT("2.2", L H "\n", JT_HEAD_MALFORMED),
    TEXT("5", L " Host: a\r\n" E, JT_HEAD_MALFORMED),
    TEXT("5.1", L "Host : a\r\n" E, JT_HEAD_MALFORMED),
    TEXT("5.1", L "Host\t: a\r\n" E, JT_HEAD_MALFORMED),
    TEXT("5.1", L H "X\r\n" E, JT_HEAD_MALFORMED),
    TEXT("5.1", L H ": a\r\n" E, JT_HEAD_MALFORMED),
    TEXT("5.1", L H "X@: a\r\n" E, JT_HEAD_MALFORMED),
    TEXT("5.1", L H "X\xe9: a\r\n" E, JT_HEAD_MALFORMED),
    TEXT("5.2", L H "X: a\r\n b\r\n" E, JT_HEAD_MALFORMED),
    TEXT("5.2", L H "X: a\r\n\tb\r\n" E, JT_HEAD_MALFORMED),
    TEXT("5.1", L "Host:a\r\n" E, JT_HEAD_GOOD),
    TEXT("5.1", L "Host:   a  \t\r\n" E, JT_HEAD_GOOD),
    TEXT("5.1", L H "X:\r\n" E, JT_HEAD_GOOD),
    TEXT("5.1", L H "X: \t \r\n" E, JT_HEAD_GOOD),
    TEXT("5.1", L H "X: a:b \"c\"\r\n" E, JT_HEAD_GOOD),
    TEXT("9110 5.5", L H "X: \xc3\xa9\r\n" E, JT_HEAD_GOOD),
    TEXT("9110 5.5", L H "X: a\0b\r\n" E, JT_HEAD_MALFORMED),
    TEXT("9110 5.5", L H "X\0Y: b\r\n" E, JT_HEAD_MALFORMED),
    TEXT("9110 5.5", L H "X: a\x01\r\n" E, JT_HEAD_MALFORMED),
    TEXT("9110 5.5", L H "X: a\x7f\r\n" E, JT_HEAD_MALFORMED),
    TEXT("9110 8.6", L H "Content-Length: 5\r\n" E, JT_HEAD_GOOD),
    TEXT("9110 8.6", L H "Content-Length:5  \r\n" E, JT_HEAD_GOOD),
    TEXT("9110 8.6", L H "Content-Length: 005\r\n" E, JT_HEAD_GOOD),
    TEXT("9110 8.6", L H "Content-Length:\r\n" E, JT_HEAD_MALFORMED),
    TEXT("9110 8.6", L H "Content-Length: -5\r\n" E, JT_HEAD_MALFORMED),
    TEXT("9110 8.6", L H "Content-Length: +5\r\n" E, JT_HEAD_MALFORMED),
    TEXT("9110 8.6", L H "Content-Length: 5 5\r\n" E, JT_HEAD_MALFORMED),
    TEXT("9110 8.6", L H "Content-Length: 5, 5\r\n" E, JT_HEAD_MALFORMED),
    TEXT("9110 8.6", L H "Content-Length: 0x5\r\n" E, JT_HEAD_MALFORMED),
    TEXT("9110 8.6", L H "Content-Length: 99999999999999999999999\r\n" E, JT_HEAD_GOOD),
    TEXT("6.3", L H "Content-Length: 5\r\nContent-Length: 5\r\n" E, JT_HEAD_MALFORMED),
    TEXT("6.3", L H "Content-Length: 5\r\ncontent-length: 6\r\n" E, JT_HEAD_MALFORMED),
    TEXT("6.1", L H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" E, JT_HEAD_MALFORMED),
    TEXT("6.1", L H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" E, JT_HEAD_MALFORMED),
    TEXT("6.1", L H "Transfer-Encoding: chunked\r\n" E, JT_HEAD_GOOD),
    TEXT("6.1", L H "Transfer-Encoding: Chunked \r\n" E, JT_HEAD_GOOD),
    TEXT("6.1", L H "Transfer-Encoding: ,Chunked,\r\n" E, JT_HEAD_CODING),
    TEXT("6.1", L H "Transfer-Encoding: gzip, chunked\r\n" E, JT_HEAD_CODING),
    TEXT("6.1", L H "Transfer-Encoding: chunked, gzip\r\n" E, JT_HEAD_MALFORMED),
    TEXT("6.1", L H "Transfer-Encoding: chunked, chunked\r\n" E, JT_HEAD_MALFORMED),
    TEXT("6.1", L H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" E,
         JT_HEAD_MALFORMED),
    TEXT("6.3", L H "Transfer-Encoding: identity\r\n" E, JT_HEAD_MALFORMED),
    TEXT("6.3", L H "Transfer-Encoding: xchunked\r\n" E, JT_HEAD_MALFORMED),
    TEXT("6.3", L H "Transfer-Encoding:\r\n" E, JT_HEAD_MALFORMED),
    TEXT("6.1",
         L H "Transfer-Encoding: \x0b"
             "chunked\r\n" E,
         JT_HEAD_MALFORMED),
    TEXT("6.1", "GET /livez HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n" E, JT_HEAD_MALFORMED),
    TEXT("9110 10.1.1", L H "Expect: 100-Continue\r\n" E, JT_HEAD_GOOD),
    TEXT("9110 10.1.1", L H "Expect: 200-ok\r\n" E, JT_HEAD_EXPECTATION),
    TEXT("9110 10.1.1", L H "Expect: 100-continue, x\r\n" E, JT_HEAD_EXPECTATION),
    TEXT("9110 10.1.1", "GET /livez HTTP/1.0\r\nExpect: x\r\n" E, JT_HEAD_GOOD),
    TEXT("9110 11.6.2", L H "Authorization: a\r\nAuthorization: a\r\n" E, JT_HEAD_MALFORMED),
    TEXT("9110 5.3", L H "Idempotency-Key: a\r\nIdempotency-Key: a\r\n" E, JT_HEAD_MALFORMED),
    TEXT("9110 8.3", L H "Content-Type: a/b\r\nContent-Type: a/b\r\n" E, JT_HEAD_MALFORMED),
    TEXT("what is ambiguous comes before what is unknown",
         L H "Expect: x\r\nContent-Length: x\r\n" E, JT_HEAD_MALFORMED),
    TEXT("8446 5.1", "\x16\x03\x01\x02", JT_HEAD_TLS),
    TEXT("8446 5.1", "\x16\x04", JT_HEAD_MALFORMED),
};

/* The head as it comes in pieces: `step` bytes more each time. */
static enum jt_head_fault read_in_steps(const char *p, size_t len, size_t first, size_t step,
                                        struct jt_head *head)
{
    size_t scanned = 0, head_len = 0, have = first;
    for (;;) {
        enum jt_head_fault fault = jt_head_scan(p, have, &scanned, &head_len);
        if (fault == JT_HEAD_GOOD) {
            assert_int_equal(head_len, len);
            return jt_head_parse(p, head_len, head);
        }
        if (fault != JT_HEAD_MORE || have == len) {
            return fault;
        }
        have = have + step > len ? len : have + step;
    }
}

static void each_case(void **state)
{
    (void)state;
    struct jt_head head;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum jt_head_fault fault =
            read_in_steps(cases[i].head, cases[i].len, cases[i].len, 1, &head);
        if (fault != cases[i].fault) {
            fail_msg("section %s: %d, not %d: %s", cases[i].section, (int)fault,
                     (int)cases[i].fault, cases[i].head);
        }
    }
}

static void each_case_split_at_every_byte(void **state)
{
    (void)state;
    struct jt_head head;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct a_case *c = &cases[i];
        for (size_t at = 1; at <= c->len; at++) {
            assert_int_equal(read_in_steps(c->head, c->len, at, c->len, &head), c->fault);
        }
        assert_int_equal(read_in_steps(c->head, c->len, 1, 1, &head), c->fault);
    }
}

static void no_head_reads_beyond_its_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t len = 0; len < cases[i].len; len++) {
            size_t scanned = 0, head_len;
            char *copy = test_malloc(len + 1); /* a sanitizer or cmocka's guard notices */
            memcpy(copy, cases[i].head, len);
            (void)jt_head_scan(copy, len, &scanned, &head_len);
            test_free(copy);
        }
    }
}

static bool same(struct jt_slice s, const char *text)
{
    return text == NULL ? s.p == NULL
                        : s.p != NULL && s.len == strlen(text) && memcmp(s.p, text, s.len) == 0;
}

static void what_is_taken_from_a_head(void **state)
{
    (void)state;
    static const char text[] =
        "POST http://b.example:8/v1/x?verbose=1 HTTP/1.1\r\nhost: a\r\nAUTHORIZATION:\tBearer k "
        "\r\n"
        "Content-Type: application/json;\r\nContent-Length: 12 \r\nExpect: 100-continue\r\n"
        "Connection: keep-alive, Close\r\nContent-Encoding: gzip\r\n"
        "idempotency-key: \"k\"\r\n\r\n";
    struct jt_head h;
    assert_int_equal(read_in_steps(text, sizeof text - 1, 1, 1, &h), JT_HEAD_GOOD);
    assert_true(same(h.method, "POST"));
    assert_true(same(h.path, "/v1/x"));
    assert_true(same(h.query, "verbose=1"));
    assert_true(same(h.host, "b.example:8")); /* section 3.2.2: the target's host replaces Host */
    assert_true(same(h.authorization, "Bearer k"));
    assert_true(same(h.idempotency_key, "\"k\""));
    assert_true(same(h.content_type, "application/json;"));
    assert_int_equal(h.content_length, 12);
    assert_true(h.expects_continue && h.close && h.encoded && !h.chunked && !h.http10);

    static const char plain[] = "GET / HTTP/1.0\r\n\r\n";
    assert_int_equal(read_in_steps(plain, sizeof plain - 1, 1, 1, &h), JT_HEAD_GOOD);
    assert_true(same(h.path, "/") && same(h.query, NULL) && same(h.host, NULL) &&
                same(h.authorization, NULL));
    assert_true(h.http10 && h.close && !h.encoded);

    static const char large[] =
        L H "Content-Length: 18446744073709551616\r\nContent-Encoding: identity\r\n" E;
    assert_int_equal(read_in_steps(large, sizeof large - 1, 1, 1, &h), JT_HEAD_GOOD);
    assert_true(h.content_length == UINT64_MAX && !h.encoded && !h.close);
}

static void heads_that_are_too_long(void **state)
{
    (void)state;
    static char text[2 * JT_HEAD_MAX];
    struct jt_head h;
    size_t scanned = 0, head_len;
    memset(text, 'a', sizeof text);
    memcpy(text, "GET /", 5);
    assert_int_equal(jt_head_scan(text, JT_HEAD_LINE_MAX + 1, &scanned, &head_len), JT_HEAD_MORE);
    assert_int_equal(jt_head_scan(text, JT_HEAD_LINE_MAX + 2, &scanned, &head_len),
                     JT_HEAD_LINE_LONG);
    memcpy(text, L "X: ", sizeof L + 2);
    scanned = 0;
    assert_int_equal(jt_head_scan(text, JT_HEAD_MAX - 1, &scanned, &head_len), JT_HEAD_MORE);
    assert_int_equal(jt_head_scan(text, JT_HEAD_MAX, &scanned, &head_len), JT_HEAD_LARGE);
    size_t n = (size_t)snprintf(text, sizeof text, L H);
    for (int i = 1; i < JT_HEAD_FIELDS_MAX; i++) {
        n += (size_t)snprintf(text + n, sizeof text - n, "X-%d: a\r\n", i);
    }
    size_t full = n + (size_t)snprintf(text + n, sizeof text - n, "\r\n");
    assert_int_equal(read_in_steps(text, full, full, 1, &h), JT_HEAD_GOOD);
    n += (size_t)snprintf(text + n, sizeof text - n, "X: a\r\n\r\n");
    assert_int_equal(read_in_steps(text, n, n, 1, &h), JT_HEAD_LARGE);
}

static void the_longest_line_is_taken_however_it_comes(void **state)
{
    (void)state;
    static char text[2 * JT_HEAD_LINE_MAX];
    struct jt_head h;
    for (size_t more = 0; more <= 2; more++) {
        static const char rest[] = " HTTP/1.1\r\n" H "\r\n";
        size_t path_end = JT_HEAD_LINE_MAX + more - (sizeof " HTTP/1.1" - 1);
        size_t len = path_end + sizeof rest - 1;
        enum jt_head_fault expected = more == 0 ? JT_HEAD_GOOD : JT_HEAD_LINE_LONG;
        memset(text, 'a', path_end);
        memcpy(text, "GET /", 5);
        memcpy(text + path_end, rest, sizeof rest);
        assert_int_equal(read_in_steps(text, len, len, 1, &h), expected);
        assert_int_equal(read_in_steps(text, len, 1, 1, &h), expected);
        assert_int_equal(read_in_steps(text, len, JT_HEAD_LINE_MAX + more, 1, &h), expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case),
        cmocka_unit_test(each_case_split_at_every_byte),
        cmocka_unit_test(no_head_reads_beyond_its_bytes),
        cmocka_unit_test(what_is_taken_from_a_head),
        cmocka_unit_test(heads_that_are_too_long),
        cmocka_unit_test(the_longest_line_is_taken_however_it_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

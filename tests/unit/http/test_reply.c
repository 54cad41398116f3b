/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of answers as libmicrohttpd writes them, and what is not as it should be. */
#include "http/reply.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define DATE "Date: Thu, 26 Nov 2026 05:11:12 GMT\r\n"

static void an_answer_split_at_every_byte(void **state)
{
    (void)state;
    static const char text[] = "HTTP/1.1 200 OK\r\n" DATE
                               "Content-Type: application/json\r\nContent-Length: 12\r\n\r\nabc";
    size_t head_len = sizeof text - 1 - 3;
    struct jt_reply_head reply;
    for (size_t len = 0; len < head_len; len++) {
        assert_int_equal(jt_reply_parse(text, len, false, &reply), JT_ERR_NO_HEAD);
    }
    for (size_t len = head_len; len < sizeof text; len++) {
        assert_int_equal(jt_reply_parse(text, len, false, &reply), JT_OK);
        assert_int_equal(reply.status, 200);
        assert_int_equal(reply.line_len, 17);
        assert_int_equal(reply.head_len, head_len);
        assert_int_equal(reply.body_len, 12);
        assert_false(reply.close);
    }
}

static void answers_without_a_body(void **state)
{
    (void)state;
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n",
                      none[] = "HTTP/1.1 204 No Content\r\n" DATE "\r\n",
                      same[] = "HTTP/1.1 304 Not Modified\r\nContent-Length: 12\r\n\r\n";
    struct jt_reply_head reply;
    /* RFC 9112 section 6.3 */
    assert_int_equal(jt_reply_parse(head, sizeof head - 1, true, &reply), JT_OK);
    assert_int_equal(reply.body_len, 0);
    assert_int_equal(jt_reply_parse(none, sizeof none - 1, false, &reply), JT_OK);
    assert_int_equal(reply.body_len, 0);
    assert_int_equal(jt_reply_parse(same, sizeof same - 1, false, &reply), JT_OK);
    assert_int_equal(reply.body_len, 0);
}

static void the_writer_ends_its_connection(void **state)
{
    (void)state;
    static const char text[] = "HTTP/1.1 500 X\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    struct jt_reply_head reply;
    assert_int_equal(jt_reply_parse(text, sizeof text - 1, false, &reply), JT_OK);
    assert_true(reply.close);
}

static void what_is_not_passed_on(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n", /* its end would be the connection's */
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    };
    struct jt_reply_head reply;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (jt_reply_parse(bad[i], strlen(bad[i]), false, &reply) != JT_ERR_PROTOCOL) {
            fail_msg("%s", bad[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_split_at_every_byte),
        cmocka_unit_test(answers_without_a_body),
        cmocka_unit_test(the_writer_ends_its_connection),
        cmocka_unit_test(what_is_not_passed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/course.h"

#include "message.h"
#include "wire/frame.h"
#include "wire/ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum jt_err decode(struct jt_reader *in)
{
    struct jt_course course;
    enum jt_err err = jt_course_decode(in, &course);
    return err == JT_OK ? jt_wire_end(in) : err;
}

static void a_course_comes_back(void **state)
{
    (void)state;
    const struct jt_course sent = {
        UINT64_MAX, 9, UINT64_C(1) << 40, { [1] = 1, [7] = UINT64_MAX, [255] = 3 }
    };
    struct jt_course back;
    struct jt_buf m;
    jt_buf_init(&m, 4096);
    jt_course_encode(&sent, &m);
    assert_int_equal(m.len, 8 + 4 + 8 + 1 + 3 * 9);
    struct jt_reader in = jt_reader_init(m.data, m.len);
    assert_int_equal(jt_course_decode(&in, &back), JT_OK);
    assert_memory_equal(&back, &sent, sizeof sent);
    message_refuses_truncation(&m, decode);
    message_survives_mutation(&m, decode, 5);
    /* not ascending, and a count of nothing */
    m.data[21 + 9] = 1;
    in = jt_reader_init(m.data, m.len);
    assert_int_equal(decode(&in), JT_ERR_PROTOCOL);
    m.data[21 + 9] = 7;
    memset(m.data + 22, 0, 8);
    in = jt_reader_init(m.data, m.len);
    assert_int_equal(decode(&in), JT_ERR_PROTOCOL);
    jt_buf_clear(&m);
}

static void a_ring_is_shown_with_a_course_or_without(void **state)
{
    (void)state;
    static struct jt_ring_shown sent, back;
    struct jt_buf m;
    jt_buf_init(&m, 8192);
    sent.row = (struct jt_ring_row){ .epoch = 4, .body_len = 3, .body = { 1, 2, 3 } };
    for (int i = 0; i < 2; i++) {
        sent.has_course = i == 1;
        sent.course.timeline = i == 1 ? 7 : 0;
        jt_ring_shown_encode(&sent, &m);
        struct jt_reader in = jt_reader_init(m.data, m.len);
        assert_int_equal(jt_ring_shown_decode(&in, &back), JT_OK);
        assert_memory_equal(&back, &sent, sizeof sent);
        in = jt_reader_init(m.data, m.len - 1);
        assert_int_equal(jt_ring_shown_decode(&in, &back), JT_ERR_PROTOCOL);
        jt_buf_reset(&m);
    }
    jt_buf_clear(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_course_comes_back),
        cmocka_unit_test(a_ring_is_shown_with_a_course_or_without),
    };
    return cmocka_run_group_tests_name("wire/course", tests, NULL, NULL);
}

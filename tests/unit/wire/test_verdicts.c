/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/verdicts.h"

#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct jt_node_row nodes[JT_WIRE_MAX_VERDICTS];
static struct jt_generation_row generations[JT_WIRE_MAX_VERDICTS];

static enum jt_err decode_marks(struct jt_reader *in)
{
    size_t n;
    return jt_node_marks_decode(in, nodes, &n);
}

static enum jt_err decode_held(struct jt_reader *in)
{
    size_t n;
    return jt_generation_held_decode(in, generations, &n);
}

static enum jt_err decode_verdicts(struct jt_reader *in)
{
    enum jt_err verdicts[4];
    return jt_verdicts_decode(in, 4, verdicts);
}

static void requests_round_trip(void **state)
{
    (void)state;
    const struct jt_node_row sent[2] = {
        { .spec = { .name = "node-1", .number = 1 }, .id_mark = 77, .mac_epoch = 4 },
        { .spec = { .name = "node-2", .number = 255 }, .id_mark = UINT64_MAX },
    };
    const struct jt_generation_row asked[2] = { { .number = 3, .key_id = 4, .state = 1 },
                                                { .number = 4, .key_id = 5, .state = 4 } };
    size_t n;
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_node_marks_encode(sent, 2, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_node_marks_decode(&in, nodes, &n), JT_OK);
    assert_int_equal(n, 2);
    assert_string_equal(nodes[0].spec.name, "node-1");
    assert_int_equal(nodes[0].id_mark, 77);
    assert_true(nodes[1].id_mark == UINT64_MAX);
    message_refuses_truncation(&b, decode_marks);
    message_survives_mutation(&b, decode_marks, 1);

    jt_buf_reset(&b);
    jt_generation_held_encode(asked, 2, &b);
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_generation_held_decode(&in, generations, &n), JT_OK);
    assert_int_equal(n, 2);
    assert_int_equal(generations[1].number, 4);
    message_refuses_truncation(&b, decode_held);
    message_survives_mutation(&b, decode_held, 2);
    jt_buf_clear(&b);
}

static void more_rows_than_there_can_be_are_refused(void **state)
{
    (void)state;
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    jt_node_marks_encode(nodes, JT_WIRE_MAX_VERDICTS + 1, &b);
    assert_int_equal(jt_buf_status(&b), JT_ERR_LIMIT);
    jt_buf_reset(&b);
    jt_generation_held_encode(generations, JT_WIRE_MAX_VERDICTS + 1, &b);
    assert_int_equal(jt_buf_status(&b), JT_ERR_LIMIT);
    jt_buf_reset(&b);
    jt_buf_u16(&b, JT_WIRE_MAX_VERDICTS + 1);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_marks(&in), JT_ERR_LIMIT);
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_held(&in), JT_ERR_LIMIT);
    jt_buf_clear(&b);
}

static void verdicts_round_trip(void **state)
{
    (void)state;
    const enum jt_err sent[4] = { JT_OK, JT_ERR_FORGED, JT_ERR_KEY_MISSING, JT_ERR_WRONG_STATE };
    enum jt_err back[4];
    struct jt_buf b;
    jt_buf_init(&b, 100);
    jt_verdicts_encode(sent, 4, &b);
    struct jt_reader in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_verdicts_decode(&in, 4, back), JT_OK);
    assert_memory_equal(back, sent, sizeof sent);
    message_refuses_truncation(&b, decode_verdicts);
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(jt_verdicts_decode(&in, 3, back), JT_ERR_PROTOCOL); /* not what was asked */
    b.data[b.len - 1] = JT_ERR_IO;                                       /* not about a row */
    in = jt_reader_init(b.data, b.len);
    assert_int_equal(decode_verdicts(&in), JT_ERR_PROTOCOL);
    jt_buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_round_trip),
        cmocka_unit_test(more_rows_than_there_can_be_are_refused),
        cmocka_unit_test(verdicts_round_trip),
    };
    return cmocka_run_group_tests_name("wire/verdicts", tests, NULL, NULL);
}

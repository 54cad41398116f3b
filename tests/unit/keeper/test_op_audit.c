/* SPDX-License-Identifier: Apache-2.0 */
/* AUDIT_START, AUDIT_LINK, AUDIT_CHECK: heads that only a keeper can make, and says to be right. */
#include "inside.h"

#include "base/hex.h"
#include "keeper/rowmac.h"
#include "wire/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t key[JT_CMAC_KEY_LEN] = { 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                              11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
                                              22, 23, 24, 25, 26, 27, 28, 29, 30, 31 };

static struct jt_audit_link a_link(void)
{
    struct jt_audit_link link = { .start = 0x01020304, .connection = 5, .number = 1 };
    assert_int_equal(
        jt_hex_decode("5c6c0b6ec681e40dba4836c68674ae308add8908304142691b617ee06bc14fdb",
                      sizeof link.digest, link.digest),
        JT_OK);
    return link;
}

static struct jt_audit_end an_end = { .connection = 3, .number = 255 };

static struct jt_audit_start a_start(void)
{
    struct jt_audit_start start = { .id = 0x01020304,
                                    .node = "node1",
                                    .at_us = UINT64_C(1764150000000000),
                                    .predecessor = 9,
                                    .ends = &an_end,
                                    .n_ends = 1 };
    for (uint8_t i = 0; i < 16; i++) {
        start.incarnation[i] = an_end.head[i] = i;
    }
    return start;
}

static void assert_mac(const uint8_t mac[static JT_ROW_MAC_LEN], const char *expected)
{
    char text[2 * JT_ROW_MAC_LEN + 1];
    jt_hex_encode(mac, JT_ROW_MAC_LEN, text);
    assert_string_equal(text, expected);
}

/* The same as in tests/reference/test_audit_trail.py, under a key that is no service root's. */
static void fixed_values(void **state)
{
    (void)state;
    struct jt_root root = { .clock = 0 };
    uint8_t mac[JT_ROW_MAC_LEN];
    const struct jt_audit_link link = a_link();
    const struct jt_audit_start start = a_start();
    struct jt_buf body;
    assert_int_equal(jt_cmac_new(key, &root.audit_mac), JT_OK);
    assert_int_equal(jt_rowmac_audit_link(&root, &link, mac), JT_OK);
    assert_mac(mac, "86de4d15325f225e220900635b0cf529");
    jt_buf_init(&body, 1000);
    jt_audit_start_encode(&start, &body);
    assert_int_equal(jt_rowmac_audit_start(&root, body.data, body.len, mac), JT_OK);
    assert_mac(mac, "5cbf3a8c506e8e1513869e88306560dd");
    jt_buf_clear(&body);
    jt_cmac_free(root.audit_mac);
}

static enum jt_err ask_link(struct inside *in, const struct jt_audit_link *link,
                            struct jt_audit_link_result *out)
{
    struct jt_reader payload;
    jt_audit_link_encode(link, &in->payload);
    enum jt_err err = inside_ask(in, JT_VERB_AUDIT_LINK, &payload);
    return err == JT_OK ? jt_audit_link_result_decode(&payload, out) : err;
}

static void every_part_of_a_link_counts(void **state)
{
    struct inside *in = *state;
    struct jt_audit_link_result head, other;
    struct jt_audit_link changed[5];
    for (size_t i = 0; i < 5; i++) {
        changed[i] = a_link();
    }
    changed[0].start++;
    changed[1].connection++;
    changed[2].number++;
    changed[3].previous[15] ^= 1;
    changed[4].digest[31] ^= 1;
    const struct jt_audit_link link = a_link();
    assert_int_equal(ask_link(in, &link, &head), JT_OK);
    assert_int_equal(ask_link(in, &link, &other), JT_OK);
    assert_memory_equal(&head, &other, sizeof head);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(ask_link(in, &changed[i], &other), JT_OK);
        assert_memory_not_equal(&head, &other, sizeof head);
    }
    changed[0].number = 0;
    assert_int_equal(ask_link(in, &changed[0], &other), JT_ERR_INVALID);
}

static void heads_are_checked_each_by_itself(void **state)
{
    struct inside *in = *state;
    struct jt_audit_claim claims[3] = { { .link = a_link() } };
    struct jt_audit_link_result head;
    struct jt_reader payload;
    bool good[3];
    assert_int_equal(ask_link(in, &claims[0].link, &head), JT_OK);
    memcpy(claims[0].head, head.head, sizeof head.head);
    claims[1] = claims[2] = claims[0];
    claims[1].head[0] ^= 1;
    claims[2].link.number = 0;
    jt_audit_check_encode(claims, 3, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_AUDIT_CHECK, &payload), JT_OK);
    assert_int_equal(jt_audit_check_reply_decode(&payload, 3, good), JT_OK);
    assert_true(good[0]);
    assert_false(good[1]);
    assert_false(good[2]);
}

static void a_start_has_an_id_of_its_own(void **state)
{
    struct inside *in = *state;
    struct jt_audit_start start = a_start();
    struct jt_audit_link_result mac;
    struct jt_reader payload;
    jt_audit_start_encode(&start, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_AUDIT_START, &payload), JT_OK);
    assert_int_equal(jt_audit_link_result_decode(&payload, &mac), JT_OK);
    start.predecessor = start.id;
    jt_audit_start_encode(&start, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_AUDIT_START, &payload), JT_ERR_INVALID);
    start.id = 0;
    jt_audit_start_encode(&start, &in->payload);
    assert_int_equal(inside_ask(in, JT_VERB_AUDIT_START, &payload), JT_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_values),
        cmocka_unit_test_setup_teardown(every_part_of_a_link_counts, inside_setup, inside_teardown),
        cmocka_unit_test_setup_teardown(heads_are_checked_each_by_itself, inside_setup,
                                        inside_teardown),
        cmocka_unit_test_setup_teardown(a_start_has_an_id_of_its_own, inside_setup,
                                        inside_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

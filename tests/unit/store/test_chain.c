/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The digest of a link's rows and what is told outside: fixed values, which the second reader has
 * as well (tests/reference/test_audit_trail.py), and that everything that a row says counts.
 */
#include "base/hex.h"
#include "store/chain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define AT_US UINT64_C(1764150000123456)

static const uint64_t ids[] = { 0x0102030405060708, 0x1112131415161718 };
static const struct jt_origin origin = {
    .request = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
    .source = { 192, 0, 2, 1 },
    .source_len = 4,
};
static const struct jt_audit_row rows[] = {
    { .action = JT_AUDIT_DETOKENIZE,
      .client = "app",
      .field = 7,
      .n_items = 3,
      .n_done = 2,
      .ids = ids,
      .n_ids = 2,
      .object = "",
      .origin = &origin },
    { .action = JT_AUDIT_CLIENT_ADD,
      .n_items = 1,
      .object = "gr\xc3\xbcn",
      .result = JT_ERR_NO_TOKEN },
};

static void assert_hex(const uint8_t *bytes, size_t len, const char *expected)
{
    char text[2 * JT_AUDIT_DIGEST_LEN + 1];
    jt_hex_encode(bytes, len, text);
    assert_string_equal(text, expected);
}

static void fixed_values(void **state)
{
    (void)state;
    uint8_t digest[JT_AUDIT_DIGEST_LEN], running[JT_AUDIT_DIGEST_LEN] = { 0 };
    assert_int_equal(jt_audit_digest(rows, 1, AT_US, digest), JT_OK);
    assert_hex(digest, sizeof digest,
               "bbeac4e5850da0bd568544b2de13b20b093d4b2d7b0fad9ed98fc631627a242e");
    assert_int_equal(jt_audit_digest(rows, 2, AT_US, digest), JT_OK);
    assert_hex(digest, sizeof digest,
               "5c6c0b6ec681e40dba4836c68674ae308add8908304142691b617ee06bc14fdb");
    assert_int_equal(jt_audit_run_on(running, digest, running), JT_OK);
    assert_hex(running, sizeof running,
               "101294dd44837f2d24193cc2b73273092882e4f9243d76a5d6dae396b726673b");
}

static void digest_of(const struct jt_audit_row *row, uint64_t at_us,
                      uint8_t out[static JT_AUDIT_DIGEST_LEN])
{
    assert_int_equal(jt_audit_digest(row, 1, at_us, out), JT_OK);
}

static void everything_that_a_row_says_counts(void **state)
{
    (void)state;
    struct jt_origin elsewhere = origin, other = origin, shorter = origin;
    elsewhere.source[3] ^= 1;
    other.request[15] ^= 1;
    shorter.source_len = 0;
    struct jt_audit_row changed[11];
    for (size_t i = 0; i < 11; i++) {
        changed[i] = rows[0];
    }
    changed[0].action = JT_AUDIT_TOKENIZE;
    changed[1].client = "apq";
    changed[2].field++;
    changed[3].n_items++;
    changed[4].n_done--;
    changed[5].n_ids = 1;
    changed[6].object = "x";
    changed[7].result = JT_ERR_NO_TOKEN;
    changed[8].origin = &elsewhere;
    changed[9].origin = &other;
    changed[10].origin = &shorter;
    uint8_t digest[JT_AUDIT_DIGEST_LEN], of[JT_AUDIT_DIGEST_LEN];
    digest_of(&rows[0], AT_US, digest);
    for (size_t i = 0; i < 11; i++) {
        digest_of(&changed[i], AT_US, of);
        assert_memory_not_equal(of, digest, sizeof of);
    }
    digest_of(&rows[0], AT_US + 1, of);
    assert_memory_not_equal(of, digest, sizeof of);
}

/* An export has no ids, and is verified all the same. */
static void ids_may_be_known_by_their_digest(void **state)
{
    (void)state;
    uint8_t of_ids[JT_AUDIT_DIGEST_LEN], digest[JT_AUDIT_DIGEST_LEN], of[JT_AUDIT_DIGEST_LEN];
    struct jt_audit_row row = rows[0];
    assert_int_equal(jt_audit_ids_digest(&row, of_ids), JT_OK);
    digest_of(&row, AT_US, digest);
    row.ids = NULL;
    row.ids_digest = of_ids;
    digest_of(&row, AT_US, of);
    assert_memory_equal(of, digest, sizeof of);
}

static void texts_that_are_too_long_are_refused(void **state)
{
    (void)state;
    static char client[257];
    memset(client, 'x', sizeof client - 1);
    uint8_t digest[JT_AUDIT_DIGEST_LEN];
    struct jt_audit_row row = { .client = client };
    assert_int_equal(jt_audit_digest(&row, 1, AT_US, digest), JT_ERR_LIMIT);
    client[255] = '\0';
    assert_int_equal(jt_audit_digest(&row, 1, AT_US, digest), JT_OK);
}

static void a_chain_goes_on_from_what_stands(void **state)
{
    (void)state;
    static const uint8_t mac[JT_ROW_MAC_LEN] = { 1, 2, 3 };
    struct jt_chain chain;
    struct jt_link first, again, second;
    jt_chain_begin(&chain, 9, 4, mac);
    assert_int_equal(jt_chain_next(&chain, rows, 2, AT_US, &first), JT_OK);
    assert_int_equal(first.what.start, 9);
    assert_int_equal(first.what.connection, 4);
    assert_int_equal(first.what.number, 1);
    assert_memory_equal(first.what.previous, mac, sizeof mac);
    /* refused: the next one is in its place */
    assert_int_equal(jt_chain_next(&chain, rows, 2, AT_US, &again), JT_OK);
    assert_memory_equal(&again, &first, sizeof first);
    memset(first.head, 7, sizeof first.head);
    jt_chain_stands(&chain, &first);
    assert_int_equal(jt_chain_next(&chain, rows, 2, AT_US - 1, &second), JT_OK);
    assert_int_equal(second.what.number, 2);
    assert_int_equal(second.at_us, AT_US);
    assert_memory_equal(second.what.previous, first.head, sizeof first.head);
    assert_memory_not_equal(second.running, first.running, sizeof first.running);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_values),
        cmocka_unit_test(everything_that_a_row_says_counts),
        cmocka_unit_test(ids_may_be_known_by_their_digest),
        cmocka_unit_test(texts_that_are_too_long_are_refused),
        cmocka_unit_test(a_chain_goes_on_from_what_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

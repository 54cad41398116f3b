/* SPDX-License-Identifier: Apache-2.0 */
/* keeper/masterfile.c: a sealed master key opens with what it was sealed with, and with nothing
 * else.
 */
#include "keeper/masterfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t key[JT_MASTER_KEY_LEN] = "thirty-two bytes of a master key";

static struct jt_masterfile fresh(void)
{
    return (struct jt_masterfile){ .development = true, .check_value = { 1, 2, 3 } };
}

/* Through bytes and back. */
static struct jt_masterfile through_bytes(const struct jt_masterfile *file)
{
    struct jt_masterfile back;
    struct jt_buf bytes;
    jt_buf_init(&bytes, JT_MASTERFILE_MAX);
    jt_masterfile_encode(file, &bytes);
    assert_int_equal(jt_buf_status(&bytes), JT_OK);
    assert_true(jt_masterfile_is(&bytes));
    assert_int_equal(jt_masterfile_decode(&bytes, &back), JT_OK);
    jt_buf_clear(&bytes);
    return back;
}

static void a_passphrase_opens_what_it_has_sealed(void **state)
{
    (void)state;
    struct jt_masterfile file = fresh();
    uint8_t out[JT_MASTER_KEY_LEN];
    static const uint8_t zeroes[JT_MASTER_KEY_LEN];
    assert_int_equal(jt_masterfile_seal_phrase(&file, "too short", key), JT_ERR_INVALID);
    assert_int_equal(jt_masterfile_seal_phrase(&file, "long enough a phrase", key), JT_OK);
    file = through_bytes(&file);
    assert_int_equal(file.method, JT_MASTER_PASSPHRASE);
    assert_int_equal(jt_masterfile_open_phrase(&file, "long enough a phrase", out), JT_OK);
    assert_memory_equal(out, key, sizeof out);
    assert_int_equal(jt_masterfile_open_phrase(&file, "long enough a phrasE", out), JT_ERR_DECRYPT);
    assert_memory_equal(out, zeroes, sizeof out);
    file.check_value[0] ^= 1; /* bound to all that stands before it */
    assert_int_equal(jt_masterfile_open_phrase(&file, "long enough a phrase", out), JT_ERR_DECRYPT);
    file.cost.log_n = 63; /* no cost that a file may ask for */
    assert_int_equal(jt_masterfile_open_phrase(&file, "long enough a phrase", out), JT_ERR_DECRYPT);
}

static void k_shares_open_what_they_were_made_for(void **state)
{
    (void)state;
    struct jt_masterfile file = fresh();
    struct jt_share shares[JT_SHARES_MAX], some[3];
    uint8_t out[JT_MASTER_KEY_LEN];
    assert_int_equal(jt_masterfile_seal_shares(&file, 6, 5, key, shares), JT_ERR_LIMIT);
    assert_int_equal(jt_masterfile_seal_shares(&file, 3, 5, key, shares), JT_OK);
    file = through_bytes(&file);
    assert_int_equal(file.k, 3);
    assert_int_equal(file.n, 5);
    const size_t chosen[][3] = { { 0, 1, 2 }, { 4, 2, 0 }, { 3, 4, 1 } };
    for (size_t c = 0; c < 3; c++) {
        for (size_t i = 0; i < 3; i++) {
            some[i] = shares[chosen[c][i]];
        }
        assert_int_equal(jt_masterfile_open_shares(&file, some, out), JT_OK);
        assert_memory_equal(out, key, sizeof out);
    }
    some[1].y[7] ^= 1;
    assert_int_equal(jt_masterfile_open_shares(&file, some, out), JT_ERR_DECRYPT);
}

static const char secret[] = "01234567890123456789012345678901234567890123456789ag";

static struct jt_masterfile with_box(void)
{
    struct jt_masterfile file = fresh();
    file.box = (struct jt_pkcs11box){ .token = "vault",
                                      .serial = "0123abcd",
                                      .key = "jeton master",
                                      .id_len = 3,
                                      .id = { 7, 8, 9 } };
    memset(file.box.nonce, 0x11, sizeof file.box.nonce);
    memset(file.box.sealed, 0x22, sizeof file.box.sealed);
    return file;
}

static void the_secret_of_a_token_opens_what_it_has_sealed(void **state)
{
    (void)state;
    struct jt_masterfile file = with_box();
    uint8_t out[JT_MASTER_KEY_LEN];
    char other[sizeof secret], longer[sizeof secret + 1];
    snprintf(other, sizeof other, "%s", secret);
    snprintf(longer, sizeof longer, "%s0", secret);
    other[3] = 'z';
    assert_int_equal(jt_masterfile_seal_pkcs11(&file, "short", key), JT_ERR_INVALID);
    assert_int_equal(jt_masterfile_seal_pkcs11(&file, secret, key), JT_OK);
    struct jt_masterfile back = through_bytes(&file);
    assert_int_equal(back.method, JT_MASTER_PKCS11);
    assert_string_equal(back.box.token, "vault");
    assert_string_equal(back.box.serial, "0123abcd");
    assert_string_equal(back.box.key, "jeton master");
    assert_memory_equal(&back.box, &file.box, sizeof file.box);
    assert_int_equal(jt_masterfile_open_pkcs11(&back, secret, out), JT_OK);
    assert_memory_equal(out, key, sizeof out);
    assert_int_equal(jt_masterfile_open_pkcs11(&back, other, out), JT_ERR_DECRYPT);
    assert_int_equal(jt_masterfile_open_pkcs11(&back, longer, out), JT_ERR_INVALID);
    assert_int_equal(jt_masterfile_open_pkcs11(&back, "", out), JT_ERR_INVALID);
}

/* A box as others would write it is refused. */
static void names_of_a_box_are_there_and_can_be_shown(void **state)
{
    (void)state;
    static const char *const bad[][2] = { { "", "key" }, { "token", "" }, { "a\x1b[2J", "key" } };
    for (size_t i = 0; i < 4; i++) {
        struct jt_masterfile file = with_box(), other;
        struct jt_buf bytes;
        if (i < 3) {
            snprintf(file.box.token, sizeof file.box.token, "%s", bad[i][0]);
            snprintf(file.box.key, sizeof file.box.key, "%s", bad[i][1]);
        }
        assert_int_equal(jt_masterfile_seal_pkcs11(&file, secret, key), JT_OK);
        jt_buf_init(&bytes, JT_MASTERFILE_MAX);
        jt_masterfile_encode(&file, &bytes);
        assert_int_equal(jt_masterfile_decode(&bytes, &other), i < 3 ? JT_ERR_FILE_ALTERED : JT_OK);
        bytes.data[20] = JT_PKCS11_TOKEN_MAX + 1;
        assert_int_equal(jt_masterfile_decode(&bytes, &other), JT_ERR_FILE_ALTERED);
        jt_buf_clear(&bytes);
    }
}

/* Whether what was read of an altered file opens; method by method. */
static bool opens(const struct jt_masterfile *file, const struct jt_share *shares)
{
    uint8_t out[JT_MASTER_KEY_LEN];
    return file->method == JT_MASTER_PKCS11 ? jt_masterfile_open_pkcs11(file, secret, out) == JT_OK
                                            : jt_masterfile_open_shares(file, shares, out) == JT_OK;
}

static void refuse_every_flipped_bit(const struct jt_masterfile *file,
                                     const struct jt_share *shares)
{
    struct jt_masterfile other;
    struct jt_buf bytes;
    jt_buf_init(&bytes, JT_MASTERFILE_MAX);
    jt_masterfile_encode(file, &bytes);
    assert_true(opens(file, shares));
    for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
        bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        bool reads = jt_masterfile_decode(&bytes, &other) == JT_OK;
        assert_true(!reads || !opens(&other, shares));
        bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t len = 0; len < bytes.len; len++) {
        const struct jt_buf cut = { .data = bytes.data, .len = len };
        assert_int_equal(jt_masterfile_decode(&cut, &other), JT_ERR_FILE_ALTERED);
    }
    jt_buf_u8(&bytes, 0);
    assert_int_equal(jt_masterfile_decode(&bytes, &other), JT_ERR_FILE_ALTERED);
    jt_buf_clear(&bytes);
}

static void every_flipped_bit_of_a_sealed_file_is_refused(void **state)
{
    (void)state;
    struct jt_masterfile file = fresh();
    struct jt_share shares[JT_SHARES_MAX] = { { 0 } };
    assert_int_equal(jt_masterfile_seal_shares(&file, 2, 2, key, shares), JT_OK);
    refuse_every_flipped_bit(&file, shares);
    file = with_box();
    assert_int_equal(jt_masterfile_seal_pkcs11(&file, secret, key), JT_OK);
    refuse_every_flipped_bit(&file, shares);
}

static void a_share_as_text_is_what_was_given_out_or_refused(void **state)
{
    (void)state;
    struct jt_masterfile file = fresh(), other = fresh();
    struct jt_share shares[JT_SHARES_MAX], others[JT_SHARES_MAX], back;
    char text[JT_SHARE_TEXT_MAX + 1], typed[JT_SHARE_TEXT_MAX + 1];
    assert_int_equal(jt_masterfile_seal_shares(&file, 2, 3, key, shares), JT_OK);
    assert_int_equal(jt_masterfile_seal_shares(&other, 2, 3, key, others), JT_OK);
    assert_int_equal(jt_share_format(&file, &shares[1], text), JT_OK);
    assert_int_equal(strncmp(text, "jks_", 4), 0);
    assert_int_equal(jt_share_parse(&file, text, &back), JT_OK);
    assert_int_equal(back.x, 2);
    assert_memory_equal(back.y, shares[1].y, JT_SHARE_LEN);

    /* as people type */
    size_t n = 0;
    typed[n++] = ' ';
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (text[i] == '-') {
            typed[n++] = ' ';
        } else {
            typed[n++] = text[i] >= 'a' && text[i] <= 'z' ? (char)(text[i] - 'a' + 'A') : text[i];
        }
    }
    typed[n] = '\0';
    assert_int_equal(jt_share_parse(&file, typed, &back), JT_OK);

    /* each letter counts */
    for (size_t i = 0; text[i] != '\0'; i++) {
        char wrong[JT_SHARE_TEXT_MAX + 1];
        memcpy(wrong, text, sizeof wrong);
        wrong[i] = text[i] == 'x' ? 'y' : 'x';
        if (text[i] != '-') {
            assert_int_equal(jt_share_parse(&file, wrong, &back), JT_ERR_NOT_SHARE);
            assert_int_equal(back.x, 0);
        }
    }
    assert_int_equal(jt_share_parse(&file, "", &back), JT_ERR_NOT_SHARE);
    assert_int_equal(jt_share_parse(&file, "jks_", &back), JT_ERR_NOT_SHARE);

    /* of another set, and of this one but never given out */
    assert_int_equal(jt_share_format(&other, &others[1], text), JT_OK);
    assert_int_equal(jt_share_parse(&file, text, &back), JT_ERR_SHARE_OTHER);
    others[1].x = 3;
    assert_int_equal(jt_share_format(&file, &others[1], text), JT_OK);
    assert_int_equal(jt_share_parse(&file, text, &back), JT_ERR_SHARE_OTHER);
    others[1].x = 4;
    assert_int_equal(jt_share_format(&file, &others[1], text), JT_OK);
    assert_int_equal(jt_share_parse(&file, text, &back), JT_ERR_SHARE_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_passphrase_opens_what_it_has_sealed),
        cmocka_unit_test(k_shares_open_what_they_were_made_for),
        cmocka_unit_test(every_flipped_bit_of_a_sealed_file_is_refused),
        cmocka_unit_test(the_secret_of_a_token_opens_what_it_has_sealed),
        cmocka_unit_test(names_of_a_box_are_there_and_can_be_shown),
        cmocka_unit_test(a_share_as_text_is_what_was_given_out_or_refused),
    };
    return cmocka_run_group_tests_name("keeper/masterfile", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* API keys: one text for one credential; everything else is refused. */
#include "vault/credential.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void a_key_reads_back(void **state)
{
    (void)state;
    static const char *const ids[] = { "a", "app", "app-1", "a2345678901234567890123456789012" };
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        struct jt_credential made, read;
        char text[JT_API_KEY_MAX + 1];
        jt_credential_new(ids[i], &made);
        jt_credential_format(&made, text);
        assert_int_equal(jt_credential_parse(text, &read), JT_OK);
        assert_string_equal(read.id, ids[i]);
        assert_memory_equal(read.secret, made.secret, sizeof made.secret);
    }
}

static void two_keys_never_share_a_secret(void **state)
{
    (void)state;
    struct jt_credential a, b;
    jt_credential_new("app", &a);
    jt_credential_new("app", &b);
    assert_memory_not_equal(a.secret, b.secret, sizeof a.secret);
}

static void any_changed_character_is_refused_or_another_key(void **state)
{
    (void)state;
    struct jt_credential made, read;
    char text[JT_API_KEY_MAX + 1], bent[JT_API_KEY_MAX + 1];
    jt_credential_new("app", &made);
    jt_credential_format(&made, text);
    for (size_t i = 0; text[i] != '\0'; i++) {
        memcpy(bent, text, sizeof bent);
        bent[i] = bent[i] == '7' ? '8' : '7';
        if (jt_credential_parse(bent, &read) == JT_OK) {
            assert_true(strcmp(read.id, "app") != 0 ||
                        memcmp(read.secret, made.secret, sizeof read.secret) != 0);
        }
        bent[i] = 'U';
        assert_int_equal(jt_credential_parse(bent, &read), JT_ERR_INVALID);
    }
}

static void malformed_texts_are_refused_and_leave_nothing(void **state)
{
    (void)state;
    struct jt_credential made, read;
    char text[JT_API_KEY_MAX + 1], bent[2 * JT_API_KEY_MAX];
    jt_credential_new("app", &made);
    jt_credential_format(&made, text);
    assert_int_equal(jt_credential_parse("", &read), JT_ERR_INVALID);
    assert_int_equal(jt_credential_parse("jck_", &read), JT_ERR_INVALID);
    snprintf(bent, sizeof bent, "%s0", text);
    assert_int_equal(jt_credential_parse(bent, &read), JT_ERR_INVALID);
    snprintf(bent, sizeof bent, "%.*s", (int)strlen(text) - 1, text);
    assert_int_equal(jt_credential_parse(bent, &read), JT_ERR_INVALID);
    snprintf(bent, sizeof bent, " %s", text);
    assert_int_equal(jt_credential_parse(bent, &read), JT_ERR_INVALID);
    static const struct jt_credential nothing;
    assert_memory_equal(&read, &nothing, sizeof nothing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_reads_back),
        cmocka_unit_test(two_keys_never_share_a_secret),
        cmocka_unit_test(any_changed_character_is_refused_or_another_key),
        cmocka_unit_test(malformed_texts_are_refused_and_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Where a passphrase comes from, what is one, and that a refusal says where it was looked for. */
#include "failing.h"
#include "keeper/phrase.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORDS "a passphrase of the tests"

static char directory[64], path[80];

static int setup(void **state)
{
    (void)state;
    (void)snprintf(directory, sizeof directory, "/tmp/jeton-phrase-XXXXXX");
    assert_non_null(mkdtemp(directory));
    (void)snprintf(path, sizeof path, "%s/phrase", directory);
    unsetenv("CREDENTIALS_DIRECTORY");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(directory);
}

static void put(const void *bytes, size_t len, mode_t mode)
{
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

/* What is refused leaves nothing, and says what it is about. */
static void refused(const char *file, const char *credential, enum jt_err why, const char *told)
{
    struct jt_phrase *phrase;
    struct jt_fault fault = { 0 };
    assert_int_equal(jt_phrase_read(file, credential, &phrase, &fault), why);
    assert_null(phrase);
    if (told != NULL) {
        assert_non_null(strstr(fault.cause, told));
    }
    assert_null(strstr(fault.cause, WORDS));
}

static void is_read(const char *file, const char *credential)
{
    struct jt_phrase *phrase;
    struct jt_fault fault = { 0 };
    assert_int_equal(jt_phrase_read(file, credential, &phrase, &fault), JT_OK);
    assert_string_equal(phrase->text, WORDS);
    jt_phrase_free(phrase);
}

static void the_first_line_is_it_however_it_ends(void **state)
{
    (void)state;
    put(WORDS, strlen(WORDS), 0600);
    is_read(path, "");
    put(WORDS "\n", strlen(WORDS) + 1, 0600);
    is_read(path, "");
    put(WORDS "\r\nanother", strlen(WORDS) + 9, 0600);
    is_read(path, "");
}

static void none_is_asked_for_where_none_is_named(void **state)
{
    (void)state;
    struct jt_phrase *phrase;
    struct jt_fault fault = { 0 };
    assert_int_equal(jt_phrase_read("", "", &phrase, &fault), JT_OK);
    assert_null(phrase);
}

static void a_credential_is_looked_for_where_systemd_puts_it(void **state)
{
    (void)state;
    refused("", "phrase", JT_ERR_NO_FILE, "LoadCredentialEncrypted=phrase");
    setenv("CREDENTIALS_DIRECTORY", directory, 1);
    refused("", "phrase", JT_ERR_NO_FILE, path);
    put(WORDS, strlen(WORDS), 0440); /* as systemd leaves it */
    is_read("", "phrase");
    refused(path, "", JT_ERR_FILE_UNSAFE, path); /* one that an operator names is private */
}

static void what_is_no_passphrase_is_refused(void **state)
{
    (void)state;
    char longest[JT_MASTER_PHRASE_MAX + 2];
    memset(longest, 'x', sizeof longest);
    put(longest, JT_MASTER_PHRASE_MAX + 1, 0600);
    refused(path, "", JT_ERR_INVALID, path);
    put("a passphrase\0of two", 19, 0600);
    refused(path, "", JT_ERR_INVALID, path);
    refused(directory, "", JT_ERR_FILE_UNSAFE, directory);
    static char far[PATH_MAX + 2];
    memset(far, 'x', PATH_MAX + 1);
    refused(far, "", JT_ERR_INVALID, NULL);
    setenv("CREDENTIALS_DIRECTORY", directory, 1);
    refused("", far, JT_ERR_INVALID, NULL);
}

/* An empty line is one: whoever opens the key with it says whether it is right. */
static void an_empty_line_is_read_as_it_is(void **state)
{
    (void)state;
    struct jt_phrase *phrase;
    struct jt_fault fault = { 0 };
    put("\n", 1, 0600);
    assert_int_equal(jt_phrase_read(path, "", &phrase, &fault), JT_OK);
    assert_string_equal(phrase->text, "");
    jt_phrase_free(phrase);
}

static void whatever_fails_is_told_as_that(void **state)
{
    (void)state;
    put(WORDS, strlen(WORDS), 0600);
    for (int number = 0; number < FAILING_MANY; number++) {
        struct jt_phrase *phrase;
        struct jt_fault fault = { 0 };
        failing_from(number);
        enum jt_err err = jt_phrase_read(path, "", &phrase, &fault);
        const char *failed = failing_end();
        if (failed == NULL) {
            assert_int_equal(err, JT_OK);
            assert_true(number > 3);
            jt_phrase_free(phrase);
            return;
        }
        assert_true(failing_says_so(err, failed));
        assert_null(phrase);
        assert_non_null(strstr(fault.cause, path));
    }
    fail_msg("no end");
}

#define HERE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HERE(the_first_line_is_it_however_it_ends),
        HERE(none_is_asked_for_where_none_is_named),
        HERE(a_credential_is_looked_for_where_systemd_puts_it),
        HERE(what_is_no_passphrase_is_refused),
        HERE(an_empty_line_is_read_as_it_is),
        HERE(whatever_fails_is_told_as_that),
    };
    return cmocka_run_group_tests_name("keeper/phrase", tests, NULL, NULL);
}

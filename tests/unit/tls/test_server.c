/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate's files: what is taken, what is refused, and how one follows another. */
#include "fixture.h"

#include <openssl/pem.h>

#include <errno.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct files files;
static struct jt_tls_files paths;
static struct jt_fault fault;

static int set_up(void **state)
{
    (void)state;
    files_make(&files, "first");
    paths = files_of(&files, JT_TLS_CLIENTS_UNASKED);
    fault = (struct jt_fault){ .err = JT_OK };
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    files_remove(&files);
    return 0;
}

static struct jt_tls_server *open_server(void)
{
    struct jt_tls_server *server;
    assert_int_equal(jt_tls_server_new(&paths, &fault, &server), JT_OK);
    return server;
}

static void shows(struct jt_tls_server *server, const char *name)
{
    struct pair p;
    char shown[64];
    pair_open(&p, server, 0, NULL);
    assert_int_equal(pair_shake(&p), 0);
    pair_name(&p, shown);
    assert_string_equal(shown, name);
    pair_close(&p);
}

static void a_certificate_is_shown_and_its_end_known(void **state)
{
    (void)state;
    struct jt_tls_server *server = open_server();
    shows(server, "first");
    int64_t left = jt_tls_server_expires(server) - (int64_t)time(NULL);
    assert_in_range(left, 86400 - 100, 86400);
    jt_tls_server_free(server);
}

static void changed_files_are_shown_to_those_who_come_then(void **state)
{
    (void)state;
    bool changed = true;
    struct jt_tls_server *server = open_server();
    struct pair before;
    pair_open(&before, server, 0, NULL);
    assert_int_equal(pair_shake(&before), 0);
    assert_int_equal(jt_tls_server_reload(server, false, &changed, &fault), JT_OK);
    assert_false(changed); /* the same files */
    files_replace(&files, "second");
    assert_int_equal(jt_tls_server_reload(server, false, &changed, &fault), JT_OK);
    assert_true(changed);
    shows(server, "second");
    char got[JT_TLS_RECORD_MAX];
    assert_int_equal(SSL_write(before.client, "still", 5), 5);
    assert_int_equal(jt_tls_read(before.server, got, sizeof got), 5);
    pair_close(&before);
    jt_tls_server_free(server);
}

static void what_cannot_be_used_changes_nothing_and_is_told_once(void **state)
{
    (void)state;
    bool changed = true;
    struct jt_tls_server *server = open_server();
    FILE *f = fopen(files.certificate, "w");
    assert_true(f != NULL && fputs("no certificate\n", f) >= 0 && fclose(f) == 0);
    assert_int_equal(jt_tls_server_reload(server, false, &changed, &fault), JT_ERR_TLS_FILES);
    assert_false(changed);
    assert_non_null(strstr(fault.cause, files.certificate));
    shows(server, "first");
    jt_fault_clear(&fault);
    assert_int_equal(jt_tls_server_reload(server, false, &changed, &fault), JT_OK);
    assert_false(changed);
    assert_int_equal(jt_tls_server_reload(server, true, &changed, &fault), JT_ERR_TLS_FILES);
    jt_fault_clear(&fault);
    assert_int_equal(unlink(files.key), 0);
    assert_int_equal(jt_tls_server_reload(server, false, &changed, &fault), JT_ERR_NO_FILE);
    shows(server, "first");
    jt_tls_server_free(server);
}

static void a_key_that_is_anothers_is_refused(void **state)
{
    (void)state;
    struct files other;
    struct jt_tls_server *server;
    files_make(&other, "other");
    paths.key = other.key;
    assert_int_equal(jt_tls_server_new(&paths, &fault, &server), JT_ERR_TLS_FILES);
    assert_non_null(strstr(fault.cause, other.key));
    files_remove(&other);
}

static void a_key_that_others_can_read_is_refused(void **state)
{
    (void)state;
    struct jt_tls_server *server;
    assert_int_equal(chmod(files.key, 0640), 0); /* its group may */
    server = open_server();
    jt_tls_server_free(server);
    static const mode_t bad[] = { 0644, 0604, 0660, 0602 };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(chmod(files.key, bad[i]), 0);
        jt_fault_clear(&fault);
        assert_int_equal(jt_tls_server_new(&paths, &fault, &server), JT_ERR_FILE_UNSAFE);
    }
}

static void a_key_with_a_passphrase_is_refused_and_nobody_is_asked(void **state)
{
    (void)state;
    static const unsigned char word[] = "passphrase";
    struct jt_tls_server *server;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    FILE *f = fopen(files.key, "w");
    assert_true(
        f != NULL &&
        PEM_write_PrivateKey(f, key, EVP_aes_128_cbc(), word, sizeof word - 1, NULL, NULL) == 1 &&
        fclose(f) == 0);
    EVP_PKEY_free(key);
    assert_int_equal(jt_tls_server_new(&paths, &fault, &server), JT_ERR_TLS_FILES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_certificate_is_shown_and_its_end_known, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(changed_files_are_shown_to_those_who_come_then, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_used_changes_nothing_and_is_told_once,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_that_is_anothers_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_that_others_can_read_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_with_a_passphrase_is_refused_and_nobody_is_asked,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* cli/endpoint.h: where card numbers and keys may go. */
#include "cli/endpoint.h"
#include "cli/exit.h"
#include "tests/unit/cli/directory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define KEY "jck_app_0000000000000000000000000000000000000000000000000000"

static void secrets_go_over_tls_or_stay_on_the_machine(void **state)
{
    (void)state;
    static const char *const safe[] = { "http://127.0.0.1:8080", "http://127.8.9.10/",
                                        "http://localhost:1",    "http://[::1]:8080",
                                        "https://jeton.example", "https://10.0.0.1:8443/prefix" };
    static const char *const unsafe[] = { "http://jeton.example",
                                          "http://10.0.0.1",
                                          "http://localhost.example",
                                          "http://128.0.0.1",
                                          "http://[::2]",
                                          "ftp://127.0.0.1",
                                          "file:///etc/passwd",
                                          "127.0.0.1:8080",
                                          "",
                                          "http://user:pw@127.0.0.1",
                                          "https://user@jeton.example",
                                          "http://127.0.0.1@evil.example" };
    for (size_t i = 0; i < sizeof safe / sizeof safe[0]; i++) {
        assert_true(jt_endpoint_url_is_safe(safe[i]));
    }
    for (size_t i = 0; i < sizeof unsafe / sizeof unsafe[0]; i++) {
        assert_false(jt_endpoint_url_is_safe(unsafe[i]));
    }
}

static void opening_takes_the_key_from_its_file(void **state)
{
    (void)state;
    directory_write("key", KEY "\n", 0600);
    struct jt_cli cli = { .url = "http://127.0.0.1:8080//", .key_file = directory_path("key") };
    struct jt_endpoint endpoint;
    assert_int_equal(jt_endpoint_open(&cli, &endpoint), JT_EXIT_OK);
    assert_string_equal(endpoint.url, "http://127.0.0.1:8080");
    assert_string_equal(endpoint.headers->data, "Authorization: Bearer " KEY);
    jt_endpoint_clear(&endpoint);
    jt_endpoint_clear(&endpoint);
    cli.key_file = directory_path("missing");
    assert_int_equal(jt_endpoint_open(&cli, &endpoint), JT_EXIT_CONFIG);
    cli.key_file = NULL;
    assert_int_equal(jt_endpoint_open(&cli, &endpoint), JT_EXIT_CONFIG);
    cli.url = "http://jeton.example";
    assert_int_equal(jt_endpoint_open(&cli, &endpoint), JT_EXIT_USAGE);
}

static void only_what_can_recover_is_repeated(void **state)
{
    (void)state;
    assert_true(jt_transfer_may_recover(CURLE_COULDNT_CONNECT));
    assert_false(jt_transfer_may_have_arrived(CURLE_COULDNT_CONNECT));
    assert_true(jt_transfer_may_recover(CURLE_RECV_ERROR));
    assert_true(jt_transfer_may_have_arrived(CURLE_RECV_ERROR));
    assert_true(jt_transfer_may_recover(CURLE_OPERATION_TIMEDOUT));
    assert_false(jt_transfer_may_recover(CURLE_PEER_FAILED_VERIFICATION));
    assert_false(jt_transfer_may_recover(CURLE_URL_MALFORMAT));
    assert_false(jt_transfer_may_recover(CURLE_WRITE_ERROR));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_go_over_tls_or_stay_on_the_machine),
        cmocka_unit_test_setup_teardown(opening_takes_the_key_from_its_file, directory_make,
                                        directory_remove),
        cmocka_unit_test(only_what_can_recover_is_repeated),
    };
    return cmocka_run_group_tests_name("cli/endpoint", tests, NULL, NULL);
}

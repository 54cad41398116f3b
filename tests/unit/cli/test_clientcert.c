/* SPDX-License-Identifier: Apache-2.0 */
/* cli/clientcert.h */
#include "cli/clientcert.h"
#include "tests/unit/cli/directory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Made, and its fingerprint told, by OpenSSL: openssl req -x509, openssl x509 -fingerprint. */
static const char pem[] = "-----BEGIN CERTIFICATE-----\n"
                          "MIIBezCCASGgAwIBAgIUTxAqffNuRKKqLH2/guYskcXXD0IwCgYIKoZIzj0EAwIw\n"
                          "EjEQMA4GA1UEAwwHZXhhbXBsZTAgFw0yNjExMjYxMjQxMDVaGA8yMTI2MTEwMjEy\n"
                          "NDEwNVowEjEQMA4GA1UEAwwHZXhhbXBsZTBZMBMGByqGSM49AgEGCCqGSM49AwEH\n"
                          "A0IABAO4jd4FGOQ8xcT16rfIjrwqfY8HKgLATGIvXamPTMe64KCSgrvaCAL5SvHw\n"
                          "CvBAU9eg3fx4hS7m/fBoFoCQkLejUzBRMB0GA1UdDgQWBBQcY70Wh1Vh9rWwolL/\n"
                          "LBidE9zQszAfBgNVHSMEGDAWgBQcY70Wh1Vh9rWwolL/LBidE9zQszAPBgNVHRMB\n"
                          "Af8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQD3smltOpehxiTxRjrLB9L/bFmx\n"
                          "MWPFhyD4UggCc7Fy6wIgc9BqxPpd1fD+V1PumpNz7QF1e7cpkmupcb7oBDwaYdk=\n"
                          "-----END CERTIFICATE-----\n";
static const char fingerprint[] = "FD:E0:19:9D:33:1A:2B:CE:59:A1:60:56:53:46:4D:E8:"
                                  "1D:73:82:52:40:87:32:C7:3D:BF:EC:AB:3F:66:2C:12";
static const char digest[] = "fde0199d331a2bce59a1605653464de81d738252408732c73dbfecab3f662c12";

static enum jt_err digest_of_file(const char *contents, char out[static JT_CLIENTCERT_TEXT])
{
    directory_write("cert", contents, 0644);
    return jt_clientcert_digest(directory_path("cert"), out);
}

static void a_file_gives_the_digest_that_openssl_tells(void **state)
{
    (void)state;
    char out[JT_CLIENTCERT_TEXT], text[sizeof pem * 2 + 100];
    assert_int_equal(digest_of_file(pem, out), JT_OK);
    assert_string_equal(out, digest);
    /* what openssl writes before it, and the chain after it */
    (void)snprintf(text, sizeof text, "Certificate:\n    Data: x\n%s%s", pem, pem);
    assert_int_equal(digest_of_file(text, out), JT_OK);
    assert_string_equal(out, digest);
    size_t n = 0;
    for (const char *p = pem; *p != '\0'; p++) { /* lines as Windows ends them */
        if (*p == '\n') {
            text[n++] = '\r';
        }
        text[n++] = *p;
    }
    text[n] = '\0';
    assert_int_equal(digest_of_file(text, out), JT_OK);
    assert_string_equal(out, digest);
}

static void a_digest_is_taken_as_openssl_writes_it(void **state)
{
    (void)state;
    char out[JT_CLIENTCERT_TEXT];
    assert_int_equal(jt_clientcert_digest(fingerprint, out), JT_OK);
    assert_string_equal(out, digest);
    assert_int_equal(jt_clientcert_digest(digest, out), JT_OK);
    assert_string_equal(out, digest);
}

/* What is no digest is the name of a file, and there is none of that name. */
static void what_is_no_digest_is_a_file(void **state)
{
    (void)state;
    char out[JT_CLIENTCERT_TEXT], text[sizeof fingerprint + 1];
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(text, sizeof text, "%s", i < 2 ? fingerprint : digest);
        switch (i) {
        case 0: text[2] = '-'; break;
        case 1: text[0] = ':'; break;
        case 2: text[0] = 'g'; break;
        default: text[strlen(text) - 1] = '\0'; break;
        }
        assert_int_equal(jt_clientcert_digest(text, out), JT_ERR_NO_FILE);
    }
    assert_int_equal(jt_clientcert_digest("", out), JT_ERR_NO_FILE);
}

static void files_without_a_certificate_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "no certificate\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n",
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n!AAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    };
    char out[JT_CLIENTCERT_TEXT];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(digest_of_file(bad[i], out), JT_ERR_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_gives_the_digest_that_openssl_tells),
        cmocka_unit_test(a_digest_is_taken_as_openssl_writes_it),
        cmocka_unit_test(what_is_no_digest_is_a_file),
        cmocka_unit_test(files_without_a_certificate_are_refused),
    };
    return cmocka_run_group_tests_name("cli/clientcert", tests, directory_make, directory_remove);
}

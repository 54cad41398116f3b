/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `jeton verify certificate`: the signature of a printed certificate, with the public key alone. It
 * needs no server, no configuration and no key of Jeton's, so that an assessor can do it.
 */
#include "base/base64.h"
#include "cli/exit.h"
#include "cli/options.h"
#include "crypto/sign.h"
#include "model/certificate.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define TITLE      "jeton "
#define TITLE_END  " certificate v1\n"
#define SIGNATURE  "signature: "
#define PUBLIC_KEY "public-key: "

/* As `jeton keys certificate` prints it: the signed text, then a line for each of the two. */
struct printed {
    char text[JT_CERTIFICATE_TEXT_MAX + 1];
    size_t len;
    uint8_t signature[JT_SIGN_LEN];
    uint8_t public_key[JT_SIGN_PUBLIC_LEN];
};

static bool take_base64(const char *line, size_t len, uint8_t *out, size_t size)
{
    size_t n = 0;
    return jt_base64_decode(line, len, out, size, &n) == JT_OK && n == size;
}

/* The line that begins at *p with `name`, and its value; *p goes behind it. */
static bool take_line(const char **p, const char *name, uint8_t *out, size_t size)
{
    size_t name_len = strlen(name);
    const char *end = strchr(*p, '\n');
    if (end == NULL || strncmp(*p, name, name_len) != 0) {
        return false;
    }
    const char *value = *p + name_len;
    bool good = take_base64(value, (size_t)(end - value), out, size);
    *p = end + 1;
    return good;
}

/* Nothing may stand before, between or behind: what is not signed must not look as if it were. */
static bool parse(const char *whole, struct printed *out)
{
    const char *end_of_text = strstr(whole, "\n" SIGNATURE);
    const char *end_of_title = strstr(whole, TITLE_END);
    if (end_of_text == NULL || end_of_title == NULL || strncmp(whole, TITLE, strlen(TITLE)) != 0 ||
        memchr(whole, '\n', (size_t)(end_of_title - whole)) != NULL) {
        return false;
    }
    const char *p = end_of_text + 1;
    out->len = (size_t)(p - whole);
    if (out->len >= sizeof out->text) {
        return false;
    }
    for (size_t i = 0; i < out->len; i++) {
        if ((whole[i] < ' ' && whole[i] != '\n') || whole[i] > '~') {
            return false; /* no certificate has any, and a terminal may obey them */
        }
    }
    memcpy(out->text, whole, out->len);
    out->text[out->len] = '\0';
    return take_line(&p, SIGNATURE, out->signature, sizeof out->signature) &&
           take_line(&p, PUBLIC_KEY, out->public_key, sizeof out->public_key) && *p == '\0';
}

static int read_whole(const char *path, char *out, size_t size)
{
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (f == NULL) {
        jt_complain("%s: %s", path, strerror(errno));
        return JT_EXIT_FAILED;
    }
    size_t len = fread(out, 1, size, f);
    bool failed = ferror(f) != 0;
    if (f != stdin) {
        (void)fclose(f);
    }
    if (failed || len == size || memchr(out, '\0', len) != NULL) {
        jt_complain("%s: %s", path, failed ? "cannot be read" : "is no certificate");
        return JT_EXIT_FAILED;
    }
    out[len] = '\0';
    return JT_EXIT_OK;
}

/* The key that the verifier has from elsewhere; without one the file's own says little. */
static int choose_key(const char *given, const struct printed *c, uint8_t *out)
{
    if (given == NULL) {
        memcpy(out, c->public_key, JT_SIGN_PUBLIC_LEN);
        return JT_EXIT_OK;
    }
    if (!take_base64(given, strlen(given), out, JT_SIGN_PUBLIC_LEN)) {
        jt_complain("--public-key is not 32 bytes in base64");
        return JT_EXIT_USAGE;
    }
    return JT_EXIT_OK;
}

int jt_cmd_verify_certificate(const struct jt_command *self, struct jt_cli *cli, int argc,
                              char **argv)
{
    const char *path = NULL, *given = NULL;
    const struct jt_option options[] = {
        JT_TEXT("public-key", "KEY", &given, "the installation's key, from a place that you trust"),
    };
    struct jt_parse spec = { options, sizeof options / sizeof options[0], &path, 1, 1, 0 };
    static char whole[JT_CERTIFICATE_TEXT_MAX + 1024];
    struct printed certificate;
    uint8_t key[JT_SIGN_PUBLIC_LEN];
    int code = jt_options_parse(self, cli, &spec, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    code = read_whole(path, whole, sizeof whole - 1);
    if (code == JT_EXIT_OK && !parse(whole, &certificate)) {
        jt_complain("%s: not a certificate as it is printed, with its signature and public key",
                    path);
        code = JT_EXIT_FAILED;
    }
    if (code == JT_EXIT_OK) {
        code = choose_key(given, &certificate, key);
    }
    if (code != JT_EXIT_OK) {
        return code;
    }
    if (jt_sign_verify(key, certificate.text, certificate.len, certificate.signature) != JT_OK) {
        jt_complain("%s: THE SIGNATURE IS NOT GOOD: the text was altered, or another key signed it",
                    path);
        return JT_EXIT_FAILED;
    }
    fputs(certificate.text, stdout);
    puts(given != NULL ? "The signature is good."
                       : "The signature is good under the public key that stands in the file. "
                         "Compare that key with the one that you know (--public-key).");
    return JT_EXIT_OK;
}

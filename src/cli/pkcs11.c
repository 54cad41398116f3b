/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pkcs11.h"

#include "base/secmem.h"
#include "cli/exit.h"
#include "cli/subprocess.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ARGUMENTS_MAX 10

static const struct jt_program program = { "jeton-pkcs11", "JETON_PKCS11" };

/* Sends what is asked, to its end, and takes the answer, to its end. */
static bool exchange(int fd, const struct jt_buf *request, uint8_t *answer, size_t max, size_t *len)
{
    ssize_t n = 0;
    /* both are shorter than any socket's buffer */
    if (request->len > 0 && write(fd, request->data, request->len) != (ssize_t)request->len) {
        return false;
    }
    if (shutdown(fd, SHUT_WR) != 0) {
        return false;
    }
    for (*len = 0; *len < max; *len += (size_t)n) {
        n = read(fd, answer + *len, max - *len);
        if (n <= 0) {
            break;
        }
    }
    return n == 0;
}

/* Runs it with the arguments; the first `n` of `arguments` are there. */
static int run(const char *arguments[static ARGUMENTS_MAX], size_t n, const struct jt_buf *request,
               uint8_t *answer, size_t max, size_t *len)
{
    int ends[2];
    char number[16];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        jt_complain("cannot make a socket: %s", strerror(errno));
        return JT_EXIT_FAILED;
    }
    (void)snprintf(number, sizeof number, "%d", ends[1]);
    arguments[n] = "--fd";
    arguments[n + 1] = number;
    arguments[n + 2] = NULL;
    pid_t pid = jt_subprocess_start(&program, (char *const *)arguments, ends[1]);
    close(ends[1]);
    bool answered = pid > 0 && exchange(ends[0], request, answer, max, len);
    close(ends[0]);
    int code = pid > 0 ? jt_subprocess_wait(pid) : JT_EXIT_FAILED;
    if (code == JT_EXIT_OK && !answered) {
        jt_complain("jeton-pkcs11 has not answered");
    } else if (code < 0) {
        jt_complain("jeton-pkcs11 was ended by a signal, or by the token's module");
    }
    return code < 0 || (code == JT_EXIT_OK && !answered) ? JT_EXIT_FAILED : code;
}

/* With a box in front of it, where one is asked for. */
static int take(const uint8_t *answer, size_t len, struct jt_pkcs11box *box,
                char secret[static JT_PKCS11_SECRET_TEXT + 1])
{
    struct jt_reader in = jt_reader_init(answer, len);
    if (box != NULL) {
        jt_pkcs11box_decode(&in, box);
    }
    const uint8_t *bytes = jt_reader_bytes(&in, JT_PKCS11_SECRET_LEN);
    if (!jt_reader_done(&in)) {
        jt_complain("jeton-pkcs11 is another version's");
        return JT_EXIT_FAILED;
    }
    jt_base32_encode(bytes, JT_PKCS11_SECRET_LEN, secret);
    return JT_EXIT_OK;
}

int jt_pkcs11_process_wrap(const char *config, const char *token, const char *key,
                           struct jt_pkcs11box *box, char secret[static JT_PKCS11_SECRET_TEXT + 1])
{
    const char *arguments[ARGUMENTS_MAX] = { "jeton-pkcs11", "--config", config, "--token",
                                             token,          "--key",    key };
    uint8_t answer[JT_PKCS11_BOX_MAX + JT_PKCS11_SECRET_LEN + 1];
    const struct jt_buf nothing = { .data = NULL };
    size_t len = 0;
    int code = run(arguments, 7, &nothing, answer, sizeof answer, &len);
    if (code == JT_EXIT_OK) {
        code = take(answer, len, box, secret);
    }
    jt_wipe(answer, sizeof answer);
    return code;
}

int jt_pkcs11_process_unwrap(const char *config, const struct jt_pkcs11box *box,
                             char secret[static JT_PKCS11_SECRET_TEXT + 1])
{
    const char *arguments[ARGUMENTS_MAX] = { "jeton-pkcs11", "--config", config };
    uint8_t answer[JT_PKCS11_SECRET_LEN + 1];
    struct jt_buf request;
    size_t len = 0;
    jt_buf_init(&request, JT_PKCS11_BOX_MAX);
    jt_pkcs11box_encode(box, &request);
    int code = jt_buf_status(&request) == JT_OK
                   ? run(arguments, 3, &request, answer, sizeof answer, &len)
                   : JT_EXIT_FAILED;
    if (code == JT_EXIT_OK) {
        code = take(answer, len, NULL, secret);
    }
    jt_wipe(answer, sizeof answer);
    jt_buf_clear(&request);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jeton-pkcs11: has a hardware token encrypt or decrypt the secret that opens the master key, and
 * ends. It is a process of its own because a module of PKCS #11 opens files, sockets and devices
 * and starts threads, all of which the keeper must not; and it has no connection to the keeper, and
 * never sees the master key: it speaks with who started it (cli/pkcs11.h), over one socket pair.
 */
#include "base/buf.h"
#include "base/log.h"
#include "base/secmem.h"
#include "cli/exit.h"
#include "cli/secret.h"
#include "options/command_line.h"
#include "pkcs11/acts.h"
#include "pkcs11/bound.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOM_TO_LOCK (64UL << 20) /* a module and its libraries */

struct options {
    struct jt_daemon_settings settings;
    bool make_key;
    const char *token, *key;
    int fd; /* -1: none */
};

/* JT_COMMAND_LINE_GOOD, or the exit code. */
static int parse_options(int argc, char **argv, struct options *o)
{
    const char *fd = NULL;
    const struct jt_daemon_option own[] = {
        { "make-key", NULL, "make a key in the token", NULL, &o->make_key },
        { "token", "LABEL", "the token's label", &o->token, NULL },
        { "key", "LABEL", "the label of the key in it", &o->key, NULL },
        { "fd", "N", "for jeton(1): it is the other end of descriptor N", &fd, NULL },
    };
    const struct jt_daemon self = {
        .name = "jeton-pkcs11",
        .summary = "Speaks with a hardware token, by the module that pkcs11_module in section\n"
                   "[keeper] names. Only --make-key is for people.",
        .options = own,
        .n_options = sizeof own / sizeof own[0],
    };
    *o = (struct options){ .fd = -1 };
    int code = jt_command_line_parse(&self, argc, argv, &o->settings);
    if (code != JT_COMMAND_LINE_GOOD) {
        return code;
    }
    if (fd != NULL) {
        char *end;
        long n = strtol(fd, &end, 10);
        o->fd = end != fd && *end == '\0' && n > STDERR_FILENO && n < 65536 ? (int)n : -1;
    }
    bool named = o->token != NULL && o->key != NULL;
    if (o->make_key == (fd != NULL) || (fd != NULL && o->fd < 0) || (o->make_key && !named) ||
        (o->token == NULL) != (o->key == NULL)) {
        return jt_command_line_refuse(&self, "either --make-key, --token and --key are needed, or "
                                             "--fd");
    }
    if (named && (!jt_pkcs11_name_valid(o->token, JT_PKCS11_TOKEN_MAX) ||
                  !jt_pkcs11_name_valid(o->key, JT_PKCS11_KEY_MAX))) {
        return jt_command_line_refuse(&self, "a token's label has 1 to %d bytes, a key's 1 to %d",
                                      JT_PKCS11_TOKEN_MAX, JT_PKCS11_KEY_MAX);
    }
    return JT_COMMAND_LINE_GOOD;
}

/* Nothing of this process is for others, and it does not outlive who waits for it. */
static void protect(bool is_asked)
{
    jt_secret_protect();
    (void)umask(077);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)jt_secmem_lock_process(ROOM_TO_LOCK); /* what we keep ourselves is locked in any case */
    if (is_asked) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    }
}

/* --- with jeton --- */

static bool receive_box(int fd, struct jt_pkcs11box *box)
{
    uint8_t bytes[JT_PKCS11_BOX_MAX + 1];
    size_t len = 0;
    ssize_t n;
    while ((n = read(fd, bytes + len, sizeof bytes - len)) > 0) {
        len += (size_t)n;
    }
    struct jt_reader in = jt_reader_init(bytes, len);
    jt_pkcs11box_decode(&in, box);
    return n == 0 && jt_reader_done(&in);
}

static int send_all(int fd, const struct jt_buf *out)
{
    size_t at = 0;
    ssize_t n = 0;
    while (jt_buf_status(out) == JT_OK && at < out->len && n >= 0) {
        n = write(fd, out->data + at, out->len - at);
        at += n > 0 ? (size_t)n : 0;
    }
    if (at == 0 || at < out->len) {
        jt_complain("jeton-pkcs11: nobody waits for the answer");
        return JT_EXIT_FAILED;
    }
    return JT_EXIT_OK;
}

/* With --token and --key a new secret: its box and itself. Else the secret that is in a box. */
static int answer(const struct jt_conf *conf, const struct options *o, struct jt_pkcs11_session *s,
                  uint8_t secret[static JT_PKCS11_SECRET_LEN])
{
    struct jt_pkcs11box box;
    struct jt_buf out;
    bool makes = o->token != NULL;
    if (!makes && !receive_box(o->fd, &box)) {
        jt_complain("jeton-pkcs11: what was asked cannot be understood");
        return JT_EXIT_FAILED;
    }
    int code = makes ? jt_pkcs11_session_open(conf, o->token, NULL, false, s)
                     : jt_pkcs11_session_open(conf, box.token, box.serial, false, s);
    if (code == JT_EXIT_OK) {
        code = makes ? jt_pkcs11_wrap(s, o->key, &box, secret) : jt_pkcs11_unwrap(s, &box, secret);
    }
    if (code != JT_EXIT_OK) {
        return code;
    }
    jt_buf_init(&out, JT_PKCS11_BOX_MAX + JT_PKCS11_SECRET_LEN);
    if (makes) {
        jt_pkcs11box_encode(&box, &out);
    }
    jt_buf_put(&out, secret, JT_PKCS11_SECRET_LEN);
    code = send_all(o->fd, &out);
    jt_buf_clear(&out);
    return code;
}

/* --- with people --- */

static int make_key(const struct jt_conf *conf, const struct options *o,
                    struct jt_pkcs11_session *s)
{
    struct jt_pkcs11_key key;
    int code = jt_pkcs11_session_open(conf, o->token, NULL, true, s);
    if (code == JT_EXIT_OK) {
        code = jt_pkcs11_key_make(s, o->key, &key);
    }
    if (code == JT_EXIT_OK) {
        printf("Made the key \"%s\" in the token \"%s\" (serial number %s).\n", o->key, s->token,
               s->serial);
    }
    return code;
}

static int run(const struct jt_conf *conf, const struct options *o)
{
    struct jt_pkcs11_session session = { .is_open = false };
    uint8_t *secret = jt_secmem_alloc(JT_PKCS11_SECRET_LEN);
    if (secret == NULL) {
        jt_complain("out of memory");
        return JT_EXIT_FAILED;
    }
    jt_pkcs11_bound_begin(conf->keeper_pkcs11_timeout);
    int code = o->make_key ? make_key(conf, o, &session) : answer(conf, o, &session, secret);
    jt_pkcs11_session_close(&session);
    jt_secmem_free(secret, JT_PKCS11_SECRET_LEN);
    return code;
}

int main(int argc, char **argv)
{
    struct options o;
    struct jt_conf conf;
    int code = parse_options(argc, argv, &o);
    if (code != JT_COMMAND_LINE_GOOD) {
        return code;
    }
    jt_log_init("jeton-pkcs11", o.settings.log_level);
    (void)signal(SIGPIPE, SIG_IGN);
    code = jt_command_line_configure(&o.settings, &conf);
    if (code != JT_COMMAND_LINE_GOOD) {
        return code;
    }
    if (o.fd >= 0 && fcntl(o.fd, F_SETFD, FD_CLOEXEC) != 0) {
        jt_complain("descriptor %d is not open", o.fd);
        jt_conf_clear(&conf);
        return JT_EXIT_USAGE;
    }
    protect(o.fd >= 0);
    code = run(&conf, &o);
    jt_conf_clear(&conf);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jeton-keeper: the process that holds the keys, and nothing else.
 *
 * Everything is checked before anything is served, and privileges go before keys come:
 * configuration, known-answer tests, the process hardened, memory locked, the directory checked and
 * locked, service root, key files, state file and ring checked against each other, the socket, the
 * system call filter; then it serves. Each step that fails ends the process with one line that says
 * what is wrong.
 */
#include "base/log.h"
#include "crypto/selftest.h"
#include "keeper/keeper.h"
#include "keeper/keydir.h"
#include "keeper/phrase.h"
#include "keeper/sandbox.h"
#include "keeper/server.h"
#include "keeper/supervisor.h"
#include "options/command_line.h"
#include "options/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>

#define GRACE_MIN_S 86400 /* destroy_grace in production */

struct options {
    struct jt_daemon_settings settings;
    bool init;
    bool ceremony;
    int fd; /* -1: serve at the socket's path */
};

/* JT_COMMAND_LINE_GOOD, or the exit code. */
static int parse_options(int argc, char **argv, struct options *o)
{
    const char *fd = NULL;
    const struct jt_daemon_option own[] = {
        { "init", NULL, "make the key directory and a master key in it, then end", NULL, &o->init },
        { "ceremony", NULL, "with --fd: a master key is made, or sealed anew", NULL, &o->ceremony },
        { "fd", "N", "serve the connected socket that is open as descriptor N, then end", &fd,
          NULL },
    };
    const struct jt_daemon keeper = {
        .name = "jeton-keeper",
        .summary =
            "Holds the keys and serves jetond at the socket of section [keeper]. It logs to\n"
            "standard error, and SIGTERM ends it.",
        .options = own,
        .n_options = sizeof own / sizeof own[0],
    };
    *o = (struct options){ .fd = -1 };
    int code = jt_command_line_parse(&keeper, argc, argv, &o->settings);
    if (code == JT_COMMAND_LINE_GOOD && o->ceremony && fd == NULL) {
        return jt_command_line_refuse(&keeper, "--ceremony goes with --fd");
    }
    if (code != JT_COMMAND_LINE_GOOD || fd == NULL) {
        return code;
    }
    char *end;
    long n = strtol(fd, &end, 10);
    if (end == fd || *end != '\0' || n < 0 || n > 65535) {
        return jt_command_line_refuse(&keeper, "--fd must be the number of an open descriptor");
    }
    if (o->init) {
        return jt_command_line_refuse(&keeper, "--init and --fd do not go together");
    }
    o->fd = (int)n;
    return JT_COMMAND_LINE_GOOD;
}

/*
 * A descriptor handed over by whoever started us: it must be a connected Unix stream, and is made
 * non-blocking and private.
 */
static enum jt_err prepare_fd(int fd, struct jt_fault *fault)
{
    struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
    socklen_t len = sizeof peer;
    int type = 0;
    socklen_t type_len = sizeof type;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || getpeername(fd, (struct sockaddr *)&peer, &len) != 0 ||
        peer.ss_family != AF_UNIX || getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) != 0 ||
        type != SOCK_STREAM || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        return jt_fault_set(fault, JT_ERR_INVALID,
                            "descriptor %d is not a connected Unix stream socket", fd);
    }
    return JT_OK;
}

static enum jt_err selftest(struct jt_fault *fault)
{
    const char *failed = "unnamed";
    enum jt_err err = jt_crypto_selftest(&failed);
    if (err != JT_OK) {
        jt_fault_set(fault, err, "known-answer test failed: %s", failed);
    } else {
        jt_log(JT_LOG_DEBUG, "all known-answer tests passed");
    }
    return err;
}

static enum jt_err lock_memory(bool development, bool *locked, struct jt_fault *fault)
{
    enum jt_err err = jt_sandbox_lock_memory(development, locked, fault);
    if (err == JT_OK && !*locked) {
        jt_log(JT_LOG_WARNING,
               "memory cannot be locked (%s): keys may reach swap; allowed for development only",
               strerror(errno));
    }
    return err;
}

static enum jt_err init(const struct jt_conf *conf, struct jt_fault *fault)
{
    bool development = jt_conf_is_development(conf), locked;
    struct jt_phrase *phrase = NULL;
    enum jt_err err = lock_memory(development, &locked, fault);
    if (err == JT_OK) {
        err = jt_phrase_read(conf->keeper_passphrase_file, conf->keeper_passphrase_credential,
                             &phrase, fault);
    }
    if (err == JT_OK && phrase == NULL && !development) {
        err = jt_fault_set(fault, JT_ERR_NOT_OFFERED,
                           "a master key for production is sealed: set passphrase_file or "
                           "passphrase_credential in [keeper], or hold a ceremony (jeton ceremony "
                           "init)");
    }
    if (err == JT_OK) {
        err = jt_keeper_init(conf->keeper_directory, development,
                             phrase != NULL ? phrase->text : NULL, fault);
    }
    if (err == JT_OK) {
        jt_log(JT_LOG_INFO, "made a master key %s in %s",
               phrase != NULL ? "under a passphrase" : "marked development, in the clear,",
               conf->keeper_directory);
    }
    jt_phrase_free(phrase);
    return err;
}

static const char *waits_for(const struct jt_keeper *k)
{
    return k->unsealing == NULL                                ? "no master key yet"
           : k->unsealing->file.method == JT_MASTER_PASSPHRASE ? "sealed until its passphrase comes"
           : k->unsealing->file.method == JT_MASTER_PKCS11
               ? "sealed until its hardware token is asked"
               : "sealed until its shares come";
}

/*
 * The last steps: from here on the keeper is reachable, and then the system call filter closes
 * behind it.
 */
static enum jt_err run(struct jt_keeper *keeper, struct jt_listener *listener, const char *path,
                       int fd, struct jt_fault *fault)
{
    struct jt_keeper_server *server = NULL;
    struct jt_supervisor supervisor;
    bool landlocked = false;
    enum jt_err err = fd >= 0 ? prepare_fd(fd, fault) : jt_listener_open(listener, path, fault);
    if (err != JT_OK) {
        return err;
    }
    jt_supervisor_open(&supervisor);
    err = jt_keeper_server_new(keeper, fd >= 0 ? NULL : listener, &server);
    if (err == JT_OK && fd >= 0) {
        err = jt_keeper_server_adopt(server, fd, true);
    }
    if (err == JT_OK) {
        jt_log(JT_LOG_DEBUG, "closing the sandbox");
        err = jt_sandbox_confine(keeper->dir_fd, fd >= 0 ? -1 : listener->socket.dir_fd,
                                 &landlocked, fault);
    }
    if (err == JT_OK && !landlocked && !jt_sandbox_is_weakened()) {
        jt_log(JT_LOG_WARNING, "this kernel has no Landlock: only the owner and mode of files keep "
                               "the keeper from others");
    }
    if (err == JT_OK) {
        jt_log(JT_LOG_INFO, "serving %s: %s, memory %s, %s, epoch %" PRIu64 ", %zu generation keys",
               fd >= 0 ? "one connection" : path,
               keeper->development ? "development" : "production",
               keeper->locked ? "locked" : "not locked",
               keeper->sealed         ? waits_for(keeper)
               : keeper->root != NULL ? "service root"
                                      : "no service root yet",
               keeper->ring.epoch, jt_keyring_count(keeper->keyring));
        jt_keeper_server_supervised(server, &supervisor);
        jt_supervisor_ready(&supervisor);
        err = jt_keeper_server_run(server);
        jt_supervisor_stopping(&supervisor);
    }
    jt_supervisor_close(&supervisor);
    if (err == JT_OK && jt_keeper_settle(keeper) != JT_OK) {
        jt_log(JT_LOG_WARNING, "the state file could not be brought up to date: the next ids will "
                               "begin ahead of the clock");
    }
    jt_keeper_server_free(server);
    jt_listener_close(listener);
    return err;
}

/* A slip in the configuration is not to cost a key. */
static enum jt_err check_grace(const struct jt_conf *conf, struct jt_fault *fault)
{
    bool good = jt_conf_is_development(conf) || conf->keeper_destroy_grace >= GRACE_MIN_S;
    return good ? JT_OK
                : jt_fault_set(fault, JT_ERR_INVALID,
                               "destroy_grace in [keeper] must be a day or more (%d seconds) in "
                               "production",
                               GRACE_MIN_S);
}

static enum jt_err load(const struct jt_conf *conf, const struct options *o, struct jt_keeper **out,
                        struct jt_fault *fault)
{
    struct jt_phrase *phrase = NULL;
    bool ceremony = o->ceremony;
    /* a credential is there for the service alone: for a command, people give what it would be */
    bool asked = ceremony || (o->fd >= 0 && conf->keeper_passphrase_file[0] == '\0' &&
                              getenv("CREDENTIALS_DIRECTORY") == NULL);
    struct jt_keeper_source source = { .directory = conf->keeper_directory,
                                       .development = jt_conf_is_development(conf),
                                       .ceremony = ceremony };
    enum jt_err err = ceremony ? jt_keydir_make(conf->keeper_directory, fault) : JT_OK;
    if (err == JT_OK && !asked) {
        err = jt_phrase_read(conf->keeper_passphrase_file, conf->keeper_passphrase_credential,
                             &phrase, fault);
    }
    if (err == JT_OK) {
        source.phrase = phrase != NULL ? phrase->text : NULL;
        err = jt_keeper_load(&source, out, fault);
        jt_phrase_free(phrase);
    }
    return err;
}

static enum jt_err serve(const struct jt_conf *conf, struct jt_listener *listener,
                         const struct options *o, struct jt_fault *fault)
{
    bool development = jt_conf_is_development(conf);
    bool locked;
    int fd = o->fd;
    struct jt_keeper *keeper = NULL;
    enum jt_err err = check_grace(conf, fault);
    if (err == JT_OK) {
        err = lock_memory(development, &locked, fault);
    }
    if (err == JT_OK) {
        err = load(conf, o, &keeper, fault);
    }
    if (err == JT_OK) {
        keeper->locked = locked;
        keeper->local = fd >= 0;
        keeper->destructions.grace_s = (uint64_t)conf->keeper_destroy_grace;
        jt_ceiling_set(&keeper->ceiling, (uint64_t)conf->keeper_open_per_second,
                       (uint64_t)conf->keeper_open_per_day);
        jt_log(JT_LOG_DEBUG, "key directory %s is good", conf->keeper_directory);
        err = run(keeper, listener, conf->keeper_socket, fd, fault);
    }
    jt_keeper_free(keeper);
    if (err == JT_OK) {
        jt_log(JT_LOG_INFO, "ended");
    }
    return err;
}

int main(int argc, char **argv)
{
    struct options o;
    int code = parse_options(argc, argv, &o);
    if (code != JT_COMMAND_LINE_GOOD) {
        return code;
    }
    jt_log_init("jeton-keeper", o.settings.log_level);
    jt_log_set_format(o.settings.log_format);
    (void)signal(SIGPIPE, SIG_IGN); /* whoever reads the log may go away; the keeper stays */
    struct jt_conf conf;
    code = jt_command_line_configure(&o.settings, &conf);
    if (code != JT_COMMAND_LINE_GOOD) {
        return code;
    }
    struct jt_fault fault = { 0 };
    char line[JT_FAULT_LINE_LEN];
    struct jt_listener listener;
    enum jt_err err = jt_listener_set_front(&listener, conf.keeper_front_user,
                                            !jt_conf_is_development(&conf), &fault);
    if (err != JT_OK && !o.init) {
        jt_log(JT_LOG_ERROR, "%s", jt_fault_line(&fault, err, line));
        jt_conf_clear(&conf);
        return EX_CONFIG;
    }
    jt_fault_clear(&fault);
    err = jt_sandbox_harden(&fault);
    if (err == JT_OK && jt_sandbox_is_weakened()) {
        jt_log(JT_LOG_WARNING, "built with a sanitizer: dumpable and unfiltered, for tests only");
    }
    if (err == JT_OK) {
        err = selftest(&fault);
    }
    if (err == JT_OK) {
        err = o.init ? init(&conf, &fault) : serve(&conf, &listener, &o, &fault);
    }
    if (err != JT_OK) {
        jt_log(JT_LOG_ERROR, "%s", jt_fault_line(&fault, err, line));
    }
    jt_conf_clear(&conf);
    return err == JT_OK ? EX_OK : EXIT_FAILURE;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper_process.h"

#include "wire/hello.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef KEEPER_PATH
#define KEEPER_PATH "./jeton-keeper"
#endif

static const char *binary(void)
{
    const char *path = getenv("JETON_KEEPER");
    return path != NULL && path[0] != '\0' ? path : KEEPER_PATH;
}

void keeper_configure(struct keeper *k, const char *environment, const char *more)
{
    FILE *f = fopen(k->conf, "we");
    assert_non_null(f);
    fprintf(f, "[jeton]\nenvironment = %s\n[keeper]\ndirectory = %s\nsocket = %s\n%s", environment,
            k->keys, k->socket, more);
    assert_int_equal(fclose(f), 0);
}

void keeper_make(struct keeper *k, const char *environment, const char *more)
{
    *k = (struct keeper){ .log = -1 };
    const char *where = getenv("JETON_TEST_DIR");
    snprintf(k->dir, sizeof k->dir, "%s/jeton-keeper-test-XXXXXX", where == NULL ? "/tmp" : where);
    assert_non_null(mkdtemp(k->dir));
    snprintf(k->keys, sizeof k->keys, "%s/keys", k->dir);
    snprintf(k->conf, sizeof k->conf, "%s/jeton.conf", k->dir);
    snprintf(k->socket, sizeof k->socket, "%s/keeper.sock", k->dir);
    keeper_configure(k, environment, more);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

void keeper_remove(struct keeper *k)
{
    if (k->pid != 0) {
        (void)keeper_stop(k, SIGTERM); /* its clean end is a part of every test */
    }
    if (k->dir[0] != '\0') {
        (void)nftw(k->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
    k->dir[0] = '\0';
}

static void spawn(struct keeper *k, const char *argument)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    /* nobody reads its later words: they must not stop it */
    assert_int_equal(fcntl(ends[1], F_SETFL, O_WRONLY | O_NONBLOCK), 0);
    fflush(NULL);
    k->pid = fork();
    assert_true(k->pid >= 0);
    if (k->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing running */
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        execl(binary(), "jeton-keeper", "--config", k->conf, argument, (char *)NULL);
        dprintf(STDERR_FILENO, "cannot run %s: %s\n", binary(), strerror(errno));
        _exit(127);
    }
    close(ends[1]);
    k->log = ends[0];
    k->output[0] = '\0';
}

/* Reads its words until `word` has come (true) or it has ended (false). */
static bool read_until(struct keeper *k, const char *word)
{
    size_t len = strlen(k->output);
    while (word == NULL || strstr(k->output, word) == NULL) {
        ssize_t n = read(k->log, k->output + len, sizeof k->output - 1 - len);
        if (n <= 0) {
            return false;
        }
        len += (size_t)n;
        k->output[len] = '\0';
    }
    return true;
}

static int finish(struct keeper *k)
{
    int status;
    assert_int_equal(waitpid(k->pid, &status, 0), k->pid);
    close(k->log);
    k->log = -1;
    k->pid = 0;
    return status;
}

int keeper_run(struct keeper *k, const char *argument)
{
    spawn(k, argument);
    (void)read_until(k, NULL);
    int status = finish(k);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void keeper_init(struct keeper *k)
{
    int code = keeper_run(k, "--init");
    if (code != 0) {
        fail_msg("--init failed: %s", k->output);
    }
}

bool keeper_start(struct keeper *k)
{
    spawn(k, NULL);
    if (read_until(k, " serving ")) {
        return true;
    }
    (void)finish(k);
    return false;
}

int keeper_stop(struct keeper *k, int signal)
{
    assert_int_equal(kill(k->pid, signal), 0);
    return finish(k);
}

int keeper_connect(const struct keeper *k)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    memcpy(address.sun_path, k->socket, strlen(k->socket));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    const struct timeval limit = { .tv_sec = 20 };
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit), 0);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

bool keeper_send_bytes(int fd, const void *p, size_t len)
{
    const uint8_t *at = p;
    while (len > 0) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        at += n;
        len -= (size_t)n;
    }
    return true;
}

bool keeper_send(int fd, uint8_t verb, const void *payload, size_t len)
{
    struct jt_buf frame;
    jt_buf_init(&frame, JT_WIRE_MAX_FRAME + 64);
    size_t mark = jt_frame_begin_request(&frame, (enum jt_verb)verb);
    jt_buf_put(&frame, payload, len);
    assert_int_equal(jt_frame_end(&frame, mark), JT_OK);
    bool sent = keeper_send_bytes(fd, frame.data, frame.len);
    jt_buf_clear(&frame);
    return sent;
}

static bool receive_bytes(int fd, void *out, size_t len)
{
    uint8_t *at = out;
    while (len > 0) {
        ssize_t n = recv(fd, at, len, 0);
        if (n <= 0) {
            return false;
        }
        at += n;
        len -= (size_t)n;
    }
    return true;
}

bool keeper_receive(int fd, struct jt_buf *reply, enum jt_err *status, struct jt_reader *payload)
{
    jt_buf_reset(reply);
    uint8_t head[JT_FRAME_LENGTH_BYTES];
    if (!receive_bytes(fd, head, sizeof head)) {
        return false;
    }
    uint32_t length = jt_get_u32(head);
    assert_in_range(length, 3, JT_WIRE_MAX_FRAME);
    uint8_t *p = jt_buf_append(reply, length);
    assert_non_null(p);
    if (!receive_bytes(fd, p, length)) {
        return false;
    }
    *payload = jt_reader_init(p + 1, length - 1);
    assert_int_equal(jt_wire_outcome_decode(payload, status), JT_OK);
    return true;
}

enum jt_err keeper_ask(int fd, uint8_t verb, const struct jt_buf *payload, struct jt_buf *reply,
                       struct jt_reader *out)
{
    enum jt_err status;
    assert_true(keeper_send(fd, verb, payload->data, payload->len));
    assert_true(keeper_receive(fd, reply, &status, out));
    assert_int_equal(reply->data[0], verb);
    return status;
}

int keeper_greet(const struct keeper *k)
{
    int fd = keeper_connect(k);
    assert_true(fd >= 0);
    struct jt_buf hello;
    struct jt_buf reply;
    struct jt_reader in;
    jt_buf_init(&hello, 100);
    jt_buf_init(&reply, 100);
    jt_hello_encode(JT_WIRE_VERSION, &hello);
    assert_int_equal(keeper_ask(fd, JT_VERB_HELLO, &hello, &reply, &in), JT_OK);
    struct jt_hello_reply decoded;
    assert_int_equal(jt_hello_reply_decode(&in, &decoded), JT_OK);
    assert_int_equal(decoded.version, JT_WIRE_VERSION);
    jt_buf_clear(&hello);
    jt_buf_clear(&reply);
    return fd;
}

bool keeper_closed(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, 0);
    return n == 0 || (n < 0 && errno == ECONNRESET);
}

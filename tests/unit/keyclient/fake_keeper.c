/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_keeper.h"

#include "base/buf.h"
#include "wire/frame.h"
#include "wire/hello.h"
#include "wire/open.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static bool receive_frame(int fd, uint8_t *verb)
{
    static uint8_t body[1 << 20];
    uint8_t head[JT_FRAME_LENGTH_BYTES];
    if (recv(fd, head, sizeof head, MSG_WAITALL) != (ssize_t)sizeof head) {
        return false;
    }
    uint32_t len = jt_get_u32(head);
    if (len == 0 || len > sizeof body || recv(fd, body, len, MSG_WAITALL) != (ssize_t)len) {
        return false;
    }
    *verb = body[0];
    return true;
}

static void send_frame(int fd, const struct jt_buf *b, bool byte_by_byte)
{
    size_t step = byte_by_byte ? 1 : b->len;
    for (size_t at = 0; at < b->len; at += step) {
        if (send(fd, b->data + at, step, MSG_NOSIGNAL) < 0) {
            return;
        }
    }
}

static void greet(int fd, enum fake_manner manner)
{
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    struct jt_hello_reply hello = { .version = manner == FAKE_WRONG_VERSION ? JT_WIRE_VERSION + 1
                                                                            : JT_WIRE_VERSION,
                                    .incarnation = { 1 },
                                    .max_frame = JT_WIRE_MAX_FRAME };
    size_t mark = jt_frame_begin_reply(&b, JT_VERB_HELLO);
    jt_hello_reply_encode(&hello, &b);
    if (jt_frame_end(&b, mark) == JT_OK) {
        send_frame(fd, &b, false);
    }
    jt_buf_clear(&b);
}

static void put_open_reply(struct jt_buf *b, uint8_t verb)
{
    static const uint8_t pan[8] = { 0x41 };
    struct jt_open_result result = {
        .err = JT_OK, .value = { .kind = JT_FIELD_PAN, .bytes = pan, .len = sizeof pan }
    };
    struct jt_open_reply reply = { .epoch = 3, .n = 1, .results = &result };
    size_t mark = jt_frame_begin_reply(b, verb);
    jt_open_reply_encode(&reply, b);
    if (jt_frame_end(b, mark) != JT_OK) {
        _exit(3);
    }
}

/* False to close. */
static bool misbehave(int fd, enum fake_manner manner, uint8_t verb)
{
    struct jt_buf b;
    jt_buf_init(&b, 1000);
    switch (manner) {
    case FAKE_WRONG_VERB:
        put_open_reply(&b, verb == JT_VERB_OPEN ? JT_VERB_SEAL : JT_VERB_OPEN);
        break;
    case FAKE_TOO_FEW:
    case FAKE_SLOW_BYTES: put_open_reply(&b, verb); break;
    case FAKE_LONG_FRAME: jt_buf_u32(&b, JT_WIRE_MAX_FRAME + 1); break;
    case FAKE_BAD_STATUS:
        jt_buf_u32(&b, 2);
        jt_buf_u8(&b, verb);
        jt_buf_u8(&b, 200);
        break;
    default: break;
    }
    send_frame(fd, &b, manner == FAKE_SLOW_BYTES);
    jt_buf_clear(&b);
    return manner != FAKE_CLOSES;
}

static void serve(int listening, enum fake_manner manner)
{
    for (;;) {
        int fd = accept(listening, NULL, NULL);
        uint8_t verb;
        bool open = fd >= 0 && receive_frame(fd, &verb);
        if (open && manner != FAKE_NO_GREETING) {
            greet(fd, manner);
        }
        if (open && manner == FAKE_UNASKED) {
            (void)misbehave(fd, FAKE_TOO_FEW, JT_VERB_OPEN);
        }
        while (open && receive_frame(fd, &verb)) {
            open = misbehave(fd, manner, verb);
        }
        close(fd);
    }
}

void fake_start(struct fake_keeper *f, enum fake_manner manner)
{
    snprintf(f->dir, sizeof f->dir, "/tmp/jeton-fake-keeper-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->socket, sizeof f->socket, "%s/s", f->dir);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    memcpy(address.sun_path, f->socket, strlen(f->socket));
    int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(listening >= 0);
    assert_int_equal(bind(listening, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listening, 16), 0);
    fflush(NULL);
    f->pid = fork();
    assert_true(f->pid >= 0);
    if (f->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(listening, manner);
    }
    close(listening);
}

void fake_stop(struct fake_keeper *f)
{
    assert_int_equal(kill(f->pid, SIGKILL), 0);
    assert_int_equal(waitpid(f->pid, NULL, 0), f->pid);
    (void)unlink(f->socket);
    (void)rmdir(f->dir);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "keyclient/internal.h"

#include "base/clock.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define IN_MAX  (JT_FRAME_LENGTH_BYTES + JT_WIRE_MAX_FRAME + (128u << 10))
#define OUT_MAX (64u << 20) /* requests waiting for a slow keeper, and one more */

static enum jt_err make(const char *socket_path, int timeout_ms, struct jt_keyclient **out)
{
    *out = NULL;
    struct jt_keyclient *kc = calloc(1, sizeof *kc);
    if (kc == NULL) {
        return JT_ERR_NOMEM;
    }
    if (socket_path != NULL) {
        size_t len = strlen(socket_path);
        if (len == 0 || len >= sizeof kc->address.sun_path) {
            free(kc);
            return JT_ERR_INVALID;
        }
        kc->address.sun_family = AF_UNIX;
        memcpy(kc->address.sun_path, socket_path, len);
        kc->has_path = true;
    }
    kc->timeout_ms = timeout_ms;
    kc->fault = &kc->own;
    kc->watch.fd = -1;
    kc->kick.fd = -1;
    jt_buf_init(&kc->in, IN_MAX);
    jt_buf_init(&kc->out, OUT_MAX);
    *out = kc;
    return JT_OK;
}

enum jt_err jt_keyclient_new(struct jt_loop *loop, const char *socket_path, int timeout_ms,
                             struct jt_keyclient **out)
{
    enum jt_err err = make(socket_path, timeout_ms, out);
    if (err == JT_OK) {
        (*out)->loop = loop;
        err = jt_kc_async_start(*out);
    }
    if (err != JT_OK) {
        jt_keyclient_free(*out);
        *out = NULL;
    }
    return err;
}

enum jt_err jt_keyclient_open(const char *socket_path, int fd, int timeout_ms,
                              struct jt_keyclient **out)
{
    enum jt_err err = make(fd >= 0 ? NULL : socket_path, timeout_ms, out);
    if (err != JT_OK) {
        return err;
    }
    if (fd >= 0) {
        int flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
            jt_keyclient_free(*out);
            *out = NULL;
            return JT_ERR_IO;
        }
        (*out)->watch.fd = fd;
    }
    /* Not an error: a keeper that is not there now may be there for the first call. */
    (*out)->deadline_ms = jt_clock_ms() + timeout_ms;
    (*out)->ensured = jt_kc_ensure(*out);
    return JT_OK;
}

void jt_keyclient_free(struct jt_keyclient *kc)
{
    if (kc == NULL) {
        return;
    }
    if (kc->loop != NULL) {
        jt_kc_async_stop(kc);
    }
    jt_kc_drop(kc);
    free(kc->results);
    free(kc);
}

bool jt_keyclient_ready(const struct jt_keyclient *kc)
{
    return kc->state == JT_KC_READY;
}

void jt_keyclient_note_into(struct jt_keyclient *kc, struct jt_fault *fault)
{
    kc->fault = fault;
}

const struct jt_fault *jt_keyclient_fault(const struct jt_keyclient *kc)
{
    return kc->fault;
}

const uint8_t *jt_keyclient_incarnation(const struct jt_keyclient *kc)
{
    return kc->incarnation;
}

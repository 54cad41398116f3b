/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Socket pairs to libmicrohttpd, used again and again. Each carries one answer at a time, of
 * whatever client: the door writes a short head, libmicrohttpd asks for the finished request and
 * writes its answer, the door passes it on.
 */
#include "http/conn.h"

#include "base/fault.h"
#include "base/secmem.h"
#include "http/reply.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void free_if_over(struct jt_upstream *u)
{
    if (u->attached || u->watch.fd >= 0) {
        return;
    }
    if (u->request != NULL) {
        u->door->ops->drop(u->door->arg, u->request);
    }
    u->door->n_upstreams--;
    jt_buf_clear(&u->head);
    free(u);
}

static void close_end(struct jt_upstream *u)
{
    int fd = u->watch.fd;
    if (fd >= 0) {
        jt_loop_unwatch(u->door->loop, &u->watch);
        close(fd);
        u->door->fed = true; /* libmicrohttpd has an end to notice */
    }
}

static void take_from(struct jt_upstream **list, struct jt_upstream *u)
{
    while (*list != NULL && *list != u) {
        list = &(*list)->next;
    }
    if (*list != NULL) {
        *list = u->next;
    }
}

void jt_upstream_abandon(struct jt_upstream *u)
{
    u->conn = NULL;
    take_from(&u->door->asked, u);
    close_end(u);
    free_if_over(u);
}

void jt_upstream_closed(struct jt_upstream *u)
{
    u->attached = false;
    free_if_over(u); /* else our end reads the end of the stream, and knows whom to tell */
}

struct jt_charge *jt_upstream_take(struct jt_upstream *u)
{
    struct jt_charge *request = u->request;
    u->request = NULL;
    return request;
}

static void on_upstream(void *arg, uint32_t events)
{
    (void)events;
    struct jt_upstream *u = arg;
    if (u->conn == NULL) { /* an idle one: libmicrohttpd has closed it */
        take_from(&u->door->idle, u);
        jt_upstream_abandon(u);
    } else {
        jt_upstream_read(u);
    }
}

static struct jt_upstream *new_upstream(struct jt_door *door)
{
    int ends[2];
    struct jt_upstream *u =
        door->n_upstreams < door->conf.max_upstreams ? calloc(1, sizeof *u) : NULL;
    if (u == NULL ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
        free(u);
        return NULL;
    }
    u->door = door;
    u->watch = (struct jt_watch){ .fn = on_upstream, .arg = u, .fd = ends[0], .events = EPOLLIN };
    jt_buf_init(&u->head, JT_HEAD_MAX);
    door->n_upstreams++;
    u->attached = true; /* before, for it may be closed within the call */
    bool attached = door->ops->attach(door->arg, ends[1], u);
    if (!attached || jt_loop_watch(door->loop, &u->watch) != JT_OK) {
        u->attached = attached;
        close(ends[0]);
        u->watch.fd = -1;
        free_if_over(u);
        return NULL;
    }
    return u;
}

struct jt_upstream *jt_upstream_get(struct jt_door *door)
{
    struct jt_upstream *u = door->idle;
    if (u == NULL) {
        return new_upstream(door);
    }
    door->idle = u->next;
    u->next = NULL;
    return u;
}

void jt_upstream_ask(struct jt_conn *c)
{
    /*
     * Who asks for what is known already, and the body is here: this says only whether the answer
     * shall have one.
     */
    static const char get[] = "GET / HTTP/1.1\r\nHost: front\r\n\r\n",
                      head[] = "HEAD / HTTP/1.1\r\nHost: front\r\n\r\n";
    struct jt_upstream *u = c->upstream;
    size_t len = c->to_head ? sizeof head - 1 : sizeof get - 1;
    u->request = c->request;
    u->request->conn = NULL;
    c->request = NULL;
    c->state = JT_CONN_RELAY;
    jt_conn_set_deadline(c);
    if (send(u->watch.fd, c->to_head ? head : get, len, MSG_NOSIGNAL) != (ssize_t)len) {
        jt_conn_refuse(c, JT_REFUSE_BROKEN); /* an empty socket takes a head */
        return;
    }
    u->door->fed = true;
    u->next = u->door->asked;
    u->door->asked = u;
}

void jt_door_flush(struct jt_door *door)
{
    while (door->asked != NULL) {
        struct jt_upstream *u = door->asked;
        door->asked = u->next;
        u->next = NULL;
        jt_upstream_read(u);
    }
}

/* --- answers --- */

/* Libmicrohttpd did not do what this program told it to: memory ran out, or it is our fault. */
static void broken(struct jt_conn *c, const char *place)
{
    static struct jt_notice notice = { .what = "an answer was broken off: a fault of Jeton's, or "
                                               "memory ran out" };
    jt_notice(&notice, place);
    jt_conn_refuse(c, JT_REFUSE_BROKEN);
}

/*
 * The head of an answer and what came with it of the body; false: the connection is gone or was
 * refused.
 */
static bool pass_head(struct jt_conn *c, const char *p, size_t len,
                      const struct jt_reply_head *reply)
{
    static const char close_field[] = "Connection: close\r\n";
    bool closing = c->closing || c->door->draining || reply->close;
    struct iovec parts[] = {
        { (void *)p, reply->line_len },
        { (void *)close_field, closing && !reply->close ? sizeof close_field - 1 : 0 },
        { (void *)(p + reply->line_len), len - reply->line_len },
    };
    c->closing = closing;
    c->reply_begun = true;
    c->reply_left = reply->body_len;
    c->reply_left -= len - reply->head_len;
    return jt_conn_write(c, parts, 3);
}

static bool pass(struct jt_conn *c, struct jt_upstream *u, const char *p, size_t len)
{
    if (c->reply_begun) {
        struct iovec part = { (void *)p, len };
        if (len > c->reply_left) {
            broken(c, JT_FAULT_PLACE);
            return false;
        }
        c->reply_left -= len;
        return jt_conn_write(c, &part, 1);
    }
    if (u->head.len > 0) {
        jt_buf_put(&u->head, p, len);
        p = (const char *)u->head.data;
        len = u->head.len;
    }
    struct jt_reply_head reply;
    enum jt_err err = jt_reply_parse(p, len, c->to_head, &reply);
    if (err == JT_ERR_NO_HEAD && jt_buf_status(&u->head) == JT_OK) {
        if (u->head.len == 0) {
            jt_buf_put(&u->head, p, len);
        }
        return true;
    }
    /* An answer to what nobody has taken is libmicrohttpd's own: never passed on. */
    if (err != JT_OK || len - reply.head_len > reply.body_len || u->request != NULL) {
        broken(c, JT_FAULT_PLACE);
        return false;
    }
    bool good = pass_head(c, p, len, &reply);
    jt_buf_reset(&u->head);
    return good;
}

void jt_upstream_read(struct jt_upstream *u)
{
    struct jt_conn *c = u->conn;
    if (c->out.len > 0) {
        jt_loop_set_events(u->door->loop, &u->watch, 0); /* the client first takes what there is */
        return;
    }
    jt_loop_set_events(u->door->loop, &u->watch, EPOLLIN);
    char *scratch = u->door->scratch;
    ssize_t n = recv(u->watch.fd, scratch, JT_SCRATCH_LEN, 0);
    if (n < 0 && errno == EAGAIN) {
        return;
    }
    if (n <= 0) {
        broken(c, JT_FAULT_PLACE);
        return;
    }
    bool good = pass(c, u, scratch, (size_t)n);
    jt_wipe(scratch, (size_t)n);
    if (!good || !c->reply_begun || c->reply_left > 0) {
        return;
    }
    c->upstream = NULL;
    c->reply_begun = false;
    u->conn = NULL;
    u->next = u->door->idle;
    u->door->idle = u;
    jt_conn_answered(c);
}

/*
 * Socket pairs to libmicrohttpd, used again and again: one carries one request at a time, of whatever client. So there are as many as
 * requests under way, not as clients.
 */
#include "http/conn.h"

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

static void take_from_idle(struct jt_upstream *u)
{
    struct jt_upstream **at = &u->door->idle;
    while (*at != NULL && *at != u) {
        at = &(*at)->next;
    }
    if (*at != NULL) {
        *at = u->next;
    }
}

void jt_upstream_abandon(struct jt_upstream *u)
{
    u->conn = NULL;
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
    struct jt_upstream *u = arg;
    struct jt_conn *c = u->conn;
    if (c == NULL) { /* an idle one: libmicrohttpd has closed it */
        take_from_idle(u);
        jt_upstream_abandon(u);
        return;
    }
    if (events & EPOLLOUT) {
        jt_loop_set_events(u->door->loop, &u->watch, EPOLLIN);
        jt_conn_pump(c);
    }
    if (u->conn == c && c->state != JT_CONN_CLOSED && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) {
        jt_upstream_read(u);
    }
}

static struct jt_upstream *new_upstream(struct jt_door *door)
{
    int ends[2];
    struct jt_upstream *u = door->n_upstreams < door->conf.max_upstreams ? calloc(1, sizeof *u) : NULL;
    if (u == NULL || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
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

/* After an answer: for the next request, unless something is left over in it. */
static void give_back(struct jt_upstream *u, bool clean)
{
    struct jt_door *door = u->door;
    u->conn = NULL;
    if (!clean) {
        jt_upstream_abandon(u);
    } else {
        jt_loop_set_events(door->loop, &u->watch, EPOLLIN);
        u->next = door->idle;
        door->idle = u;
    }
    jt_door_serve_queue(door);
}

/* What has been read of the body is counted; false: it was refused. */
static bool count_body(struct jt_conn *c, size_t len)
{
    enum jt_refusal why;
    if (len == 0 || jt_door_charge(c->charge, len, &why)) {
        return true;
    }
    jt_conn_refuse(c, why);
    return false;
}

size_t jt_upstream_feed(struct jt_conn *c, const char *p, size_t len)
{
    struct jt_upstream *u = c->upstream;
    char head[96];
    int head_len = 0;
    len = len < c->body_left ? len : (size_t)c->body_left;
    if ((c->fed && len == 0) || c->charge == NULL || !count_body(c, len)) {
        return 0;
    }
    if (!c->fed) {
        /* Who asks for what is known already: this head says only where the body ends, and whether the answer has one. */
        head_len = snprintf(head, sizeof head, "%s / HTTP/1.1\r\nHost: front\r\nContent-Length: %llu\r\n\r\n",
                            c->to_head ? "HEAD" : "POST", (unsigned long long)c->body_left);
        u->request = c->request;
        c->request = NULL;
        c->fed = true;
    }
    struct iovec parts[] = { { head, (size_t)head_len }, { (void *)p, len } };
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
    ssize_t n = sendmsg(u->watch.fd, &message, MSG_NOSIGNAL);
    u->door->fed = true;
    if (n < head_len && (head_len > 0 || errno != EAGAIN)) {
        jt_conn_refuse(c, JT_REFUSE_BROKEN); /* an empty socket takes a head */
        return 0;
    }
    size_t went = n < 0 ? 0 : (size_t)(n - head_len);
    jt_charge_add(c->charge, -(ssize_t)(len - went)); /* what did not go is counted when it goes */
    c->body_left -= went;
    if (went < len) {
        jt_loop_set_events(u->door->loop, &u->watch, EPOLLIN | EPOLLOUT);
    }
    return went;
}

/* --- answers --- */

static void broken(struct jt_conn *c)
{
    jt_conn_refuse(c, JT_REFUSE_BROKEN);
}

/* The head of an answer and what came with it of the body; false: the connection is gone or was refused. */
static bool pass_head(struct jt_conn *c, const char *p, size_t len, const struct jt_reply *reply)
{
    static const char close_field[] = "Connection: close\r\n";
    bool closing = c->closing || c->door->stopping || reply->close;
    struct iovec parts[] = {
        { (void *)p, reply->line_len },
        { (void *)close_field, closing && !reply->close ? sizeof close_field - 1 : 0 },
        { (void *)(p + reply->line_len), len - reply->line_len },
    };
    c->closing = closing;
    c->reply_begun = true;
    jt_conn_start_answer(c);
    c->reply_left = reply->body_len;
    c->reply_left -= len - reply->head_len;
    return jt_conn_write(c, parts, 3);
}

static bool pass(struct jt_conn *c, struct jt_upstream *u, const char *p, size_t len)
{
    if (c->reply_begun) {
        struct iovec part = { (void *)p, len };
        if (len > c->reply_left) {
            broken(c);
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
    struct jt_reply reply;
    enum jt_err err = jt_reply_parse(p, len, c->to_head, &reply);
    if (err == JT_ERR_NOT_FOUND && jt_buf_status(&u->head) == JT_OK) {
        if (u->head.len == 0) {
            jt_buf_put(&u->head, p, len);
        }
        return true;
    }
    /* An answer to what nobody has taken, or before all of it was sent, is libmicrohttpd's own: never passed on. */
    if (err != JT_OK || len - reply.head_len > reply.body_len || u->request != NULL || c->body_left > 0) {
        broken(c);
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
    jt_loop_set_events(u->door->loop, &u->watch, EPOLLIN | (u->watch.events & EPOLLOUT));
    char *scratch = u->door->scratch;
    ssize_t n = recv(u->watch.fd, scratch, JT_SCRATCH_LEN, 0);
    if (n < 0 && errno == EAGAIN) {
        return;
    }
    if (n <= 0) {
        broken(c);
        return;
    }
    bool good = pass(c, u, scratch, (size_t)n);
    jt_wipe(scratch, (size_t)n);
    if (!good || !c->reply_begun || c->reply_left > 0) {
        return;
    }
    c->upstream = NULL;
    c->reply_begun = false;
    if (c->charge != NULL) {
        c->charge->conn = NULL;
        c->charge = NULL;
    }
    give_back(u, true);
    jt_conn_answered(c);
}

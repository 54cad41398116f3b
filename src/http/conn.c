#include "http/conn.h"

#include "base/clock.h"
#include "base/secmem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define IDLE_MS 60000 /* without a byte of a request */
#define HEAD_MS 15000 /* for a head, from its first byte */
#define REQUEST_MS 65000 /* for the body, and then for the answer to be fetched */
#define LINGER_MS 5000
#define LINGER_BYTES (64u << 20) /* a client that is told 413 goes on for a while */
#define DRAIN_AT_ONCE (1u << 20)
#define SKIP_MAX 65536 /* an unwanted body of at most this is read and dropped, and the connection lives on */
#define OUT_MAX (JT_SCRATCH_LEN * 2)
#define BLANKS_MAX 4

static struct jt_notice hello = { .what = "TLS was spoken to the plain port" };
static struct jt_notice malformed = { .what = "requests with a malformed head were refused" };
static struct jt_notice timed_out = { .what = "requests that did not arrive in time were refused" };

void jt_conn_move(struct jt_conn *c, struct jt_door_list *list)
{
    if (c->list != NULL) {
        *(c->previous == NULL ? &c->list->first : &c->previous->next) = c->next;
        *(c->next == NULL ? &c->list->last : &c->next->previous) = c->previous;
    }
    c->list = list;
    c->next = NULL;
    c->previous = list == NULL ? NULL : list->last;
    if (list != NULL) {
        *(list->last == NULL ? &list->first : &list->last->next) = c;
        list->last = c;
    }
}

/* --- what is read and what is watched --- */

static bool wants_input(const struct jt_conn *c)
{
    switch (c->state) {
    case JT_CONN_HEAD:
    case JT_CONN_BODY:
    case JT_CONN_LINGER: return true;
    default: return false;
    }
}

/*
 * Input that nobody wants yet stays in the socket. It is unwatched only when it shows itself, so that a client that sends one request
 * at a time costs no call for it.
 */
static void watch_input(struct jt_conn *c)
{
    uint32_t out = c->out.len > 0 ? EPOLLOUT : 0;
    jt_loop_set_events(c->door->loop, &c->watch, out | (wants_input(c) ? EPOLLIN : 0));
}

static void release_in(struct jt_conn *c)
{
    c->door->held -= c->in.len;
    jt_buf_clear(&c->in);
}

static void leave_queue(struct jt_conn *c)
{
    struct jt_conn *before = NULL;
    for (struct jt_conn *q = c->door->queue; q != NULL; before = q, q = q->queue_next) {
        if (q == c) {
            *(before == NULL ? &c->door->queue : &before->queue_next) = c->queue_next;
            if (c->door->queue_last == c) {
                c->door->queue_last = before;
            }
            return;
        }
    }
}

/* Lets go of the request, wherever it has come. */
static void forget_request(struct jt_conn *c)
{
    struct jt_charge *request = c->request;
    c->request = NULL;
    if (request != NULL) {
        request->conn = NULL;
    }
    if (c->state == JT_CONN_QUEUED) {
        leave_queue(c);
    }
    if (c->state == JT_CONN_BODY || c->state == JT_CONN_QUEUED) {
        c->door->ops->drop(c->door->arg, request);
    }
    if (c->upstream != NULL) {
        jt_upstream_abandon(c->upstream);
        c->upstream = NULL;
    }
    c->reply_begun = false;
}

void jt_conn_close(struct jt_conn *c)
{
    if (c->state == JT_CONN_CLOSED) {
        return;
    }
    jt_loop_unwatch(c->door->loop, &c->watch);
    forget_request(c);
    c->state = JT_CONN_CLOSED;
    close(c->stream.fd);
    release_in(c);
    jt_buf_clear(&c->out);
    c->address->n_connections--;
    jt_accounts_put(&c->door->addresses, c->address);
    jt_conn_move(c, NULL);
    c->door->n_connections--;
    atomic_fetch_sub(&c->door->shared->n_open, 1);
    c->queue_next = c->door->dead; /* callers up the stack may still look at it */
    c->door->dead = c;
}

/* --- the end of an answer --- */

static void linger(struct jt_conn *c)
{
    /* RFC 9112 section 9.6: closing over unread input would make the client's kernel throw the answer away. */
    c->stream.kind->end(&c->stream);
    c->state = JT_CONN_LINGER;
    c->due_ms = jt_clock_ms() + LINGER_MS;
    c->drained = 0;
    release_in(c);
    jt_conn_move(c, &c->door->strangers);
    watch_input(c);
}

static void drain(struct jt_conn *c)
{
    /* tcp(7): with MSG_TRUNC the bytes are thrown away without being copied. */
    ssize_t n = recv(c->stream.fd, NULL, DRAIN_AT_ONCE, MSG_TRUNC);
    if (n > 0) {
        c->drained += (uint64_t)n;
    }
    if ((n <= 0 && errno != EAGAIN) || n == 0 || c->drained > LINGER_BYTES) {
        jt_conn_close(c);
    }
}

static void finish(struct jt_conn *c)
{
    if (c->closing || c->door->stopping) {
        linger(c);
        return;
    }
    c->state = JT_CONN_HEAD;
    c->due_ms = jt_clock_ms() + IDLE_MS;
    jt_conn_move(c, c->known ? &c->door->known : &c->door->strangers);
    jt_conn_pump(c);
}

void jt_conn_answered(struct jt_conn *c)
{
    c->state = JT_CONN_ANSWERING;
    if (c->out.len == 0) {
        finish(c);
    }
}

bool jt_conn_write(struct jt_conn *c, const struct iovec *parts, int n_parts)
{
    ssize_t n = c->out.len > 0 ? 0 : c->stream.kind->write(&c->stream, parts, n_parts);
    if (n < 0 && errno != EAGAIN) {
        jt_conn_close(c);
        return false;
    }
    size_t skip = n < 0 ? 0 : (size_t)n;
    for (int i = 0; i < n_parts; i++) {
        size_t len = parts[i].iov_len, from = skip < len ? skip : len;
        skip -= from;
        jt_buf_put(&c->out, (const char *)parts[i].iov_base + from, len - from);
    }
    if (jt_buf_status(&c->out) != JT_OK) {
        jt_conn_close(c);
        return false;
    }
    if (c->out.len > 0) {
        watch_input(c);
    }
    return true;
}

void jt_conn_start_answer(struct jt_conn *c)
{
    c->due_ms = jt_clock_ms() + REQUEST_MS;
}

static void on_writable(struct jt_conn *c)
{
    struct iovec part = { c->out.data, c->out.len };
    ssize_t n = c->stream.kind->write(&c->stream, &part, 1);
    if (n < 0 && errno != EAGAIN) {
        jt_conn_close(c);
        return;
    }
    if (n > 0) {
        jt_buf_consume(&c->out, (size_t)n);
    }
    if (c->out.len > 0) {
        return;
    }
    jt_buf_clear(&c->out);
    watch_input(c);
    if (c->state == JT_CONN_ANSWERING) {
        finish(c);
    } else if (c->upstream != NULL) {
        jt_upstream_read(c->upstream);
    }
}

/* --- refusals --- */

static const char *phrase(int status)
{
    switch (status) {
    case 400: return "Bad Request";
    case 408: return "Request Timeout";
    case 414: return "URI Too Long";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    default: return "Internal Server Error";
    }
}

static void count_refusal(struct jt_conn *c, enum jt_refusal why)
{
    struct jt_door_shared *shared = c->door->shared;
    char peer[JT_PEER_TEXT];
    jt_account_peer(c->address, peer);
    switch (why) {
    case JT_REFUSE_BUDGET: /* told where the account is known */
    case JT_REFUSE_MEMORY:
    case JT_REFUSE_BROKEN: break;
    case JT_REFUSE_TIMEOUT:
        atomic_fetch_add(&shared->requests_timed_out, 1);
        jt_notice(&timed_out, peer);
        break;
    default:
        atomic_fetch_add(&shared->requests_malformed, 1);
        jt_notice(&malformed, peer);
    }
}

void jt_conn_refuse(struct jt_conn *c, enum jt_refusal why)
{
    count_refusal(c, why);
    if (c->reply_begun) {
        jt_conn_close(c); /* half an answer is out: only the end of the connection tells that it is none */
        return;
    }
    forget_request(c);
    struct jt_buf body;
    jt_buf_init(&body, 4096);
    int status = c->door->ops->problem(why, &body);
    char date[40], head[400];
    time_t now = time(NULL);
    struct tm tm;
    gmtime_r(&now, &tm);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &tm); /* RFC 9110 section 5.6.7; the locale is C */
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 %d %s\r\nDate: %s\r\nConnection: close\r\n%sContent-Type: application/problem+json\r\n"
                     "Cache-Control: no-store\r\nContent-Length: %zu\r\n\r\n",
                     status, phrase(status), date, status == 503 || status == 429 ? "Retry-After: 1\r\n" : "",
                     body.len);
    c->closing = true;
    c->state = JT_CONN_ANSWERING;
    c->due_ms = jt_clock_ms() + REQUEST_MS;
    jt_conn_move(c, &c->door->busy);
    struct iovec parts[] = { { head, (size_t)n }, { body.data, c->to_head ? 0 : body.len } };
    if (jt_buf_status(&body) != JT_OK) {
        jt_conn_close(c);
    } else if (jt_conn_write(c, parts, 2)) {
        jt_conn_answered(c);
    }
    jt_buf_clear(&body);
}

static enum jt_refusal refusal_of(enum jt_head_fault fault)
{
    switch (fault) {
    case JT_HEAD_LINE_LONG: return JT_REFUSE_TARGET_LONG;
    case JT_HEAD_LARGE: return JT_REFUSE_HEAD_LARGE;
    case JT_HEAD_VERSION: return JT_REFUSE_VERSION;
    case JT_HEAD_CODING: return JT_REFUSE_CODING;
    case JT_HEAD_EXPECTATION: return JT_REFUSE_EXPECTATION;
    default: return JT_REFUSE_MALFORMED;
    }
}

/* --- requests --- */

static void begin(struct jt_conn *c, const struct jt_head *head)
{
    c->closing = head->close;
    c->to_head = head->method.len == 4 && memcmp(head->method.p, "HEAD", 4) == 0;
    c->expects = head->expects_continue;
    c->chunked = head->chunked;
    c->body_left = head->content_length;
    c->due_ms = jt_clock_ms() + REQUEST_MS;
    c->state = JT_CONN_JUDGED;
    c->door->began = true;
    jt_conn_move(c, &c->door->busy);
    if (!c->door->ops->begin(c->door->arg, c, head)) {
        jt_conn_refuse(c, JT_REFUSE_MEMORY);
    }
}

void jt_charge_open(struct jt_charge *charge, struct jt_conn *c)
{
    *charge = (struct jt_charge){ .door = c->door, .conn = c, .address = c->address };
    c->address->refs++;
    c->request = charge;
}

static void complete(struct jt_conn *c)
{
    c->state = JT_CONN_WORKING;
    c->door->ops->complete(c->door->arg, c->request);
}

void jt_door_take_body(struct jt_charge *request, const char *client)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct jt_conn *c = request->conn;
    c->state = JT_CONN_BODY;
    c->known |= client != NULL;
    request->client = client == NULL ? NULL : jt_accounts_get(&c->door->clients, client, strlen(client));
    if (c->expects && c->body_left > 0) { /* RFC 9110 section 10.1.1 */
        struct iovec part = { (void *)go_on, sizeof go_on - 1 };
        if (!jt_conn_write(c, &part, 1)) {
            return;
        }
    }
    if (c->body_left == 0) {
        complete(c);
    } else {
        jt_conn_pump(c);
    }
}

/* A short one is read and dropped; a long one ends the connection, and so does one of which nobody knows whether it will come. */
void jt_door_give_up_body(struct jt_charge *request)
{
    struct jt_conn *c = request->conn;
    if (c->chunked || c->body_left > SKIP_MAX || (c->expects && c->body_left > 0)) {
        c->closing = true;
    } else {
        c->skip = c->body_left;
    }
    c->body_left = 0;
    c->state = JT_CONN_WORKING;
}

void jt_door_answer(struct jt_charge *request)
{
    struct jt_conn *c = request->conn;
    struct jt_door *door = c->door;
    c->state = JT_CONN_QUEUED;
    c->queue_next = NULL;
    *(door->queue_last == NULL ? &door->queue : &door->queue_last->queue_next) = c;
    door->queue_last = c;
    jt_door_serve_queue(door);
}

/* What `p` holds of the body; the bytes that are done with. */
static size_t take_body(struct jt_conn *c, const char *p, size_t len)
{
    enum jt_refusal why;
    len = len < c->body_left ? len : (size_t)c->body_left;
    if (len == 0) {
        return 0;
    }
    if (!jt_door_charge(c->request, len, &why)) {
        jt_conn_refuse(c, why);
        return 0;
    }
    c->body_left -= len;
    c->door->ops->body(c->door->arg, c->request, p, len);
    if (c->body_left == 0) {
        complete(c);
    }
    return len;
}

/* What `p` holds of a head, or of a body that is dropped; the bytes that are done with. */
static size_t take_head(struct jt_conn *c, const char *p, size_t len)
{
    if (c->skip > 0) {
        size_t n = len < c->skip ? len : (size_t)c->skip;
        c->skip -= n;
        return n;
    }
    if (len >= 2 && p[0] == '\r' && p[1] == '\n' && c->n_blank < BLANKS_MAX) { /* RFC 9112 section 2.2 */
        c->n_blank++;
        c->scanned = 0;
        return 2;
    }
    size_t head_len = 0;
    struct jt_head head;
    enum jt_head_fault fault = jt_head_scan(p, len, &c->scanned, &head_len);
    if (fault == JT_HEAD_MORE) {
        return 0;
    }
    c->scanned = 0;
    c->n_blank = 0;
    c->to_head = false;
    if (fault == JT_HEAD_TLS) {
        char peer[JT_PEER_TEXT];
        jt_account_peer(c->address, peer);
        atomic_fetch_add(&c->door->shared->tls_hellos, 1);
        jt_notice(&hello, peer);
        jt_conn_close(c);
        return len;
    }
    if (fault == JT_HEAD_GOOD) {
        fault = jt_head_parse(p, head_len, &head);
    }
    if (fault != JT_HEAD_GOOD) {
        jt_conn_refuse(c, refusal_of(fault));
        return len;
    }
    if (head.host.p != NULL && !jt_host_permitted(c->door->conf.hosts, head.host)) {
        jt_conn_refuse(c, JT_REFUSE_MISDIRECTED); /* RFC 9110 section 15.5.20 */
        return len;
    }
    begin(c, &head);
    return head_len;
}

/* As much of the input as can be used now. */
static size_t consume(struct jt_conn *c, const char *p, size_t len)
{
    size_t used = 0;
    c->consuming = true;
    for (;;) {
        enum jt_conn_state before = c->state;
        size_t n = 0;
        if (c->state == JT_CONN_HEAD && len > used) {
            n = take_head(c, p + used, len - used);
        } else if (c->state == JT_CONN_BODY) {
            n = take_body(c, p + used, len - used);
        } else if (c->state >= JT_CONN_ANSWERING && c->closing) {
            n = len - used; /* of an ended conversation */
        }
        used += n;
        if (n == 0 && c->state == before) {
            break;
        }
    }
    c->consuming = false;
    return used;
}

/* What cannot be used yet is kept. The share of unfinished heads is small: who has waited longest makes room. */
static void hold(struct jt_conn *c, const char *p, size_t len)
{
    if (c->in.len == 0 && c->state == JT_CONN_HEAD) {
        c->due_ms = jt_clock_ms() + HEAD_MS;
    }
    jt_buf_put(&c->in, p, len);
    c->door->held += len;
    if (jt_buf_status(&c->in) != JT_OK) {
        c->door->held -= len;
        jt_conn_close(c);
    }
}

static void take(struct jt_conn *c, const char *p, size_t len)
{
    if (c->in.len == 0) {
        size_t used = consume(c, p, len);
        if (used < len && c->state != JT_CONN_CLOSED) {
            hold(c, p + used, len - used);
        }
        return;
    }
    hold(c, p, len);
    if (c->state != JT_CONN_CLOSED) {
        jt_conn_pump(c);
    }
}

void jt_conn_pump(struct jt_conn *c)
{
    if (c->consuming || c->state == JT_CONN_CLOSED) {
        return;
    }
    size_t used = consume(c, (const char *)c->in.data, c->in.len);
    if (c->state == JT_CONN_CLOSED) {
        return;
    }
    used = used < c->in.len ? used : c->in.len;
    if (used > 0) {
        jt_buf_consume(&c->in, used);
        c->door->held -= used;
    }
    if (c->in.len == 0 && c->in.cap > 0) {
        jt_buf_clear(&c->in);
    }
    watch_input(c);
}

/* --- events --- */

static void on_end(struct jt_conn *c)
{
    if (c->state == JT_CONN_HEAD && c->in.len > 0) {
        jt_conn_refuse(c, JT_REFUSE_MALFORMED); /* half a head, and no more will come */
    } else {
        jt_conn_close(c);
    }
}

static void on_readable(struct jt_conn *c)
{
    if (c->state == JT_CONN_LINGER) {
        drain(c);
        return;
    }
    if (!wants_input(c)) {
        watch_input(c);
        return;
    }
    char *scratch = c->door->scratch;
    size_t room = c->state == JT_CONN_BODY ? JT_SCRATCH_LEN : JT_HEAD_MAX;
    ssize_t n = c->stream.kind->read(&c->stream, scratch, room);
    if (n > 0) {
        take(c, scratch, (size_t)n);
        jt_wipe(scratch, (size_t)n);
        while (c->door->held > JT_HELD_MAX && jt_door_evict(c->door, NULL, c)) {
        }
    } else if (n == 0) {
        on_end(c);
    } else if (errno != EAGAIN) {
        jt_conn_close(c);
    }
}

static void on_client(void *arg, uint32_t events)
{
    struct jt_conn *c = arg;
    if (events & EPOLLOUT) {
        on_writable(c);
    }
    if (c->state != JT_CONN_CLOSED && (events & EPOLLIN)) {
        on_readable(c);
    } else if (c->state != JT_CONN_CLOSED && (events & (EPOLLHUP | EPOLLERR))) {
        jt_conn_close(c);
    }
}

void jt_conn_expire(struct jt_conn *c, int64_t now_ms)
{
    if (now_ms < c->due_ms) {
        return;
    }
    switch (c->state) {
    case JT_CONN_HEAD:
        if (c->in.len > 0) {
            jt_conn_refuse(c, JT_REFUSE_TIMEOUT);
        } else {
            jt_conn_close(c);
        }
        break;
    case JT_CONN_BODY: jt_conn_refuse(c, JT_REFUSE_TIMEOUT); break;
    case JT_CONN_RELAY: /* the answer is not fetched */
    case JT_CONN_ANSWERING:
    case JT_CONN_LINGER: jt_conn_close(c); break;
    default: break; /* the service is at work, with deadlines of its own */
    }
}

struct jt_conn *jt_conn_new(struct jt_door *door, int fd, struct jt_account *address)
{
    struct jt_conn *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return NULL;
    }
    c->door = door;
    c->stream = (struct jt_stream){ .kind = &jt_stream_plain, .fd = fd };
    c->watch = (struct jt_watch){ .fn = on_client, .arg = c, .fd = fd, .events = EPOLLIN };
    if (jt_loop_watch(door->loop, &c->watch) != JT_OK) {
        free(c);
        return NULL;
    }
    c->address = address;
    c->due_ms = jt_clock_ms() + IDLE_MS;
    jt_buf_init(&c->in, 2 * JT_SCRATCH_LEN);
    jt_buf_init(&c->out, OUT_MAX);
    jt_conn_move(c, &door->strangers);
    return c;
}

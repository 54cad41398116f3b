/* SPDX-License-Identifier: Apache-2.0 */
/* What comes in on a connection: heads and bodies, and what is due after each. */
#include "http/conn.h"

#include <string.h>

/* an unwanted body of at most this is read and dropped, and the connection lives on */
#define SKIP_MAX   65536
#define BLANKS_MAX 4

static struct jt_notice hello = { .what = "TLS was spoken to the plain port" };

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

static void begin(struct jt_conn *c, const struct jt_head *head)
{
    c->closing = head->close;
    c->to_head = head->method.len == 4 && memcmp(head->method.p, "HEAD", 4) == 0;
    c->expects = head->expects_continue;
    c->chunked = head->chunked;
    c->chunks = (struct jt_chunks){ 0 };
    c->body_left = head->content_length;
    jt_conn_set_deadline(c);
    c->state = JT_CONN_JUDGED;
    c->door->began = true;
    jt_conn_move(c, &c->door->busy);
    if (!c->door->ops->begin(c->door->arg, c, head)) {
        jt_conn_refuse(c, JT_REFUSE_MEMORY);
    }
}

void jt_charge_open(struct jt_charge *charge, struct jt_conn *c, size_t max_bytes)
{
    *charge = (struct jt_charge){
        .door = c->door, .conn = c, .address = c->address, .max_bytes = max_bytes
    };
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
    request->client =
        client == NULL ? NULL : jt_accounts_get(&c->door->clients, client, strlen(client));
    bool any = c->body_left > 0 || c->chunked;
    if (c->expects && any) { /* RFC 9110 section 10.1.1 */
        struct iovec part = { (void *)go_on, sizeof go_on - 1 };
        if (!jt_conn_write(c, &part, 1)) {
            return;
        }
    }
    if (!any) {
        complete(c);
    } else {
        jt_conn_pump(c);
    }
}

/*
 * A short one is read and dropped; a long one ends the connection, and so does one of which
 * nobody knows whether it will come.
 */
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

/* Passes a piece of the body on. False: there is no room for it, and the request is refused. */
static bool give(struct jt_conn *c, const char *p, size_t len)
{
    enum jt_refusal why;
    if (!jt_door_charge(c->request, len, &why)) {
        jt_conn_refuse(c, why);
        return false;
    }
    c->door->ops->body(c->door->arg, c->request, p, len);
    return true;
}

/* A chunk says how long it is before it comes. */
static bool chunk_fits(const struct jt_conn *c)
{
    const struct jt_charge *request = c->request;
    return c->chunks.left <= request->max_bytes - request->bytes;
}

/* What `p` holds of a body in chunks; the bytes that are done with. */
static size_t take_chunks(struct jt_conn *c, const char *p, size_t len)
{
    struct jt_slice data;
    size_t used = 0;
    enum jt_chunks_step step;
    while ((step = jt_chunks_read(&c->chunks, p, len, &used, &data)) == JT_CHUNKS_GIVE) {
        if (data.len == 0 && !chunk_fits(c)) {
            jt_conn_refuse(c, JT_REFUSE_BODY_LARGE);
            return used;
        }
        if (data.len > 0 && !give(c, data.p, data.len)) {
            return used;
        }
    }
    if (step == JT_CHUNKS_BAD) {
        jt_conn_refuse(c, JT_REFUSE_MALFORMED);
    } else if (step == JT_CHUNKS_END) {
        complete(c);
    }
    return used;
}

/* What `p` holds of the body; the bytes that are done with. */
static size_t take_body(struct jt_conn *c, const char *p, size_t len)
{
    if (c->chunked) {
        return take_chunks(c, p, len);
    }
    len = len < c->body_left ? len : (size_t)c->body_left;
    if (len == 0 || !give(c, p, len)) {
        return 0;
    }
    c->body_left -= len;
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
    /* RFC 9112 section 2.2 */
    if (len >= 2 && p[0] == '\r' && p[1] == '\n' && c->n_blank < BLANKS_MAX) {
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
    /* also where the rest of the line is malformed: RFC 9110 section 9.3.2 */
    c->to_head = len >= 5 && memcmp(p, "HEAD ", 5) == 0;
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

size_t jt_conn_consume(struct jt_conn *c, const char *p, size_t len)
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

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One client's connection: a state for what is due next, and what is held meanwhile. Private to
 * src/http.
 *
 *   HEAD        until a head is complete; a good one goes to
 *   JUDGED      the owner finds out who asks; a wanted body goes through
 *   BODY        until it is complete, an unwanted one straight on to
 *   WORKING     the owner makes the answer
 *   QUEUED      the answer waits for an upstream
 *   RELAY       it is read from there and written to the client
 *   ANSWERING   all of it is read, some not yet written; then HEAD again, or
 *   LINGER      nothing more is written, and what still comes is thrown away, until CLOSED
 *
 * A bad head, a spent budget and a time-out go straight to ANSWERING.
 */
#ifndef JETON_HTTP_CONN_H
#define JETON_HTTP_CONN_H

#include "http/chunks.h"
#include "http/door.h"
#include "http/stream.h"

#define JT_SCRATCH_LEN 65536
#define JT_HELD_MAX    (16u << 20) /* bytes of unfinished heads, of all connections of a loop */

enum jt_conn_state {
    JT_CONN_HEAD,
    JT_CONN_JUDGED, /* the owner has the request */
    JT_CONN_BODY,
    JT_CONN_WORKING, /* the owner has it again */
    JT_CONN_QUEUED,  /* for an upstream */
    JT_CONN_RELAY,
    JT_CONN_ANSWERING,
    JT_CONN_LINGER,
    JT_CONN_CLOSED,
};

struct jt_conn {
    struct jt_conn *next, *previous, *queue_next;
    struct jt_door_list *list;
    struct jt_door *door;
    struct jt_stream stream;
    struct jt_watch watch;
    struct jt_account *address;
    enum jt_conn_state state;
    bool shook;        /* no handshake is due any more */
    struct jt_buf in;  /* what was read and cannot be passed on yet */
    struct jt_buf out; /* what was to be written and the client does not take yet */
    size_t scanned;    /* of `in`, or of the bytes at hand */
    int n_blank;       /* empty lines before this head */
    int64_t due_ms;

    /* the present request */
    bool known;   /* a request of this connection had a good key */
    bool closing; /* the connection ends after this answer */
    bool to_head, expects, chunked;
    bool consuming; /* the input is being looked at: who changes the state need not */
    uint64_t body_left, skip;
    struct jt_chunks chunks; /* where the body is in them, if it comes so */
    struct jt_charge *request;
    struct jt_upstream *upstream;
    bool reply_begun;
    uint64_t reply_left;
    uint64_t drained;
};

struct jt_upstream {
    struct jt_upstream *next; /* of idle or asked ones */
    struct jt_door *door;
    struct jt_conn *conn;      /* whose request it carries */
    struct jt_charge *request; /* until libmicrohttpd takes it */
    struct jt_watch watch;     /* our end */
    struct jt_buf head;        /* of an answer that came in pieces */
    bool attached;             /* libmicrohttpd has its end */
};

/* conn.c */
/* NULL: `fd` and the account's reference are still the caller's. */
struct jt_conn *jt_conn_new(struct jt_door *door, int fd, struct jt_tls_server *tls,
                            struct jt_account *address);
void jt_conn_close(struct jt_conn *c);
/* Looks at what is held, and reads on. */
void jt_conn_pump(struct jt_conn *c);
/* Bytes of an answer; what the client does not take now waits. False: the connection is gone. */
bool jt_conn_write(struct jt_conn *c, const struct iovec *parts, int n_parts);
/* A request or an answer begins: its time starts. */
void jt_conn_set_deadline(struct jt_conn *c);
/* Takes a request that has come already; a connection without one is closed. */
void jt_conn_read_last(struct jt_conn *c);
/* Lets go of the request, wherever it has come. */
void jt_conn_forget(struct jt_conn *c);
/* The whole answer is written or waits to be. */
void jt_conn_answered(struct jt_conn *c);
/* The client's address as text. */
void jt_account_peer(const struct jt_account *address, char out[JT_PEER_TEXT]);
void jt_conn_expire(struct jt_conn *c, int64_t now_ms);
/* Moves to another list of the door, to its end; NULL: none. */
void jt_conn_move(struct jt_conn *c, struct jt_door_list *list);

/* intake.c */
/* Uses as much of the input as can be used now; the bytes that are done with. */
size_t jt_conn_consume(struct jt_conn *c, const char *p, size_t len);

/* refuse.c */
void jt_conn_refuse(struct jt_conn *c, enum jt_refusal why);

/* upstream.c */
/* One that is free or new; NULL when all are in use. */
struct jt_upstream *jt_upstream_get(struct jt_door *door);
/* Asks libmicrohttpd for the answer. */
void jt_upstream_ask(struct jt_conn *c);
/* Closes our end: what libmicrohttpd still does for the request reaches nobody. */
void jt_upstream_abandon(struct jt_upstream *u);
void jt_upstream_read(struct jt_upstream *u);

/* door.c */
/*
 * Closes the connection that has waited longest, of `address` or (NULL) of anybody, but not
 * `spared`; false: there is none.
 */
bool jt_door_evict(struct jt_door *door, const struct jt_account *address,
                   const struct jt_conn *spared);
/* Counts bytes of the request's body. False with the reason: no room. */
bool jt_door_charge(struct jt_charge *charge, size_t len, enum jt_refusal *why);
/* Gives waiting connections what has become free. */
void jt_door_serve_queue(struct jt_door *door);

#endif

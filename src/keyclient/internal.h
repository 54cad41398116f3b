/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the keyclient: one struct for both uses, and what its files share. Nobody else includes
 * this.
 */
#ifndef JETON_KEYCLIENT_INTERNAL_H
#define JETON_KEYCLIENT_INTERNAL_H

#include "keyclient/keyclient.h"
#include "wire/frame.h"

#include <sys/un.h>

enum jt_kc_state {
    JT_KC_DOWN,     /* no socket */
    JT_KC_GREETING, /* connected, HELLO not answered yet */
    JT_KC_READY,
};

struct jt_kc_call;

/*
 * Calls the caller of the verb back: with `err`, or else with the payload decoded.
 * JT_ERR_PROTOCOL: the payload was nonsense (it did call back).
 */
typedef enum jt_err jt_kc_answer_fn(struct jt_kc_call *call, enum jt_err err,
                                    struct jt_reader *payload);

/*
 * One outstanding asynchronous call, in the order of the calls: the head of what batch.c keeps of
 * it. It is freed after its answer.
 */
struct jt_kc_call {
    struct jt_kc_call *next;
    uint8_t verb;
    /* not JT_OK: nothing will come for it, answer with this when its turn comes */
    enum jt_err failed;
    int64_t deadline_ms, began_us;
    jt_kc_answer_fn *answer;
    void *arg; /* the caller's */
    size_t n;  /* items asked */
};

struct jt_keyclient {
    struct sockaddr_un address;
    bool has_path;               /* false: cannot be connected again */
    struct jt_fault own, *fault; /* where failures are noted: `own` unless the owner has one */
    int timeout_ms;
    enum jt_kc_state state;
    uint8_t incarnation[JT_INCARNATION_LEN];
    size_t max_frame;      /* that the keeper takes */
    struct jt_watch watch; /* its fd is the connection in both uses; -1: none */
    struct jt_buf in, out;
    size_t sent; /* of out */

    /* asynchronous use */
    struct jt_loop *loop; /* NULL: synchronous use */
    struct jt_watch kick; /* an eventfd: calls that have failed already wait for the loop */
    struct jt_kc_call *first, *last;
    size_t n_calls;
    struct jt_histogram *us; /* of answered calls; NULL: nobody measures */
    int64_t retry_at_ms;
    int retry_after_ms;
    int64_t greeting_deadline_ms;
    uint64_t flushed_round; /* of the loop, when what had been queued was sent */

    /* synchronous use */
    void *results;       /* of the last batch verb */
    int64_t deadline_ms; /* of the present call */
    size_t mark;         /* where its request begins in out */
    enum jt_err ensured; /* how connecting for the present call went */
};

/* --- connection.c: the same for both uses --- */

/* A non-blocking socket connected to the address, or -1. */
int jt_kc_connect(struct jt_keyclient *kc);

/* Closes the socket and forgets everything that came or was to go over it. */
void jt_kc_drop(struct jt_keyclient *kc);

/* Appends the HELLO request. */
enum jt_err jt_kc_put_hello(struct jt_buf *out) JT_CHECKED;

/*
 * Takes the HELLO reply: JT_KC_READY on JT_OK. JT_ERR_PROTOCOL for anything else than a keeper of
 * our version.
 */
enum jt_err jt_kc_take_hello(struct jt_keyclient *kc, const struct jt_frame *frame) JT_CHECKED;

/*
 * The status of a reply to `verb` and, for JT_OK, a reader over what follows it. JT_ERR_PROTOCOL
 * when it is no reply to that verb: the connection must be closed.
 */
enum jt_err jt_kc_open_reply(const struct jt_frame *frame, uint8_t verb, enum jt_err *status,
                             struct jt_reader *payload) JT_CHECKED;

/*
 * Sends from out until all has gone or the socket is full. JT_ERR_KEEPER_AWAY when the connection
 * is gone.
 */
enum jt_err jt_kc_send_some(struct jt_keyclient *kc) JT_CHECKED;

#define JT_KC_READ_AT_ONCE 65536

/*
 * Receives into in; *n is 0 when there is nothing now, and less than JT_KC_READ_AT_ONCE when that
 * was all. JT_ERR_KEEPER_AWAY when the connection is gone.
 */
enum jt_err jt_kc_receive_some(struct jt_keyclient *kc, size_t *n) JT_CHECKED;

/* --- async.c --- */

enum jt_err jt_kc_async_start(struct jt_keyclient *kc) JT_CHECKED;
void jt_kc_async_stop(struct jt_keyclient *kc);

/* JT_OK when a request of `n` items may be encoded now. */
enum jt_err jt_kc_may_send(const struct jt_keyclient *kc, size_t n) JT_CHECKED;

/* Queues the call; `err` is how encoding its request went. Never calls back. */
void jt_kc_call_queue(struct jt_keyclient *kc, struct jt_kc_call *call, enum jt_err err);

/* --- sync.c --- */

/* Connects and says hello within deadline_ms; JT_OK at once when that stands already. */
enum jt_err jt_kc_ensure(struct jt_keyclient *kc) JT_CHECKED;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request and its answer, as HTTP knows them: bytes of the body, and what is to be sent.
 *
 * Whoever knows the routes embeds a struct jt_exchange in its own request and serves it by the
 * functions of struct jt_server_ops (http/server.h). Life: begin() makes it with jt_exchange_open
 * when a head is in. Its owner decides what can be decided without the body, and calls
 * jt_exchange_admit, at once or later. If the answer is known by then, it goes out and the body is
 * never taken; else the body gathers in `body`, and start() is called once it is complete. The
 * answer is put into `answer`, at once or later, and jt_exchange_answered called exactly once; it
 * goes out after the round. Where the client is gone before, the exchange lives on until its owner
 * has answered. free() is the end, never within a call of the owner's but jt_exchange_admit.
 *
 * Everything happens in the thread of the server's loop. Body and answer are wiped when freed.
 */
#ifndef JETON_HTTP_EXCHANGE_H
#define JETON_HTTP_EXCHANGE_H

#include "http/answer.h"
#include "http/door.h"
#include "http/host.h"
#include "http/stream.h"

struct jt_server;
struct MHD_Connection;

struct jt_exchange {
    struct jt_charge charge; /* the door knows the exchange by it */
    struct jt_server *server;
    struct jt_exchange *next; /* of those whose answers go out after this round */
    bool admitted;            /* the verdict is given: the answer goes out by itself */
    struct jt_buf body;
    struct jt_http_answer answer;
    bool certified; /* its connection's other end owns the certificate `peer` */
    struct jt_stream_peer peer;
};

/* Binds a zeroed exchange to its connection; within begin(). */
void jt_exchange_open(struct jt_exchange *x, struct jt_conn *conn, size_t max_body);

/* Wipes and lets go of everything; within free(). */
void jt_exchange_clear(struct jt_exchange *x);

/*
 * The verdict: `client` (NULL: anybody) pays for the body; or, when the exchange is answered
 * already, the body is not taken. The exchange may be gone when it returns.
 */
void jt_exchange_admit(struct jt_exchange *x, const char *client);

/* `answer` is complete. */
void jt_exchange_answered(struct jt_exchange *x);

/*
 * What is at the other end of the connection, as the bytes of an IPv4 or IPv6 address, 4 or 16 of
 * them; none: it is a Unix socket.
 */
struct jt_slice jt_exchange_address(const struct jt_exchange *x);

/*
 * The SHA-256 of the certificate that the client's end of the connection has proven to own, if it
 * is good now; NULL: there is none. Also when the connection is gone.
 */
const uint8_t *jt_exchange_certificate(const struct jt_exchange *x);

/* For http/server.c: hands the finished answer to libmicrohttpd. False: it cannot. */
bool jt_exchange_send(struct jt_exchange *x, struct MHD_Connection *connection);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serving: one thread, one event loop, a bounded number of connections with bounded buffers.
 *
 * Each connection has its requests answered in order. While replies wait in a full socket nothing
 * more is read from it, so that a peer that does not read its replies costs one buffer and no time.
 * A malformed frame is answered with a status of JT_ERR_PROTOCOL where its verb is known, and its
 * connection closed; the others do not notice.
 *
 * What a peer can hold is bounded in time and bytes. A connection that has not said hello after
 * JT_SERVER_HELLO_MS is closed, and when all places are taken the oldest of those gives its place
 * to the next one. So is one whose frame is not whole JT_SERVER_FRAME_MS after its first byte, or
 * that reads nothing of its replies for JT_SERVER_REPLY_MS. All buffers together hold
 * JT_SERVER_MAX_HELD bytes: whoever would need more takes them from the connection that is stuck in
 * this way for the longest time. After JT_SERVER_TURN_MS of work a connection that has more
 * requests waits until all others had their turn. A listener that cannot accept for want of
 * descriptors rests until a connection is closed, or a quarter of a second. What strangers can
 * cause is logged once in ten seconds at most.
 */
#ifndef JETON_KEEPER_SERVER_H
#define JETON_KEEPER_SERVER_H

#include "keeper/keeper.h"
#include "keeper/listener.h"

/* when none of them is ungreeted, further ones are closed at once */
#define JT_SERVER_MAX_CONNECTIONS 128
#define JT_SERVER_HELLO_MS        2000
#define JT_SERVER_FRAME_MS        5000
#define JT_SERVER_TURN_MS         20
#define JT_SERVER_REPLY_MS        30000
#define JT_SERVER_MAX_HELD        (96u << 20)

struct jt_keeper_server;
struct jt_supervisor;

/*
 * `listener` may be NULL. SIGTERM and SIGINT are blocked and become the clean end of
 * jt_keeper_server_run.
 */
enum jt_err jt_keeper_server_new(struct jt_keeper *keeper, struct jt_listener *listener,
                                 struct jt_keeper_server **out) JT_CHECKED;
void jt_keeper_server_free(struct jt_keeper_server *s);

/*
 * Serves one connected socket as well, which becomes the server's; without a listener the server
 * ends when it is closed.
 */
enum jt_err jt_keeper_server_adopt(struct jt_keeper_server *s, int fd, bool of_owner) JT_CHECKED;

/* Who hears that it is alive, from then on. */
void jt_keeper_server_supervised(struct jt_keeper_server *s, struct jt_supervisor *by);

/* Until SIGTERM or SIGINT. */
enum jt_err jt_keeper_server_run(struct jt_keeper_server *s) JT_CHECKED;

#endif

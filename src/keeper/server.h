/*
 * Serving: one thread, one event loop, a bounded number of connections with bounded buffers.
 *
 * Each connection has its requests answered in order. While replies wait in a full socket nothing more is read from it,
 * so that a peer that does not read its replies costs one buffer and no time. A malformed frame is answered with a
 * status of JT_ERR_PROTOCOL where its verb is known, and its connection closed; the others do not notice.
 */
#ifndef JETON_KEEPER_SERVER_H
#define JETON_KEEPER_SERVER_H

#include "keeper/keeper.h"
#include "keeper/listener.h"

#define JT_SERVER_MAX_CONNECTIONS 128 /* further ones are closed at once */

struct jt_server;

/* `listener` may be NULL. SIGTERM and SIGINT are blocked and become the clean end of jt_server_run. */
enum jt_err jt_server_new(struct jt_keeper *keeper, struct jt_listener *listener, struct jt_server **out) JT_CHECKED;
void jt_server_free(struct jt_server *server);

/*
 * Serves one connected socket as well, which becomes the server's; without a listener the server ends when it is
 * closed.
 */
enum jt_err jt_server_adopt(struct jt_server *server, int fd) JT_CHECKED;

/* Until SIGTERM or SIGINT. */
enum jt_err jt_server_run(struct jt_server *server) JT_CHECKED;

#endif

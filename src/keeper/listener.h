/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper's Unix socket: 0600, or 0660 when the front runs as another user. Only processes of
 * the keeper's own user, of the front's and of root are served, whatever the mode of the socket
 * says (SO_PEERCRED).
 */
#ifndef JETON_KEEPER_LISTENER_H
#define JETON_KEEPER_LISTENER_H

#include "base/err.h"
#include "base/fault.h"
#include "base/unixsocket.h"

#include <stdbool.h>
#include <sys/types.h>

struct jt_listener {
    int fd;
    struct jt_unix_socket socket;
    uid_t front_uid;
    gid_t front_gid;
};

/*
 * Finds the front's user (a name or a number; empty: the keeper's own). JT_ERR_INVALID when there
 * is none, or when `production` and it is the keeper's own user: then whoever takes over the front
 * could read the key files.
 */
enum jt_err jt_listener_set_front(struct jt_listener *l, const char *front_user, bool production,
                                  struct jt_fault *fault) JT_CHECKED;

/*
 * Listens at `path`. A name left over by a dead keeper is replaced in one step; one that somebody
 * listens at, or that is no socket of ours, is not touched: JT_ERR_FILE_EXISTS, JT_ERR_IN_USE.
 * JT_ERR_FILE_UNSAFE when anybody may rename things in its directory, JT_ERR_INVALID for too long a
 * path, JT_ERR_IO.
 */
enum jt_err jt_listener_open(struct jt_listener *l, const char *path,
                             struct jt_fault *fault) JT_CHECKED;

/* Whether the process at the other end of `fd` may speak to the keeper. *uid is its user. */
bool jt_listener_peer_allowed(const struct jt_listener *l, int fd, uid_t *uid);

/* Closes, and removes the name if it is still ours. */
void jt_listener_close(struct jt_listener *l);

#endif

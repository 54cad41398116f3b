/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A listening Unix socket by name. The name appears in one step, with the mode that it keeps, and
 * only a dead socket of this user is ever replaced by it.
 */
#ifndef JETON_BASE_UNIXSOCKET_H
#define JETON_BASE_UNIXSOCKET_H

#include "base/fault.h"

#include <sys/stat.h>
#include <sys/types.h>
#include <sys/un.h>

struct jt_unix_socket {
    int fd; /* -1: closed */
    struct sockaddr_un address;
    /* of the socket's directory, through which the name is removed at the end; -1: none */
    int dir_fd;
    dev_t dev; /* of the socket's name, so that only our own is removed at the end */
    ino_t ino;
};

/* The longest path, without NUL. */
#define JT_UNIX_SOCKET_PATH_MAX (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 5)

/*
 * Listens at `path`, of at most JT_UNIX_SOCKET_PATH_MAX characters, with `mode`. Where the mode
 * lets the group in, the group becomes `gid` if this user may give it; else it stays this
 * process's own. A name left over by a dead process is replaced; one that somebody listens at, or
 * that is no socket of ours, is not touched: JT_ERR_FILE_EXISTS, JT_ERR_IN_USE. JT_ERR_FILE_UNSAFE
 * when anybody may rename things in its directory, JT_ERR_INVALID for an empty or too long path,
 * JT_ERR_IO.
 */
enum jt_err jt_unix_socket_listen(struct jt_unix_socket *s, const char *path, mode_t mode,
                                  gid_t gid, int backlog, struct jt_fault *fault) JT_CHECKED;

/* Closes, and removes the name if it is still ours. Harmless where `fd` is -1. */
void jt_unix_socket_close(struct jt_unix_socket *s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/listener.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 64

enum jt_err jt_listener_set_front(struct jt_listener *l, const char *front_user, bool production,
                                  struct jt_fault *fault)
{
    *l = (struct jt_listener){
        .fd = -1, .socket = { .fd = -1 }, .front_uid = geteuid(), .front_gid = getegid()
    };
    if (front_user[0] != '\0') {
        char *end;
        errno = 0;
        unsigned long number = strtoul(front_user, &end, 10);
        bool is_number = errno == 0 && end != front_user && *end == '\0' && number < (uid_t)-1;
        const struct passwd *pw = is_number ? getpwuid((uid_t)number) : getpwnam(front_user);
        if (pw == NULL && !is_number) {
            return jt_fault_set(fault, JT_ERR_INVALID,
                                "front_user in [keeper]: there is no user %.60s", front_user);
        }
        l->front_uid = pw != NULL ? pw->pw_uid : (uid_t)number;
        l->front_gid = pw != NULL ? pw->pw_gid : getegid();
    }
    if (production && l->front_uid == 0) {
        return jt_fault_set(fault, JT_ERR_INVALID,
                            "in production, front_user in [keeper] must not be root, who may seal");
    }
    if (production && l->front_uid == geteuid()) {
        return jt_fault_set(
            fault, JT_ERR_INVALID,
            "in production, front_user in [keeper] must not be the keeper's own user");
    }
    return JT_OK;
}

enum jt_err jt_listener_open(struct jt_listener *l, const char *path, struct jt_fault *fault)
{
    if (path[0] == '\0' || strlen(path) > JT_UNIX_SOCKET_PATH_MAX) {
        return jt_fault_set(fault, JT_ERR_INVALID,
                            "socket in [keeper] must be a path of 1 to %zu characters",
                            JT_UNIX_SOCKET_PATH_MAX);
    }
    /*
     * For another user it is given the front's group if this user may give it; else it keeps the
     * keeper's own group, which the front is then a member of.
     */
    mode_t mode = l->front_uid == geteuid() ? 0600 : 0660;
    enum jt_err err = jt_unix_socket_listen(&l->socket, path, mode, l->front_gid, BACKLOG, fault);
    l->fd = l->socket.fd;
    return err;
}

bool jt_listener_peer_allowed(const struct jt_listener *l, int fd, uid_t *uid)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    *uid = (uid_t)-1;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 || len != sizeof peer) {
        return false;
    }
    *uid = peer.uid;
    return peer.uid == geteuid() || peer.uid == l->front_uid || peer.uid == 0;
}

void jt_listener_close(struct jt_listener *l)
{
    jt_unix_socket_close(&l->socket);
    l->fd = -1;
}

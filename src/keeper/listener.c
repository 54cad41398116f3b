/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
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
        .fd = -1, .dir_fd = -1, .front_uid = geteuid(), .front_gid = getegid()
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
    if (production && l->front_uid == geteuid()) {
        return jt_fault_set(
            fault, JT_ERR_INVALID,
            "in production, front_user in [keeper] must not be the keeper's own user");
    }
    return JT_OK;
}

/*
 * In a directory where everybody may rename, anybody could put a socket of their own in the place
 * of this one.
 */
static enum jt_err open_parent(struct jt_listener *l, const char *path, struct jt_fault *fault)
{
    char copy[sizeof((struct sockaddr_un *)NULL)->sun_path];
    snprintf(copy, sizeof copy, "%s", path);
    const char *parent = dirname(copy);
    struct stat st;
    l->dir_fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (l->dir_fd < 0 || fstat(l->dir_fd, &st) != 0) {
        return jt_fault_set(fault, JT_ERR_IO, "%s: %s", parent, strerror(errno));
    }
    if ((st.st_mode & S_IWOTH) != 0 && (st.st_mode & S_ISVTX) == 0) {
        return jt_fault_set(fault, JT_ERR_FILE_UNSAFE,
                            "%s, the directory of the socket, is writable by everybody", parent);
    }
    return JT_OK;
}

/*
 * Whether the name at the address may be replaced: there is none, or it is a dead socket of ours.
 */
static enum jt_err check_name(const struct sockaddr_un *address, struct jt_fault *fault)
{
    struct stat st;
    if (lstat(address->sun_path, &st) != 0) {
        if (errno == ENOENT) {
            return JT_OK;
        }
        return jt_fault_set(fault, JT_ERR_IO, "%s: %s", address->sun_path, strerror(errno));
    }
    if (!S_ISSOCK(st.st_mode) || st.st_uid != geteuid()) {
        return jt_fault_set(fault, JT_ERR_FILE_EXISTS, "%s exists and is not a socket of this user",
                            address->sun_path);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return jt_fault_set(fault, JT_ERR_IO, "cannot make a socket: %s", strerror(errno));
    }
    bool dead = connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 &&
                errno == ECONNREFUSED;
    close(fd);
    if (!dead) {
        return jt_fault_set(fault, JT_ERR_IN_USE, "%s: another process is listening there",
                            address->sun_path);
    }
    return JT_OK;
}

/*
 * Bound beside, made private and listening, then renamed: the final name never shows a half-ready
 * socket, nor a loose one.
 */
static enum jt_err bind_beside(struct jt_listener *l, const struct sockaddr_un *beside)
{
    if (unlink(beside->sun_path) != 0 && errno != ENOENT) {
        return JT_ERR_IO;
    }
    mode_t old = umask(0177);
    int rc = bind(l->fd, (const struct sockaddr *)beside, sizeof *beside);
    umask(old);
    if (rc != 0) {
        return JT_ERR_IO;
    }
    if (l->front_uid != geteuid()) {
        /*
         * The front's group if this user may give it; else the keeper's own group, which the front
         * is then a member of.
         */
        rc = lchown(beside->sun_path, (uid_t)-1, l->front_gid);
        rc = rc == 0 || errno == EPERM ? chmod(beside->sun_path, 0660) : rc;
    }
    struct stat st;
    if (rc != 0 || listen(l->fd, BACKLOG) != 0 || lstat(beside->sun_path, &st) != 0 ||
        rename(beside->sun_path, l->address.sun_path) != 0) {
        int saved = errno;
        (void)unlink(beside->sun_path);
        errno = saved;
        return JT_ERR_IO;
    }
    l->dev = st.st_dev;
    l->ino = st.st_ino;
    return JT_OK;
}

enum jt_err jt_listener_open(struct jt_listener *l, const char *path, struct jt_fault *fault)
{
    struct sockaddr_un beside = { .sun_family = AF_UNIX };
    l->address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    int n = snprintf(beside.sun_path, sizeof beside.sun_path, "%s.new", path);
    if (path[0] == '\0' || n < 0 || (size_t)n >= sizeof beside.sun_path) {
        return jt_fault_set(fault, JT_ERR_INVALID,
                            "socket in [keeper] must be a path of 1 to %zu characters",
                            sizeof beside.sun_path - 5);
    }
    memcpy(l->address.sun_path, path, strlen(path));
    enum jt_err err = open_parent(l, path, fault);
    if (err == JT_OK) {
        err = check_name(&l->address, fault);
    }
    if (err != JT_OK) {
        return err;
    }
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    err = l->fd >= 0 ? bind_beside(l, &beside) : JT_ERR_IO;
    if (err != JT_OK) {
        jt_fault_set(fault, err, "cannot listen at %s: %s", path, strerror(errno));
        if (l->fd >= 0) {
            close(l->fd);
        }
        l->fd = -1;
    }
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
    return peer.uid == geteuid() || peer.uid == l->front_uid;
}

void jt_listener_close(struct jt_listener *l)
{
    if (l->fd < 0) {
        return;
    }
    struct stat st;
    char copy[sizeof l->address.sun_path];
    memcpy(copy, l->address.sun_path, sizeof copy);
    const char *name = basename(copy);
    if (fstatat(l->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_dev == l->dev &&
        st.st_ino == l->ino) {
        (void)unlinkat(l->dir_fd, name, 0);
    }
    close(l->dir_fd);
    l->dir_fd = -1;
    close(l->fd);
    l->fd = -1;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/unixsocket.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * In a directory where everybody may rename, anybody could put a socket of their own in the place
 * of this one.
 */
static enum jt_err open_parent(struct jt_unix_socket *s, const char *path, struct jt_fault *fault)
{
    char copy[sizeof s->address.sun_path];
    snprintf(copy, sizeof copy, "%s", path);
    const char *parent = dirname(copy);
    struct stat st;
    s->dir_fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (s->dir_fd < 0 || fstat(s->dir_fd, &st) != 0) {
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

/* The mode while it is bound lets in nobody else. */
static int bind_private(int fd, const struct sockaddr_un *beside)
{
    mode_t old = umask(0177);
    int rc = bind(fd, (const struct sockaddr *)beside, sizeof *beside);
    umask(old);
    return rc;
}

/*
 * Bound beside, given its mode and listening, then renamed: the final name never shows a half-ready
 * socket, nor a loose one.
 */
static enum jt_err bind_beside(struct jt_unix_socket *s, const struct sockaddr_un *beside,
                               mode_t mode, gid_t gid, int backlog)
{
    if (unlink(beside->sun_path) != 0 && errno != ENOENT) {
        return JT_ERR_IO;
    }
    if (bind_private(s->fd, beside) != 0) {
        return JT_ERR_IO;
    }
    int rc = 0;
    if ((mode & S_IRWXG) != 0) {
        rc = lchown(beside->sun_path, (uid_t)-1, gid);
        rc = rc == 0 || errno == EPERM ? chmod(beside->sun_path, mode) : rc;
    }
    struct stat st;
    if (rc != 0 || listen(s->fd, backlog) != 0 || lstat(beside->sun_path, &st) != 0 ||
        rename(beside->sun_path, s->address.sun_path) != 0) {
        int saved = errno;
        (void)unlink(beside->sun_path);
        errno = saved;
        return JT_ERR_IO;
    }
    s->dev = st.st_dev;
    s->ino = st.st_ino;
    return JT_OK;
}

static void close_directory(struct jt_unix_socket *s)
{
    if (s->dir_fd >= 0) {
        close(s->dir_fd);
    }
    s->dir_fd = -1;
}

enum jt_err jt_unix_socket_listen(struct jt_unix_socket *s, const char *path, mode_t mode,
                                  gid_t gid, int backlog, struct jt_fault *fault)
{
    struct sockaddr_un beside = { .sun_family = AF_UNIX };
    *s = (struct jt_unix_socket){ .fd = -1, .address = { .sun_family = AF_UNIX }, .dir_fd = -1 };
    int n = snprintf(beside.sun_path, sizeof beside.sun_path, "%s.new", path);
    if (path[0] == '\0' || n < 0 || (size_t)n >= sizeof beside.sun_path) {
        return jt_fault_set(fault, JT_ERR_INVALID,
                            "the path of a socket must have 1 to %zu characters",
                            JT_UNIX_SOCKET_PATH_MAX);
    }
    memcpy(s->address.sun_path, path, strlen(path));
    enum jt_err err = open_parent(s, path, fault);
    if (err == JT_OK) {
        err = check_name(&s->address, fault);
    }
    if (err != JT_OK) {
        close_directory(s);
        return err;
    }
    s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    err = s->fd >= 0 ? bind_beside(s, &beside, mode, gid, backlog) : JT_ERR_IO;
    if (err != JT_OK) {
        jt_fault_set(fault, err, "cannot listen at %s: %s", path, strerror(errno));
        if (s->fd >= 0) {
            close(s->fd);
        }
        s->fd = -1;
        close_directory(s);
    }
    return err;
}

void jt_unix_socket_close(struct jt_unix_socket *s)
{
    if (s->fd < 0) {
        return;
    }
    struct stat st;
    char copy[sizeof s->address.sun_path];
    memcpy(copy, s->address.sun_path, sizeof copy);
    const char *name = basename(copy);
    if (fstatat(s->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_dev == s->dev &&
        st.st_ino == s->ino) {
        (void)unlinkat(s->dir_fd, name, 0);
    }
    close_directory(s);
    close(s->fd);
    s->fd = -1;
}

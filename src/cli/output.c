/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"

#include "cli/exit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int complain(const char *path)
{
    jt_complain("%s: %s", path, strerror(errno));
    return JT_EXIT_FAILED;
}

/*
 * Whether the open file is still what stands under its name: its last owner may have renamed it
 * before we got the lock.
 */
static bool is_still_named(int fd, const char *path)
{
    struct stat here, there;
    return fstat(fd, &here) == 0 && lstat(path, &there) == 0 && here.st_dev == there.st_dev &&
           here.st_ino == there.st_ino;
}

/* Opens and locks `path`, private; -1 with errno, EBUSY when another command holds it. */
static int open_locked(const char *path, bool *made)
{
    const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    for (;;) {
        int fd = open(path, flags | O_EXCL, 0600);
        *made = fd >= 0;
        fd = fd < 0 && errno == EEXIST ? open(path, flags, 0600) : fd;
        if (fd < 0) {
            return -1;
        }
        struct stat st;
        bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
        if (locked && is_still_named(fd, path)) {
            bool plain = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 &&
                         st.st_uid == geteuid(); /* its owner could read what is written */
            if (plain && fchmod(fd, 0600) == 0) {
                return fd;
            }
            errno = plain ? errno : EEXIST;
        } else if (locked) {
            close(fd);
            continue;
        } else if (errno == EWOULDBLOCK) {
            errno = EBUSY;
        }
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
}

static bool is_stream(const char *path)
{
    return strcmp(path, "-") == 0;
}

/* What stands there is replaced, and must be such that nobody misses it: neither device nor link.
 */
static bool is_to_be_replaced(const char *path)
{
    struct stat st;
    if (lstat(path, &st) != 0) {
        return errno == ENOENT && *path != '\0' && path[strlen(path) - 1] != '/';
    }
    errno = S_ISDIR(st.st_mode) ? EISDIR : EEXIST;
    return S_ISREG(st.st_mode);
}

static int directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
    int fd = directory == NULL ? -1 : open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int saved = errno;
    free(directory);
    errno = saved;
    return fd;
}

int jt_output_check(const char *path)
{
    if (is_stream(path)) {
        return JT_EXIT_OK;
    }
    if (!is_to_be_replaced(path)) {
        if (errno == EEXIST) {
            jt_complain("%s: is no ordinary file, and is not written over", path);
            return JT_EXIT_FAILED;
        }
        return complain(path);
    }
    int fd = directory_of(path);
    bool may = fd >= 0 && faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) == 0;
    int code = may ? JT_EXIT_OK : complain(path);
    if (fd >= 0) {
        close(fd);
    }
    return code;
}

int jt_output_take(const char *path, struct jt_output *out)
{
    *out = (struct jt_output){ .path = path, .fd = -1 };
    if (is_stream(path)) {
        out->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        return out->fd < 0 ? complain("standard output") : JT_EXIT_OK;
    }
    if (jt_output_check(path) != JT_EXIT_OK) {
        return JT_EXIT_FAILED;
    }
    if (asprintf(&out->part, "%s.part", path) < 0) {
        out->part = NULL;
        errno = ENOMEM;
        return complain(path);
    }
    out->fd = open_locked(out->part, &out->made);
    if (out->fd < 0) {
        int code = complain(out->part);
        free(out->part);
        out->part = NULL;
        return code;
    }
    out->taken = true;
    return JT_EXIT_OK;
}

int jt_output_cut(struct jt_output *out, uint64_t len)
{
    struct stat st;
    if (out->part == NULL) {
        return JT_EXIT_OK;
    }
    if (fstat(out->fd, &st) != 0) {
        return complain(out->part);
    }
    if ((uint64_t)st.st_size < len) {
        jt_complain("%s: has %lld bytes, and not %llu", out->part, (long long)st.st_size,
                    (unsigned long long)len);
        return JT_EXIT_FAILED;
    }
    if (ftruncate(out->fd, (off_t)len) != 0 || lseek(out->fd, (off_t)len, SEEK_SET) < 0) {
        return complain(out->part);
    }
    out->taken = false;
    return JT_EXIT_OK;
}

int jt_output_open(const char *path, struct jt_output *out)
{
    int code = jt_output_take(path, out);
    return code == JT_EXIT_OK ? jt_output_cut(out, 0) : code;
}

int jt_output_sync(struct jt_output *out)
{
    return out->part == NULL || fdatasync(out->fd) == 0 ? JT_EXIT_OK : complain(out->part);
}

void jt_output_leave(struct jt_output *out)
{
    if (out->fd >= 0) {
        close(out->fd);
        out->fd = -1;
    }
    free(out->part);
    out->part = NULL;
}

int jt_output_write(struct jt_output *out, struct jt_buf *data)
{
    size_t done = 0;
    while (done < data->len) {
        ssize_t n = write(out->fd, data->data + done, data->len - done);
        if (n < 0 && errno != EINTR) {
            return complain(out->part == NULL ? "standard output" : out->part);
        }
        done += n > 0 ? (size_t)n : 0;
    }
    jt_buf_reset(data);
    return JT_EXIT_OK;
}

/* Makes the rename durable. */
static bool sync_directory_of(const char *path)
{
    int fd = directory_of(path);
    bool synced = fd >= 0 && fsync(fd) == 0;
    int saved = errno;
    if (fd >= 0) {
        close(fd);
    }
    errno = saved;
    return synced;
}

int jt_output_commit(struct jt_output *out)
{
    if (out->part == NULL) {
        jt_output_leave(out);
        return JT_EXIT_OK;
    }
    if (fsync(out->fd) != 0 || rename(out->part, out->path) != 0) {
        return complain(out->part);
    }
    jt_output_leave(out);
    return sync_directory_of(out->path) ? JT_EXIT_OK : complain(out->path);
}

void jt_output_abandon(struct jt_output *out)
{
    bool ours = out->fd >= 0 && out->part != NULL && (!out->taken || out->made);
    if (ours) {
        (void)unlink(out->part);
    }
    jt_output_leave(out);
}

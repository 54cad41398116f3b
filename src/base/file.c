/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include "base/secmem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum jt_err write_all(int fd, const uint8_t *p, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return JT_ERR_IO;
        }
        p += n;
        len -= (size_t)n;
    }
    return JT_OK;
}

static enum jt_err read_to_end(int fd, struct jt_buf *out)
{
    for (;;) {
        uint8_t chunk[4096];
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return JT_ERR_IO;
        }
        if (n == 0) {
            return JT_OK;
        }
        jt_buf_put(out, chunk, (size_t)n);
        jt_wipe(chunk, (size_t)n);
        enum jt_err err = jt_buf_status(out);
        if (err != JT_OK) {
            return err;
        }
    }
}

enum jt_err jt_file_read(int dir_fd, const char *name, bool private_only, struct jt_buf *out)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        return errno == ENOENT ? JT_ERR_NO_FILE : JT_ERR_IO;
    }
    struct stat st;
    enum jt_err err = fstat(fd, &st) == 0 ? JT_OK : JT_ERR_IO;
    if (err == JT_OK &&
        (!S_ISREG(st.st_mode) || (private_only && ((st.st_mode & 077) != 0 ||
                                                   st.st_uid != geteuid() || st.st_nlink != 1)))) {
        err = JT_ERR_FILE_UNSAFE;
    }
    if (err == JT_OK) {
        err = read_to_end(fd, out);
    }
    int saved = errno;
    close(fd);
    errno = saved;
    return err;
}

static enum jt_err read_back(int dir_fd, const char *name, const void *data, size_t len)
{
    struct jt_buf now;
    jt_buf_init(&now, len + 1);
    enum jt_err err = jt_file_read(dir_fd, name, true, &now);
    if (err == JT_OK && (now.len != len || (len > 0 && memcmp(now.data, data, len) != 0))) {
        errno = EIO;
        err = JT_ERR_IO;
    }
    jt_buf_clear(&now);
    return err;
}

static enum jt_err create(int dir_fd, const char *name, const void *data, size_t len)
{
    int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return errno == EEXIST ? JT_ERR_FILE_EXISTS : JT_ERR_IO;
    }
    enum jt_err err = write_all(fd, data, len);
    if (err == JT_OK && fsync(fd) != 0) {
        err = JT_ERR_IO;
    }
    int saved = errno;
    if (close(fd) != 0 && err == JT_OK) {
        saved = errno;
        err = JT_ERR_IO;
    }
    if (err != JT_OK) {
        (void)unlinkat(dir_fd, name, 0);
        errno = saved;
    }
    return err;
}

/* Removes a name without disturbing the errno of the failure that led here. */
static void discard(int dir_fd, const char *name)
{
    int saved = errno;
    (void)unlinkat(dir_fd, name, 0);
    errno = saved;
}

/* Writes the contents beside `name`, in place of what a crash may have left there. */
static enum jt_err create_aside(int dir_fd, const char *name, const void *data, size_t len,
                                char aside[static NAME_MAX + 1])
{
    int n = snprintf(aside, NAME_MAX + 1, "%s.new", name);
    if (n < 0 || n > NAME_MAX) {
        errno = ENAMETOOLONG;
        return JT_ERR_IO;
    }
    (void)unlinkat(dir_fd, aside, 0);
    return create(dir_fd, aside, data, len);
}

enum jt_err jt_file_write_new(int dir_fd, const char *name, const void *data, size_t len)
{
    /*
     * Written aside and linked, so that the final name never holds half a file, not even after a
     * crash.
     */
    char aside[NAME_MAX + 1];
    enum jt_err err = create_aside(dir_fd, name, data, len, aside);
    if (err != JT_OK) {
        return err;
    }
    bool linked = linkat(dir_fd, aside, dir_fd, name, 0) == 0;
    if (!linked) {
        err = errno == EEXIST ? JT_ERR_FILE_EXISTS : JT_ERR_IO;
    }
    discard(dir_fd, aside);
    if (err == JT_OK && fsync(dir_fd) != 0) {
        err = JT_ERR_IO;
    }
    if (err == JT_OK) {
        err = read_back(dir_fd, name, data, len);
    }
    if (linked && err != JT_OK) {
        discard(dir_fd, name); /* the caller takes it for not written */
    }
    return err;
}

enum jt_err jt_file_replace(int dir_fd, const char *name, const void *data, size_t len)
{
    char aside[NAME_MAX + 1];
    enum jt_err err = create_aside(dir_fd, name, data, len, aside);
    if (err != JT_OK) {
        return err;
    }
    if (renameat(dir_fd, aside, dir_fd, name) != 0) {
        discard(dir_fd, aside);
        return JT_ERR_IO;
    }
    if (fsync(dir_fd) != 0) {
        return JT_ERR_IO;
    }
    return read_back(dir_fd, name, data, len);
}

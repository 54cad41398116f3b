/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/newfile.h"

#include "base/file.h"
#include "cli/exit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int jt_newfile_directory(const char *path, const char **name)
{
    const char *slash = strrchr(path, '/');
    *name = slash == NULL ? path : slash + 1;
    char directory[4096];
    int n = slash == NULL
                ? snprintf(directory, sizeof directory, ".")
                : snprintf(directory, sizeof directory, "%.*s/", (int)(slash - path), path);
    if (n < 0 || (size_t)n >= sizeof directory) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int jt_newfile_finish(const char *path, enum jt_err err)
{
    if (err == JT_OK) {
        return JT_EXIT_OK;
    }
    jt_complain("%s: %s", path,
                err == JT_ERR_FILE_EXISTS                   ? "exists already"
                : err == JT_ERR_IO || err == JT_ERR_NO_FILE ? strerror(errno)
                                                            : jt_err_str(err));
    return JT_EXIT_FAILED;
}

int jt_newfile_create(const char *path, const void *data, size_t len)
{
    const char *name;
    int dir_fd = jt_newfile_directory(path, &name);
    if (dir_fd < 0) {
        return jt_newfile_finish(path, JT_ERR_IO);
    }
    int code = jt_newfile_finish(path, jt_file_write_new(dir_fd, name, data, len));
    close(dir_fd);
    return code;
}

int jt_newfile_read(const char *path, struct jt_buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0) {
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        close(fd);
    }
    return jt_newfile_finish(path, jt_file_read(AT_FDCWD, path, false, out));
}

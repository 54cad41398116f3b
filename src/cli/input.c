/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/input.h"

#include "cli/exit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MS 200

static int complain(const char *path)
{
    jt_complain("%s: %s", path, strerror(errno));
    return JT_EXIT_FAILED;
}

static bool is_stream(const char *path)
{
    return strcmp(path, "-") == 0;
}

int jt_input_open(const char *path, struct jt_input *in)
{
    *in = (struct jt_input){ .path = path };
    in->fd = is_stream(path) ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
                             : open(path, O_RDONLY | O_CLOEXEC);
    if (in->fd < 0) {
        return complain(path);
    }
    if (fstat(in->fd, &in->opened) != 0) {
        int code = complain(path);
        jt_input_close(in);
        return code;
    }
    int flags = fcntl(in->fd, F_GETFL);
    bool pipe = S_ISFIFO(in->opened.st_mode) || S_ISSOCK(in->opened.st_mode);
    if (pipe && (flags < 0 || fcntl(in->fd, F_SETFL, flags | O_NONBLOCK) != 0)) {
        int code = complain(path);
        jt_input_close(in);
        return code;
    }
    return JT_EXIT_OK;
}

void jt_input_wait(const struct jt_input *in)
{
    struct pollfd input = { .fd = in->fd, .events = POLLIN };
    (void)poll(&input, 1, WAIT_MS); /* a signal ends it too, and whoever waits looks again */
}

uint64_t jt_input_size(const struct jt_input *in)
{
    return S_ISREG(in->opened.st_mode) ? (uint64_t)in->opened.st_size : 0;
}

static bool same_time(const struct stat *a, const struct stat *b)
{
    return a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int complain_of_change(const struct jt_input *in, const char *what)
{
    jt_complain("%s %s while it was read", in->path, what);
    return JT_EXIT_FAILED;
}

int jt_input_check_unchanged(const struct jt_input *in, uint64_t n_read)
{
    struct stat open_now, named_now;
    if (!S_ISREG(in->opened.st_mode) || is_stream(in->path)) {
        return JT_EXIT_OK;
    }
    if (fstat(in->fd, &open_now) != 0) {
        return complain(in->path);
    }
    if (stat(in->path, &named_now) != 0 || named_now.st_dev != open_now.st_dev ||
        named_now.st_ino != open_now.st_ino) {
        return complain_of_change(in, "was replaced");
    }
    if (open_now.st_size != in->opened.st_size) {
        return complain_of_change(in, open_now.st_size < in->opened.st_size ? "shrank" : "grew");
    }
    if (!same_time(&open_now, &in->opened)) {
        return complain_of_change(in, "was written to");
    }
    if (n_read != (uint64_t)open_now.st_size) {
        jt_complain("%s: %" PRIu64 " bytes were read of "
                    "%" PRIu64,
                    in->path, n_read, (uint64_t)open_now.st_size);
        return JT_EXIT_FAILED;
    }
    return JT_EXIT_OK;
}

void jt_input_close(struct jt_input *in)
{
    if (in->fd >= 0) {
        close(in->fd);
        in->fd = -1;
    }
}

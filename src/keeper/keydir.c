/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/keydir.h"

#include "base/file.h"
#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* A directory's name is on disk only when the directory that holds it has been synced. */
static bool sync_parent(const char *path)
{
    char *copy = strdup(path);
    int fd = copy != NULL ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool synced = fd >= 0 && fsync(fd) == 0;
    int saved = errno;
    if (fd >= 0) {
        close(fd);
    }
    free(copy);
    errno = saved;
    return synced;
}

enum jt_err jt_keydir_make(const char *path, struct jt_fault *fault)
{
    bool made = mkdir(path, 0700) == 0;
    if (!made && errno != EEXIST) {
        return jt_fault_set(fault, JT_ERR_IO, "cannot make directory %s: %s", path,
                            strerror(errno));
    }
    /*
     * One that was there may be ours, made by a run that was cut off here; where the parent is
     * closed to us, somebody else made it.
     */
    if (!sync_parent(path) && (made || errno != EACCES)) {
        return jt_fault_set(fault, JT_ERR_IO, "cannot sync the directory above %s: %s", path,
                            strerror(errno));
    }
    return JT_OK;
}

static enum jt_err check_directory(const char *path, int fd, struct jt_fault *fault)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return jt_fault_set(fault, JT_ERR_IO, "%s: %s", path, strerror(errno));
    }
    if (st.st_uid != geteuid()) {
        return jt_fault_set(fault, JT_ERR_FILE_UNSAFE,
                            "%s belongs to uid %lu, not to this keeper's uid %lu", path,
                            (unsigned long)st.st_uid, (unsigned long)geteuid());
    }
    if ((st.st_mode & 077) != 0) {
        return jt_fault_set(fault, JT_ERR_FILE_UNSAFE,
                            "%s is open to group or others (mode %04o, must be 0700)", path,
                            (unsigned)st.st_mode & 07777);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        bool taken = errno == EWOULDBLOCK;
        return jt_fault_set(fault, taken ? JT_ERR_IN_USE : JT_ERR_IO, "%s: %s", path,
                            taken ? "another keeper is using this directory" : strerror(errno));
    }
    return JT_OK;
}

enum jt_err jt_keydir_open(const char *path, int *dir_fd, struct jt_fault *fault)
{
    *dir_fd = -1;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        bool wrong_kind = errno == ENOTDIR || errno == ELOOP;
        return jt_fault_set(fault, wrong_kind ? JT_ERR_FILE_UNSAFE : JT_ERR_IO, "%s: %s", path,
                            wrong_kind ? "not a directory, or a symbolic link" : strerror(errno));
    }
    enum jt_err err = check_directory(path, fd, fault);
    if (err != JT_OK) {
        close(fd);
        return err;
    }
    *dir_fd = fd;
    return JT_OK;
}

void jt_keydir_generation_name(uint64_t number, char out[static JT_KEYDIR_NAME_LEN])
{
    snprintf(out, JT_KEYDIR_NAME_LEN, "generation-%" PRIu64 ".key", number);
}

void jt_keydir_mark_name(uint64_t number, char out[static JT_KEYDIR_NAME_LEN])
{
    snprintf(out, JT_KEYDIR_NAME_LEN, "generation-%" PRIu64 ".used", number);
}

enum jt_err jt_keydir_same(const char *path, int dir_fd, struct jt_fault *fault)
{
    struct stat named;
    struct stat opened;
    if (lstat(path, &named) != 0 || fstat(dir_fd, &opened) != 0) {
        return jt_fault_set(fault, JT_ERR_IO, "%s: %s", path, strerror(errno));
    }
    if (named.st_dev != opened.st_dev || named.st_ino != opened.st_ino) {
        return jt_fault_set(fault, JT_ERR_IO,
                            "%s is not the directory that was opened: it was renamed or replaced",
                            path);
    }
    if (opened.st_uid != geteuid() || (opened.st_mode & 077) != 0) {
        return jt_fault_set(fault, JT_ERR_IO, "%s is no private directory of this user any more",
                            path);
    }
    return JT_OK;
}

/*
 * The number in the name of a key file (or of a mark), or 0. Made again from the number and
 * compared, so that one number has one name.
 */
static uint64_t number_in(const char *name, void (*make)(uint64_t, char[static JT_KEYDIR_NAME_LEN]))
{
    static const char prefix[] = "generation-";
    if (strncmp(name, prefix, sizeof prefix - 1) != 0) {
        return 0;
    }
    uint64_t number = strtoull(name + sizeof prefix - 1, NULL, 10);
    char canonical[JT_KEYDIR_NAME_LEN];
    make(number, canonical);
    return strcmp(name, canonical) == 0 ? number : 0;
}

static uint64_t generation_of(const char *name)
{
    return number_in(name, jt_keydir_generation_name);
}

static uint64_t mark_of(const char *name)
{
    return number_in(name, jt_keydir_mark_name);
}

/* Whether `name` is that of a file which a crash left half-made: "<known name>.new". */
static bool is_left_over(const char *name)
{
    char known[JT_KEYDIR_NAME_LEN];
    size_t len = strlen(name);
    if (len < 5 || len - 4 >= sizeof known || strcmp(name + len - 4, ".new") != 0) {
        return false;
    }
    memcpy(known, name, len - 4);
    known[len - 4] = '\0';
    return strcmp(known, JT_KEYDIR_MASTER) == 0 || strcmp(known, JT_KEYDIR_ROOT) == 0 ||
           strcmp(known, JT_KEYDIR_STATE) == 0 || strcmp(known, JT_KEYDIR_HONEY) == 0 ||
           strcmp(known, JT_KEYDIR_CUSTODIANS) == 0 || strcmp(known, JT_KEYDIR_DESTRUCTIONS) == 0 ||
           strcmp(known, JT_KEYDIR_ROTATION) == 0 || generation_of(known) != 0 ||
           mark_of(known) != 0;
}

static const char *kind_of(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFDIR: return "a directory";
    case S_IFLNK: return "a symbolic link";
    case S_IFIFO: return "a fifo";
    case S_IFSOCK: return "a socket";
    case S_IFBLK:
    case S_IFCHR: return "a device";
    default: return "no regular file";
    }
}

/* Says what is wrong, and only that. */
static enum jt_err check_file(const char *name, const struct stat *st, struct jt_fault *fault)
{
    if (!S_ISREG(st->st_mode)) {
        jt_fault_set(fault, JT_ERR_FILE_UNSAFE,
                     "%s in the keeper's directory is %s, must be a regular file", name,
                     kind_of(st->st_mode));
    } else if (st->st_uid != geteuid()) {
        jt_fault_set(
            fault, JT_ERR_FILE_UNSAFE,
            "%s in the keeper's directory belongs to uid %lu, must be this keeper's, uid %lu", name,
            (unsigned long)st->st_uid, (unsigned long)geteuid());
    } else if ((st->st_mode & 077) != 0) {
        jt_fault_set(
            fault, JT_ERR_FILE_UNSAFE,
            "%s in the keeper's directory is open to group or others (mode %04o, must be 0600)",
            name, (unsigned)st->st_mode & 07777);
    } else if (st->st_nlink != 1) {
        jt_fault_set(fault, JT_ERR_FILE_UNSAFE,
                     "%s in the keeper's directory has %lu names (hard links), must have one", name,
                     (unsigned long)st->st_nlink);
    } else {
        return JT_OK;
    }
    return JT_ERR_FILE_UNSAFE;
}

static enum jt_err stat_one(int dir_fd, const char *name, struct stat *st, struct jt_fault *fault)
{
    if (fstatat(dir_fd, name, st, AT_SYMLINK_NOFOLLOW) != 0) {
        return jt_fault_set(fault, JT_ERR_IO, "%s: %s", name, strerror(errno));
    }
    return JT_OK;
}

/* What is not safe by its looks is told by its looks, as the listing tells it. */
static enum jt_err tell_unsafe(int dir_fd, const char *name, struct jt_fault *fault)
{
    struct stat st;
    enum jt_err err = stat_one(dir_fd, name, &st, fault);
    err = err == JT_OK ? check_file(name, &st, fault) : err;
    return err == JT_OK ? jt_fault_set(fault, JT_ERR_FILE_UNSAFE, "%s was not safe", name)
                        : JT_ERR_FILE_UNSAFE;
}

enum jt_err jt_keydir_read(int dir_fd, const char *name, size_t max, struct jt_buf *out,
                           struct jt_fault *fault)
{
    jt_buf_init(out, max + 1); /* so that a longer file is seen to be longer */
    enum jt_err err = jt_file_read(dir_fd, name, true, out);
    if (err == JT_ERR_LIMIT || (err == JT_OK && out->len > max)) {
        return jt_fault_set(fault, JT_ERR_FILE_ALTERED, "%s is longer than such a file can be",
                            name);
    }
    bool link = err == JT_ERR_IO && errno == ELOOP; /* it is opened with O_NOFOLLOW */
    if (err == JT_ERR_FILE_UNSAFE || link) {
        return tell_unsafe(dir_fd, name, fault);
    }
    return err == JT_ERR_IO ? jt_fault_set(fault, err, "cannot read %s: %s", name, strerror(errno))
                            : err;
}

/* One that is no regular file is left for list_one, which says so. */
static enum jt_err remove_left_over(int dir_fd, const char *name, struct jt_keydir *out,
                                    struct jt_fault *fault)
{
    (void)out;
    struct stat st;
    if (!is_left_over(name)) {
        return JT_OK;
    }
    enum jt_err err = stat_one(dir_fd, name, &st, fault);
    bool ours =
        err == JT_OK && S_ISREG(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & 077) == 0;
    return err == JT_OK && ours && unlinkat(dir_fd, name, 0) != 0 ? JT_ERR_IO : err;
}

static enum jt_err list_one(int dir_fd, const char *name, struct jt_keydir *out,
                            struct jt_fault *fault)
{
    struct stat st;
    enum jt_err err = stat_one(dir_fd, name, &st, fault);
    if (err == JT_OK) {
        err = check_file(name, &st, fault);
    }
    if (err != JT_OK) {
        return err;
    }
    uint64_t number = generation_of(name);
    uint64_t mark = mark_of(name);
    if (strcmp(name, JT_KEYDIR_MASTER) == 0) {
        out->master = true;
    } else if (strcmp(name, JT_KEYDIR_ROOT) == 0) {
        out->root = true;
    } else if (strcmp(name, JT_KEYDIR_STATE) == 0) {
        out->state = true;
    } else if (strcmp(name, JT_KEYDIR_HONEY) == 0) {
        out->honey = true;
    } else if (strcmp(name, JT_KEYDIR_ROTATION) == 0) {
        out->rotation = true;
    } else if (strcmp(name, JT_KEYDIR_CUSTODIANS) == 0 ||
               strcmp(name, JT_KEYDIR_DESTRUCTIONS) == 0) {
        return JT_OK; /* looked for by their names */
    } else if (number != 0 && out->n_generations < JT_KEYDIR_MAX_GENERATIONS) {
        out->generations[out->n_generations++] = number;
    } else if (mark != 0 && out->n_marks < JT_KEYDIR_MAX_GENERATIONS) {
        out->marks[out->n_marks++] = mark;
    } else {
        return jt_fault_set(fault, JT_ERR_FILE_UNSAFE,
                            "%s does not belong in the keeper's directory", name);
    }
    return JT_OK;
}

static enum jt_err look_at_one(int dir_fd, const char *name, struct jt_keydir *out,
                               struct jt_fault *fault)
{
    return is_left_over(name) ? JT_OK : list_one(dir_fd, name, out, fault);
}

static int by_number(const void *a, const void *b)
{
    const uint64_t *x = a;
    const uint64_t *y = b;
    return (*x > *y) - (*x < *y);
}

typedef enum jt_err name_fn(int dir_fd, const char *name, struct jt_keydir *out,
                            struct jt_fault *fault);

/* JT_ERR_IO with errno set when the directory cannot be read. */
static enum jt_err each_name(DIR *dir, int dir_fd, name_fn *fn, struct jt_keydir *out,
                             struct jt_fault *fault)
{
    for (;;) {
        errno = 0;
        const struct dirent *d = readdir(dir);
        if (d == NULL) {
            return errno == 0 ? JT_OK : JT_ERR_IO;
        }
        if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0) {
            enum jt_err err = fn(dir_fd, d->d_name, out, fault);
            if (err != JT_OK) {
                return err;
            }
        }
    }
}

static enum jt_err list(int dir_fd, bool clean, struct jt_keydir *out, struct jt_fault *fault)
{
    *out = (struct jt_keydir){ 0 };
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL) {
        enum jt_err err = jt_fault_set(fault, JT_ERR_IO, "cannot list the keeper's directory: %s",
                                       strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return err;
    }
    /*
     * Left-overs first: a crash behind the link leaves a file with two names, one of them a
     * left-over's.
     */
    enum jt_err err = clean ? each_name(dir, dir_fd, remove_left_over, out, fault) : JT_OK;
    if (err == JT_OK) {
        rewinddir(dir);
        err = each_name(dir, dir_fd, clean ? list_one : look_at_one, out, fault);
    }
    if (err == JT_OK && clean && fsync(dir_fd) != 0) {
        err = JT_ERR_IO;
    }
    if (err == JT_ERR_IO) {
        jt_fault_set(fault, err, "cannot list the keeper's directory: %s", strerror(errno));
    }
    closedir(dir);
    qsort(out->generations, out->n_generations, sizeof out->generations[0], by_number);
    return err;
}

enum jt_err jt_keydir_list(int dir_fd, struct jt_keydir *out, struct jt_fault *fault)
{
    return list(dir_fd, true, out, fault);
}

enum jt_err jt_keydir_look(int dir_fd, struct jt_keydir *out, struct jt_fault *fault)
{
    return list(dir_fd, false, out, fault);
}

/* What an open file holds gives way to zeroes, as far as that is in our power. */
static void overwrite(int fd)
{
    static const uint8_t zeroes[1024];
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return;
    }
    for (off_t left = st.st_size; left > 0;) {
        size_t len = left < (off_t)sizeof zeroes ? (size_t)left : sizeof zeroes;
        ssize_t n = write(fd, zeroes, len);
        if (n <= 0) {
            break;
        }
        left -= n;
    }
    (void)fsync(fd);
}

enum jt_err jt_keydir_erase(int dir_fd, const char *name)
{
    char aside[JT_KEYDIR_NAME_LEN + 4];
    snprintf(aside, sizeof aside, "%s.new", name);
    /*
     * Renamed first: whatever a crash leaves behind is then a left-over that the next start
     * removes, not a damaged file.
     */
    bool renamed = renameat(dir_fd, name, dir_fd, aside) == 0;
    if (!renamed && errno != ENOENT) {
        return JT_ERR_IO;
    }
    int fd = openat(dir_fd, aside, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (!renamed && fd < 0) { /* nor is it aside, where a try that failed would have left it */
        return errno == ENOENT && fsync(dir_fd) == 0 ? JT_ERR_NO_FILE : JT_ERR_IO;
    }
    if (fd >= 0) {
        overwrite(fd);
        close(fd);
    }
    return unlinkat(dir_fd, aside, 0) == 0 && fsync(dir_fd) == 0 ? JT_OK : JT_ERR_IO;
}

/* Of one file it is said once until something is written again: a full disk is met at each request.
 */
static enum jt_err tell_unwritten(const char *name, enum jt_err err)
{
    static char told[JT_KEYDIR_NAME_LEN];
    int saved = errno;
    if (err == JT_OK) {
        told[0] = '\0';
    } else if (err == JT_ERR_IO && strcmp(told, name) != 0) {
        jt_log(JT_LOG_ERROR, "cannot write %s: %s", name, strerror(saved));
        (void)snprintf(told, sizeof told, "%s", name);
    }
    errno = saved;
    return err;
}

enum jt_err jt_keydir_write_new(int dir_fd, const char *name, const void *data, size_t len)
{
    return tell_unwritten(name, jt_file_write_new(dir_fd, name, data, len));
}

enum jt_err jt_keydir_replace(int dir_fd, const char *name, const void *data, size_t len)
{
    return tell_unwritten(name, jt_file_replace(dir_fd, name, data, len));
}

enum jt_err jt_keydir_renew(int dir_fd, const char *name, const void *data, size_t len)
{
    int fd = openat(dir_fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    enum jt_err err = jt_file_replace(dir_fd, name, data, len);
    if (fd >= 0) {
        int saved = errno;
        if (err == JT_OK) {
            overwrite(fd);
        }
        close(fd);
        errno = saved;
    }
    return err;
}

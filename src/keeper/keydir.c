#include "keeper/keydir.h"

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

enum jt_err jt_keydir_make(const char *path, struct jt_problem *problem)
{
    bool made = mkdir(path, 0700) == 0;
    if (!made && errno != EEXIST) {
        jt_problem_set(problem, "cannot make directory %s: %s", path, strerror(errno));
        return JT_ERR_IO;
    }
    /* One that was there may be ours, made by a run that was cut off here; where the parent is closed to us, somebody else made it. */
    if (!sync_parent(path) && (made || errno != EACCES)) {
        jt_problem_set(problem, "cannot sync the directory above %s: %s", path, strerror(errno));
        return JT_ERR_IO;
    }
    return JT_OK;
}

static enum jt_err check_directory(const char *path, int fd, struct jt_problem *problem)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        jt_problem_set(problem, "%s: %s", path, strerror(errno));
        return JT_ERR_IO;
    }
    if (st.st_uid != geteuid()) {
        jt_problem_set(problem, "%s belongs to uid %lu, not to this keeper's uid %lu", path, (unsigned long)st.st_uid,
                       (unsigned long)geteuid());
        return JT_ERR_DENIED;
    }
    if ((st.st_mode & 077) != 0) {
        jt_problem_set(problem, "%s is open to group or others (mode %04o, must be 0700)", path, (unsigned)st.st_mode & 07777);
        return JT_ERR_DENIED;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        bool taken = errno == EWOULDBLOCK;
        jt_problem_set(problem, "%s: %s", path, taken ? "another keeper is using this directory" : strerror(errno));
        return taken ? JT_ERR_CONFLICT : JT_ERR_IO;
    }
    return JT_OK;
}

enum jt_err jt_keydir_open(const char *path, int *dir_fd, struct jt_problem *problem)
{
    *dir_fd = -1;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        bool wrong_kind = errno == ENOTDIR || errno == ELOOP;
        jt_problem_set(problem, "%s: %s", path, wrong_kind ? "not a directory, or a symbolic link" : strerror(errno));
        return wrong_kind ? JT_ERR_DENIED : JT_ERR_IO;
    }
    enum jt_err err = check_directory(path, fd, problem);
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

/* The number in a key file's name, or 0. Made again from the number and compared, so that one number has one name. */
static uint64_t generation_of(const char *name)
{
    static const char prefix[] = "generation-";
    if (strncmp(name, prefix, sizeof prefix - 1) != 0) {
        return 0;
    }
    uint64_t number = strtoull(name + sizeof prefix - 1, NULL, 10);
    char canonical[JT_KEYDIR_NAME_LEN];
    jt_keydir_generation_name(number, canonical);
    return strcmp(name, canonical) == 0 ? number : 0;
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
           strcmp(known, JT_KEYDIR_STATE) == 0 || generation_of(known) != 0;
}

static enum jt_err list_one(int dir_fd, const char *name, struct jt_keydir *out, struct jt_problem *problem)
{
    struct stat st;
    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        jt_problem_set(problem, "%s: %s", name, strerror(errno));
        return JT_ERR_IO;
    }
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077) != 0) {
        jt_problem_set(problem, "%s in the keeper's directory is not a private file of this user (mode %04o, must be 0600)", name,
                       (unsigned)st.st_mode & 07777);
        return JT_ERR_DENIED;
    }
    if (is_left_over(name)) {
        return unlinkat(dir_fd, name, 0) == 0 ? JT_OK : JT_ERR_IO;
    }
    uint64_t number = generation_of(name);
    if (strcmp(name, JT_KEYDIR_MASTER) == 0) {
        out->master = true;
    } else if (strcmp(name, JT_KEYDIR_ROOT) == 0) {
        out->root = true;
    } else if (strcmp(name, JT_KEYDIR_STATE) == 0) {
        out->state = true;
    } else if (number != 0 && out->n_generations < JT_KEYDIR_MAX_GENERATIONS) {
        out->generations[out->n_generations++] = number;
    } else {
        jt_problem_set(problem, "%s does not belong in the keeper's directory", name);
        return JT_ERR_DENIED;
    }
    return JT_OK;
}

static int by_number(const void *a, const void *b)
{
    const uint64_t *x = a;
    const uint64_t *y = b;
    return (*x > *y) - (*x < *y);
}

enum jt_err jt_keydir_list(int dir_fd, struct jt_keydir *out, struct jt_problem *problem)
{
    *out = (struct jt_keydir){ 0 };
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL) {
        jt_problem_set(problem, "cannot list the keeper's directory: %s", strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return JT_ERR_IO;
    }
    enum jt_err err = JT_OK;
    errno = 0;
    for (struct dirent *d = readdir(dir); d != NULL && err == JT_OK; d = err == JT_OK ? readdir(dir) : NULL) {
        if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0) {
            err = list_one(dir_fd, d->d_name, out, problem);
        }
        errno = 0;
    }
    if (err == JT_OK && (errno != 0 || fsync(dir_fd) != 0)) {
        err = JT_ERR_IO;
    }
    if (err == JT_ERR_IO) {
        jt_problem_set(problem, "cannot list the keeper's directory: %s", strerror(errno));
    }
    closedir(dir);
    qsort(out->generations, out->n_generations, sizeof out->generations[0], by_number);
    return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "keytree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct keytree_file *)a)->name, ((const struct keytree_file *)b)->name);
}

static int open_directory(const char *path)
{
    int fd = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void read_one(int dir_fd, const char *name, struct keytree_file *out)
{
    struct stat st;
    memset(out, 0, sizeof *out);
    size_t len = strlen(name);
    assert_true(len < sizeof out->name);
    memcpy(out->name, name, len);
    assert_int_equal(fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
    out->mode = st.st_mode;
    out->uid = st.st_uid;
    out->n_links = st.st_nlink;
    if (S_ISREG(st.st_mode)) {
        int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        ssize_t n = read(fd, out->bytes, sizeof out->bytes);
        assert_true(n >= 0 && n == st.st_size);
        out->len = (size_t)n;
        close(fd);
    }
}

void keytree_read(const char *directory, struct keytree *out)
{
    out->n = 0;
    DIR *dir = opendir(directory);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            assert_true(out->n < KEYTREE_FILES);
            read_one(dirfd(dir), e->d_name, &out->files[out->n++]);
        }
    }
    closedir(dir);
    qsort(out->files, out->n, sizeof out->files[0], by_name);
}

/* A directory in a file's place is empty. */
static void remove_one(int dir_fd, const char *name)
{
    if (unlinkat(dir_fd, name, 0) != 0 && errno != ENOENT) {
        assert_int_equal(unlinkat(dir_fd, name, AT_REMOVEDIR), 0);
    }
}

void keytree_write(const char *directory, const struct keytree *tree)
{
    static struct keytree now;
    int dir_fd = open_directory(directory);
    keytree_read(directory, &now);
    for (size_t i = 0; i < now.n; i++) {
        remove_one(dir_fd, now.files[i].name);
    }
    for (size_t i = 0; i < tree->n; i++) {
        const struct keytree_file *f = &tree->files[i];
        int fd = openat(dir_fd, f->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, f->bytes, f->len), f->len);
        close(fd);
    }
    close(dir_fd);
}

const struct keytree_file *keytree_find(const struct keytree *tree, const char *name)
{
    for (size_t i = 0; i < tree->n; i++) {
        if (strcmp(tree->files[i].name, name) == 0) {
            return &tree->files[i];
        }
    }
    return NULL;
}

void keytree_put(struct keytree *tree, const struct keytree_file *file)
{
    for (size_t i = 0; i < tree->n; i++) {
        if (strcmp(tree->files[i].name, file->name) == 0) {
            tree->files[i] = *file;
            return;
        }
    }
    assert_true(tree->n < KEYTREE_FILES);
    tree->files[tree->n++] = *file;
    qsort(tree->files, tree->n, sizeof tree->files[0], by_name);
}

void keytree_same(const struct keytree *before, const struct keytree *now, const char *of_what)
{
    for (size_t i = 0; i < now->n; i++) {
        if (keytree_find(before, now->files[i].name) == NULL) {
            fail_msg("%s: %s was made", of_what, now->files[i].name);
        }
    }
    for (size_t i = 0; i < before->n; i++) {
        const struct keytree_file *was = &before->files[i];
        const struct keytree_file *is = keytree_find(now, was->name);
        if (is == NULL || is->mode != was->mode || is->uid != was->uid ||
            is->n_links != was->n_links || is->len != was->len ||
            memcmp(is->bytes, was->bytes, was->len) != 0) {
            fail_msg("%s: %s is %s", of_what, was->name, is == NULL ? "gone" : "another");
        }
    }
}

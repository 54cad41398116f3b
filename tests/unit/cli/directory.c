/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/cli/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[64];

int directory_make(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/jeton-test-cli-XXXXXX");
    return mkdtemp(directory) == NULL ? -1 : 0;
}

const char *directory_path(const char *name)
{
    static char paths[4][400];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

void directory_write(const char *name, const char *contents, mode_t mode)
{
    int fd = open(directory_path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(write(fd, contents, strlen(contents)), strlen(contents));
    close(fd);
}

const char *directory_read(const char *name, mode_t *mode)
{
    static char contents[4096];
    struct stat st;
    int fd = open(directory_path(name), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    ssize_t n = read(fd, contents, sizeof contents - 1);
    assert_true(n >= 0);
    contents[n] = '\0';
    close(fd);
    if (mode != NULL) {
        *mode = st.st_mode & 07777;
    }
    return contents;
}

int directory_n_entries(void)
{
    int n = 0;
    DIR *d = opendir(directory);
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    }
    closedir(d);
    return n;
}

int directory_remove(void **state)
{
    (void)state;
    DIR *d = opendir(directory);
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        if (unlinkat(dirfd(d), e->d_name, 0) != 0) {
            (void)unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR);
        }
    }
    closedir(d);
    return rmdir(directory);
}

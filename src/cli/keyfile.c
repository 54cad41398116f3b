/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/keyfile.h"

#include "base/file.h"
#include "base/secmem.h"
#include "cli/exit.h"
#include "cli/newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The key in `contents`: one line, with or without its end. */
static enum jt_err parse_contents(const struct jt_buf *contents,
                                  char key[static JT_API_KEY_MAX + 1])
{
    size_t len = contents->len;
    while (len > 0 && (contents->data[len - 1] == '\n' || contents->data[len - 1] == '\r')) {
        len--;
    }
    if (len == 0 || len > JT_API_KEY_MAX) {
        return JT_ERR_INVALID;
    }
    memcpy(key, contents->data, len);
    key[len] = '\0';
    struct jt_credential credential;
    enum jt_err err = jt_credential_parse(key, &credential);
    jt_wipe(&credential, sizeof credential);
    if (err != JT_OK) {
        jt_wipe(key, JT_API_KEY_MAX + 1);
    }
    return err;
}

int jt_keyfile_read(const char *path, char key[static JT_API_KEY_MAX + 1])
{
    struct jt_buf contents;
    jt_buf_init(&contents, JT_API_KEY_MAX + 2);
    enum jt_err err = jt_file_read(AT_FDCWD, path, true, &contents);
    switch (err) {
    case JT_OK:
    case JT_ERR_LIMIT:
        err = err == JT_OK ? parse_contents(&contents, key) : JT_ERR_INVALID;
        if (err != JT_OK) {
            jt_complain("%s: does not hold an API key", path);
        }
        break;
    case JT_ERR_FILE_UNSAFE:
        jt_complain("%s: must be a file of this user that nobody else can read (chmod 600)", path);
        break;
    default:
        jt_complain("%s: %s", path,
                    err == JT_ERR_IO || err == JT_ERR_NO_FILE ? strerror(errno) : jt_err_str(err));
        break;
    }
    jt_buf_clear(&contents);
    return err == JT_OK ? JT_EXIT_OK : JT_EXIT_CONFIG;
}

/* The contents of a key file; the caller wipes them. */
static size_t format_line(const char *key, char line[static JT_API_KEY_MAX + 2])
{
    int n = snprintf(line, JT_API_KEY_MAX + 2, "%.*s\n", JT_API_KEY_MAX, key);
    return (size_t)n;
}

int jt_keyfile_create(const char *path, const char *key)
{
    char line[JT_API_KEY_MAX + 2];
    size_t len = format_line(key, line);
    int code = jt_newfile_create(path, line, len);
    jt_wipe(line, sizeof line);
    return code;
}

int jt_keyfile_reserve(const char *path, struct jt_keyfile *out)
{
    *out = (struct jt_keyfile){ .path = path };
    out->dir_fd = jt_newfile_directory(path, &out->name);
    int code = jt_newfile_finish(
        path, out->dir_fd < 0 ? JT_ERR_IO : jt_file_write_new(out->dir_fd, out->name, "", 0));
    if (code != JT_EXIT_OK && out->dir_fd >= 0) {
        close(out->dir_fd);
        out->dir_fd = -1;
    }
    return code;
}

int jt_keyfile_store(struct jt_keyfile *file, const char *key)
{
    char line[JT_API_KEY_MAX + 2];
    size_t len = format_line(key, line);
    int code = jt_newfile_finish(file->path, jt_file_replace(file->dir_fd, file->name, line, len));
    jt_wipe(line, sizeof line);
    close(file->dir_fd);
    file->dir_fd = -1;
    return code;
}

void jt_keyfile_abandon(struct jt_keyfile *file)
{
    if (file->dir_fd >= 0) {
        (void)unlinkat(file->dir_fd, file->name, 0);
        close(file->dir_fd);
        file->dir_fd = -1;
    }
}

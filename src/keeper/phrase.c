/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/phrase.h"

#include "base/file.h"
#include "base/secmem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum jt_err path_of(const char *file, const char *credential, char out[static PATH_MAX],
                           struct jt_fault *fault)
{
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    if (file[0] == '\0' && directory == NULL) {
        return jt_fault_set(fault, JT_ERR_NO_FILE,
                            "systemd has given no credentials: the unit needs "
                            "LoadCredentialEncrypted=%s",
                            credential);
    }
    int n = file[0] != '\0' ? snprintf(out, PATH_MAX, "%s", file)
                            : snprintf(out, PATH_MAX, "%s/%s", directory, credential);
    return n < PATH_MAX ? JT_OK : jt_fault_raise(fault, JT_ERR_INVALID);
}

static enum jt_err take_line(const struct jt_buf *contents, struct jt_phrase *phrase)
{
    size_t len = 0;
    while (len < contents->len && contents->data[len] != '\n' && contents->data[len] != '\r') {
        len++;
    }
    if (len > JT_MASTER_PHRASE_MAX || (len > 0 && memchr(contents->data, 0, len) != NULL)) {
        return JT_ERR_INVALID;
    }
    memcpy(phrase->text, contents->data, len);
    return JT_OK;
}

enum jt_err jt_phrase_read(const char *file, const char *credential, struct jt_phrase **out,
                           struct jt_fault *fault)
{
    char path[PATH_MAX];
    *out = NULL;
    if (file[0] == '\0' && credential[0] == '\0') {
        return JT_OK;
    }
    enum jt_err err = path_of(file, credential, path, fault);
    if (err != JT_OK) {
        return err;
    }
    struct jt_buf contents;
    jt_buf_init(&contents, JT_MASTER_PHRASE_MAX + 2); /* with the end of a line */
    struct jt_phrase *phrase = jt_secmem_alloc(sizeof *phrase);
    /* systemd's directory is private, and its files may be this user's by an access list only */
    err = phrase == NULL ? JT_ERR_NOMEM : jt_file_read(AT_FDCWD, path, file[0] != '\0', &contents);
    int saved = errno;
    if (err == JT_OK) {
        err = take_line(&contents, phrase);
    }
    if (err != JT_OK) {
        jt_phrase_free(phrase);
        phrase = NULL;
        jt_fault_set(fault, err, "cannot read the passphrase from %.200s%s%s", path,
                     err == JT_ERR_IO ? ": " : "", err == JT_ERR_IO ? strerror(saved) : "");
    }
    jt_buf_clear(&contents);
    *out = phrase;
    return err;
}

void jt_phrase_free(struct jt_phrase *phrase)
{
    jt_secmem_free(phrase, sizeof *phrase);
}

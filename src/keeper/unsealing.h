/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A keeper whose master key is sealed, and what was given so far to open it. It serves already, but
 * nothing that takes a key (JT_ERR_SEALED). Shares come one at a time; what was given is wiped when
 * the key is open, when the keeper is sealed again, and when something given does not open it.
 */
#ifndef JETON_KEEPER_UNSEALING_H
#define JETON_KEEPER_UNSEALING_H

#include "base/fault.h"
#include "keeper/masterfile.h"
#include "wire/custody.h"

/* Lives in secret memory. */
struct jt_unsealing {
    struct jt_masterfile file;
    size_t file_len;
    uint8_t file_bytes[JT_MASTERFILE_MAX];
    size_t n;
    struct jt_share given[JT_SHARES_MAX];
};

/*
 * Reads the master key's file. *out is NULL where it is not sealed. JT_ERR_NO_FILE,
 * JT_ERR_FILE_UNSAFE, JT_ERR_FILE_ALTERED, JT_ERR_FILE_FOREIGN (of the other environment),
 * JT_ERR_IO, JT_ERR_NOMEM.
 */
enum jt_err jt_unsealing_new(int dir_fd, bool development, struct jt_unsealing **out,
                             struct jt_fault *fault) JT_CHECKED;
/* The same of the file's bytes, which are those of a sealed one. */
enum jt_err jt_unsealing_of(const struct jt_buf *bytes, bool development, struct jt_unsealing **out,
                            struct jt_fault *fault) JT_CHECKED;
/* NULL is accepted, by the next one too. */
void jt_unsealing_free(struct jt_unsealing *u);
void jt_unsealing_forget(struct jt_unsealing *u);

/* Whether the file is still what it was. JT_ERR_DIRECTORY_BAD; those of jt_unsealing_new. */
enum jt_err jt_unsealing_check(const struct jt_unsealing *u, int dir_fd,
                               struct jt_fault *fault) JT_CHECKED;

/*
 * Takes a passphrase, a share, or the secret of a token. The key is there (*complete) at once, or
 * when k shares are. JT_ERR_OTHER_METHOD; JT_ERR_PHRASE_WRONG; JT_ERR_PKCS11_WRONG;
 * JT_ERR_SHARE_AGAIN and those of jt_share_parse; JT_ERR_FILE_ALTERED where all shares are right.
 */
enum jt_err jt_unsealing_give(struct jt_unsealing *u, const struct jt_unseal *given, bool *complete,
                              uint8_t key[static JT_MASTER_KEY_LEN]) JT_CHECKED;

enum jt_err jt_unsealing_check_value(const uint8_t key[static JT_MASTER_KEY_LEN],
                                     uint8_t out[static JT_CHECK_VALUE_LEN]) JT_CHECKED;

/* A new master key, and its check value in the file. */
enum jt_err jt_unsealing_fresh_key(struct jt_masterfile *file,
                                   uint8_t key[static JT_MASTER_KEY_LEN]) JT_CHECKED;

#endif

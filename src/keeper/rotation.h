/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file `rotation` (docs/key-files.md): every file of the directory that lies under the master
 * key, as it is to be under the next one. It comes into its place in one step, and that step is the
 * rotation: before it everything is under the old master key, and from then on whoever opens the
 * directory first puts the files in their places. That takes no key, and may be cut off anywhere
 * and begun again. At its end the file is erased.
 *
 * File: magic "JTROTATE", u8 format = 1, u8 environment, u16 n, check values of the old master key
 * and of the new one (8 each), u16 length and bytes of `master.key`, `service-root.key` (76), n key
 * files of generations (84 each, ascending by number), and the SHA-256 of all before.
 */
#ifndef JETON_KEEPER_ROTATION_H
#define JETON_KEEPER_ROTATION_H

#include "crypto/digest.h"
#include "keeper/genfile.h"
#include "keeper/keydir.h"
#include "keeper/masterfile.h"
#include "keeper/root.h"

struct jt_rotation_key {
    uint64_t number;
    uint8_t bytes[JT_GENFILE_LEN];
};

/* No secret: what is in it is sealed. */
struct jt_rotation {
    bool development;
    uint8_t from[JT_CHECK_VALUE_LEN], to[JT_CHECK_VALUE_LEN]; /* of the master keys */
    size_t master_len;
    uint8_t master[JT_MASTERFILE_MAX];
    uint8_t root[JT_ROOT_FILE_LEN];
    size_t n;
    struct jt_rotation_key keys[JT_KEYDIR_MAX_GENERATIONS];
};

#define JT_ROTATION_MAX                                                                  \
    (8 + 1 + 1 + 2 + 2 * JT_CHECK_VALUE_LEN + 2 + JT_MASTERFILE_MAX + JT_ROOT_FILE_LEN + \
     JT_KEYDIR_MAX_GENERATIONS * JT_GENFILE_LEN + JT_SHA256_LEN)

/* `out` is initialised here, to be cleared by the caller. */
enum jt_err jt_rotation_encode(const struct jt_rotation *r, struct jt_buf *out) JT_CHECKED;
/*
 * JT_ERR_FILE_ALTERED unless whole and canonical. Whether what is in it can be opened shows when it
 * is in its place.
 */
enum jt_err jt_rotation_decode(const struct jt_buf *in, struct jt_rotation *r) JT_CHECKED;

/*
 * Puts the files of `rotation` in their places and erases it; JT_OK where there is none. A file
 * that has gone since does not come back. JT_ERR_FILE_UNSAFE, and nothing is touched, where there
 * is the key of a generation that it does not have; JT_ERR_FILE_ALTERED, JT_ERR_FILE_FOREIGN (of
 * the other environment), JT_ERR_IO: to be called again.
 */
enum jt_err jt_rotation_finish(int dir_fd, bool development, struct jt_fault *fault) JT_CHECKED;

/* jt_keydir_list, after the end of a rotation that was cut off. */
enum jt_err jt_rotation_list(int dir_fd, bool development, struct jt_keydir *out,
                             struct jt_fault *fault) JT_CHECKED;

#endif

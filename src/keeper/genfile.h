/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key file of one generation, write-once (docs/key-files.md): magic "JTGENKEY", u8 format = 2,
 * u8 environment, u8 key id, u8 origin (1: it came from another keeper), u64 number, u64 creation
 * time (seconds since 1970), check value (8), then the key wrapped by AES-256-SIV (16 + 32 bytes).
 * The whole header is associated data of the wrap, and the number must be that of the file's name:
 * no byte of the file can be changed, and no file can take the place of another.
 *
 * Format 1 has a zero in the place of the origin. It is read: when it was written, every key was
 * made by the keeper that holds it.
 */
#ifndef JETON_KEEPER_GENFILE_H
#define JETON_KEEPER_GENFILE_H

#include "crypto/fieldkey.h"
#include "keeper/master.h"
#include "base/fault.h"
#include "model/sizes.h"

#include <stdbool.h>

#define JT_GENFILE_LEN \
    (8 + 1 + 1 + 1 + 1 + 8 + 8 + JT_CHECK_VALUE_LEN + JT_WRAP_OVERHEAD + JT_GENERATION_KEY_LEN)

/* What is known of a generation's key besides its bits. */
struct jt_genfile {
    uint64_t number;
    uint8_t key_id;
    bool development;
    uint64_t created_s;
    bool foreign; /* another keeper made it: it came by parcel, or out of an escrow file */
    uint8_t check_value[JT_CHECK_VALUE_LEN];
    /* this run has acknowledged it: somebody counts on it; no part of the file */
    bool acked;
    /* it has been in a ring: its mark is there (keeper/genmark.h); no part of the file */
    bool used;
};

/* The check value of a key: derived under the label `check`. */
enum jt_err jt_genfile_check_value(const uint8_t key[static JT_GENERATION_KEY_LEN],
                                   uint8_t out[static JT_CHECK_VALUE_LEN]) JT_CHECKED;

/*
 * Durable when it returns. JT_ERR_FILE_EXISTS when the number has a file already, JT_ERR_IO,
 * JT_ERR_CRYPTO.
 */
enum jt_err jt_genfile_create(int dir_fd, const struct jt_master *master,
                              const struct jt_genfile *meta,
                              const uint8_t key[static JT_GENERATION_KEY_LEN]) JT_CHECKED;

/*
 * Reads, unwraps and checks. JT_ERR_NO_FILE, JT_ERR_FILE_UNSAFE, JT_ERR_FILE_FOREIGN (other
 * environment), JT_ERR_FILE_ALTERED (malformed, altered, another master key's or under another
 * generation's name), JT_ERR_IO. `key` is wiped on failure.
 */
enum jt_err jt_genfile_load(int dir_fd, const struct jt_master *master, bool development,
                            uint64_t number, struct jt_genfile *meta,
                            uint8_t key[static JT_GENERATION_KEY_LEN],
                            struct jt_fault *fault) JT_CHECKED;

/* The bytes of the file, and back. `out` is initialised here, to be cleared by the caller. */
enum jt_err jt_genfile_wrap(const struct jt_master *master, const struct jt_genfile *meta,
                            const uint8_t key[static JT_GENERATION_KEY_LEN],
                            struct jt_buf *out) JT_CHECKED;
/* Of what jt_genfile_load says, all but what has to do with reading; nothing is wiped. */
enum jt_err jt_genfile_unwrap(const struct jt_buf *file, const struct jt_master *master,
                              bool development, uint64_t number, struct jt_genfile *meta,
                              uint8_t key[static JT_GENERATION_KEY_LEN],
                              struct jt_fault *fault) JT_CHECKED;

/*
 * Overwrites, unlinks, and makes both durable. Overwriting is best effort: file systems and disks
 * may keep old blocks, which is why the file holds the key only in its wrapped form.
 */
enum jt_err jt_genfile_erase(int dir_fd, uint64_t number) JT_CHECKED;

#endif

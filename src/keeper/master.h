/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The master key: its file, and the keys derived from it. It only wraps: the files of the service
 * root and of the generation keys lie on disk sealed under it, and the service root on its way to
 * another keeper. What is MACed, signed or
 * made into tokens hangs on the service root (keeper/root.h), so that a master key can be changed
 * by wrapping those files anew.
 *
 * The file `master.key` (docs/key-files.md): magic "JTMASTER", u8 format = 1, u8 environment, u16
 * zero, check value (8), key (32). Format 1 holds the key in the clear and exists for development
 * only: its environment byte must say so. Format 2 is sealed: keeper/masterfile.h.
 *
 * The master key itself is wiped as soon as its children are derived.
 */
#ifndef JETON_KEEPER_MASTER_H
#define JETON_KEEPER_MASTER_H

#include "base/buf.h"
#include "crypto/wrap.h"
#include "keeper/masterfile.h"
#include "keeper/parcel.h"
#include "base/fault.h"
#include "model/sizes.h"

#include <stdbool.h>

/* Lives in secret memory. */
struct jt_master {
    uint8_t wrap_key[JT_SIV_256_KEY_LEN]; /* key files */
    uint8_t join[JT_PARCEL_BASE_LEN];     /* the service root on its way: keeper/parcel.h */
    uint8_t escrow[JT_SIV_256_KEY_LEN];   /* escrow files */
    uint8_t check_value[JT_CHECK_VALUE_LEN];
};

/*
 * Makes a new development master key in memory. `file` (initialised here, to be cleared by the
 * caller in any case) receives what jt_master_store puts on disk.
 */
enum jt_err jt_master_generate(struct jt_master **out, struct jt_buf *file,
                               struct jt_fault *fault) JT_CHECKED;

/* Makes the file. Durable when it returns. JT_ERR_FILE_EXISTS when there is one, JT_ERR_IO. */
enum jt_err jt_master_store(int dir_fd, const struct jt_buf *file,
                            struct jt_fault *fault) JT_CHECKED;

/*
 * JT_ERR_NO_FILE, JT_ERR_FILE_UNSAFE, JT_ERR_FILE_FOREIGN (other environment), JT_ERR_FILE_ALTERED
 * (malformed, check value), JT_ERR_IO, JT_ERR_CRYPTO.
 */
enum jt_err jt_master_load(int dir_fd, bool development, struct jt_master **out,
                           struct jt_fault *fault) JT_CHECKED;

/* From the key itself, which stays the caller's. JT_ERR_NOMEM, JT_ERR_CRYPTO. */
enum jt_err jt_master_new(const uint8_t key[static JT_MASTER_KEY_LEN],
                          struct jt_master **out) JT_CHECKED;

/* NULL is accepted. */
void jt_master_free(struct jt_master *master);

#endif

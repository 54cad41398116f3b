/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mark of a generation that has been in a ring: the file `generation-<number>.used` beside its
 * key file.
 *
 * Cards are sealed only under generations that a ring lists, so a key without a mark protects
 * nothing and may be erased; one with a mark may not, whatever the state file says. That is why the
 * mark stands outside the state file: an old copy of `state` put back forgets rings, and would make
 * a key look unused that protects every card. It stands outside the key file because that is
 * written once. It is written, durably, before a ring that lists the generation is accepted, and
 * never removed by itself.
 *
 * Layout (docs/key-files.md): magic "JTGENUSE", u8 format = 1, u8 environment, u8 key id, u8 zero,
 * u64 number, check value (8), CMAC of a byte 9 and all of that under the service root's
 * `mac/state` (16).
 */
#ifndef JETON_KEEPER_GENMARK_H
#define JETON_KEEPER_GENMARK_H

#include "keeper/genfile.h"
#include "keeper/root.h"

/*
 * Durable when it returns; one that is there already must be that very key's. JT_ERR_FILE_ALTERED
 * when it is not, JT_ERR_IO.
 */
enum jt_err jt_genmark_write(int dir_fd, const struct jt_root *root,
                             const struct jt_genfile *meta) JT_CHECKED;

/*
 * Checks the mark of a number; `meta` is what is known of its key, or NULL when the key is not
 * held. JT_ERR_NO_FILE, JT_ERR_FILE_UNSAFE, JT_ERR_FILE_FOREIGN (other environment),
 * JT_ERR_FILE_ALTERED (altered, or another key's), JT_ERR_IO.
 */
enum jt_err jt_genmark_check(int dir_fd, const struct jt_root *root, bool development,
                             uint64_t number, const struct jt_genfile *meta,
                             struct jt_fault *fault) JT_CHECKED;

/* Of a generation whose key is destroyed: gone for good when it returns. JT_OK without one too. */
enum jt_err jt_genmark_erase(int dir_fd, uint64_t number) JT_CHECKED;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs ROTATION_ESCROW and ROTATION_FOLLOW: the rotation of the master key. */
#ifndef JETON_WIRE_ROTATION_H
#define JETON_WIRE_ROTATION_H

#include "wire/custody.h"
#include "wire/escrow.h"

#define JT_ROTATION_MASTER_MAX 1024 /* a sealed master.key is shorter */
#define JT_ROTATION_DIGEST_LEN 32

/* The request of ROTATION_ESCROW is that of ESCROW_CHECK, or an empty file. */
struct jt_rotation_escrow {
    uint8_t digest[JT_ROTATION_DIGEST_LEN];
    struct jt_escrow_file file; /* empty where one was given */
};
void jt_rotation_escrow_encode(const struct jt_rotation_escrow *escrow, struct jt_buf *out);
enum jt_err jt_rotation_escrow_decode(struct jt_reader *in,
                                      struct jt_rotation_escrow *escrow) JT_CHECKED;

struct jt_rotation_follow {
    struct jt_unseal given;
    size_t len; /* with JT_UNSEAL_NOTHING: of the next master key's file */
    uint8_t file[JT_ROTATION_MASTER_MAX];
};
void jt_rotation_follow_encode(const struct jt_rotation_follow *follow, struct jt_buf *out);
enum jt_err jt_rotation_follow_decode(struct jt_reader *in,
                                      struct jt_rotation_follow *follow) JT_CHECKED;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ROTATION_PROVE, ROTATION_ESCROW and ROTATION_FOLLOW. Between them stand CEREMONY_MAKE and what
 * follows it, and CEREMONY_END is the rotation itself.
 */
#include "keeper/op.h"

#include "base/secmem.h"
#include "keeper/rewrap.h"
#include "wire/rotation.h"

static void reply(const struct jt_unsealing *u, bool done, struct jt_buf *out)
{
    struct jt_unsealed now = {
        .method = u->file.method, .sealed = !done, .needed = u->file.k, .given = (uint8_t)u->n
    };
    jt_unsealed_encode(&now, out);
}

enum jt_err jt_op_rotation_prove(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_unseal given;
    enum jt_err err = jt_unseal_decode(in, &given);
    if (err == JT_OK) {
        err = given.kind == JT_UNSEAL_NOTHING ? jt_rewrap_begin(k) : jt_rewrap_prove(k, &given);
    }
    jt_wipe(&given, sizeof given);
    if (err == JT_OK) {
        reply(k->unsealing, jt_rewrap_proved(k), out);
    }
    return err;
}

enum jt_err jt_op_rotation_escrow(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_escrow_file file;
    struct jt_rotation_escrow answer = { .file.len = 0 };
    enum jt_err err = jt_escrow_file_decode(in, &file);
    if (err == JT_OK) {
        err = file.len == 0 ? jt_rewrap_escrow(k, &answer.file) : jt_rewrap_verify(k, &file);
    }
    if (err == JT_OK) {
        const struct jt_escrow_file *what = file.len == 0 ? &answer.file : &file;
        err = jt_sha256(what->bytes, what->len, answer.digest);
    }
    if (err == JT_OK) {
        jt_rotation_escrow_encode(&answer, out);
    }
    return err;
}

enum jt_err jt_op_rotation_follow(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_rotation_follow follow;
    struct jt_buf file;
    jt_buf_init(&file, sizeof follow.file);
    enum jt_err err = jt_rotation_follow_decode(in, &follow);
    if (err == JT_OK && follow.given.kind == JT_UNSEAL_NOTHING) {
        jt_buf_put(&file, follow.file, follow.len);
        err = jt_buf_status(&file);
        err = err == JT_OK ? jt_rewrap_follow(k, &file) : err;
    } else if (err == JT_OK) {
        err = jt_rewrap_open(k, &follow.given);
    }
    jt_wipe(&follow, sizeof follow);
    jt_buf_clear(&file);
    if (err == JT_OK) {
        reply(k->ceremony->rotation.next, k->ceremony->is_made, out);
    }
    return err;
}

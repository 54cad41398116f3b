/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/rotation.h"

#include "wire/frame.h"
#include "wire/text.h"

#include <string.h>

void jt_rotation_escrow_encode(const struct jt_rotation_escrow *escrow, struct jt_buf *out)
{
    jt_buf_put(out, escrow->digest, sizeof escrow->digest);
    jt_escrow_file_encode(&escrow->file, out);
}

enum jt_err jt_rotation_escrow_decode(struct jt_reader *in, struct jt_rotation_escrow *escrow)
{
    jt_reader_copy(in, escrow->digest, sizeof escrow->digest);
    return jt_escrow_file_decode(in, &escrow->file);
}

void jt_rotation_follow_encode(const struct jt_rotation_follow *follow, struct jt_buf *out)
{
    jt_buf_u8(out, follow->given.kind);
    jt_wire_text_encode(follow->given.text, JT_CUSTODY_TEXT_MAX, out);
    if (follow->given.kind == JT_UNSEAL_NOTHING) {
        jt_buf_u16(out, (uint16_t)follow->len);
        jt_buf_put(out, follow->file, follow->len);
    }
}

enum jt_err jt_rotation_follow_decode(struct jt_reader *in, struct jt_rotation_follow *follow)
{
    follow->len = 0;
    follow->given.kind = jt_reader_u8(in);
    jt_wire_text_decode(in, JT_CUSTODY_TEXT_MAX, follow->given.text);
    if (follow->given.kind > JT_UNSEAL_SHARE) {
        return JT_ERR_PROTOCOL;
    }
    if (follow->given.kind == JT_UNSEAL_NOTHING) {
        size_t len = jt_reader_u16(in);
        const uint8_t *bytes = jt_reader_bytes(in, len);
        if (bytes == NULL || len > sizeof follow->file) {
            return JT_ERR_PROTOCOL;
        }
        memcpy(follow->file, bytes, len);
        follow->len = len;
    }
    return jt_wire_end(in);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "model/pkcs11box.h"

#include <string.h>

static void text_encode(const char *text, struct jt_buf *out)
{
    size_t len = strlen(text);
    jt_buf_u8(out, (uint8_t)len);
    jt_buf_put(out, text, len);
}

static bool can_be_shown(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < 0x20 || (unsigned char)text[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

static void text_decode(struct jt_reader *in, size_t max, char *text)
{
    size_t len = jt_reader_u8(in);
    if (len > max) {
        in->bad = true;
        len = 0;
    }
    jt_reader_copy(in, text, len);
    text[len] = '\0';
    in->bad = in->bad || !can_be_shown(text, len);
}

void jt_pkcs11box_encode(const struct jt_pkcs11box *box, struct jt_buf *out)
{
    text_encode(box->token, out);
    text_encode(box->serial, out);
    text_encode(box->key, out);
    jt_buf_u8(out, box->id_len);
    jt_buf_put(out, box->id, box->id_len);
    jt_buf_put(out, box->nonce, sizeof box->nonce);
    jt_buf_put(out, box->sealed, sizeof box->sealed);
}

void jt_pkcs11box_decode(struct jt_reader *in, struct jt_pkcs11box *box)
{
    *box = (struct jt_pkcs11box){ 0 };
    text_decode(in, JT_PKCS11_TOKEN_MAX, box->token);
    text_decode(in, JT_PKCS11_SERIAL_MAX, box->serial);
    text_decode(in, JT_PKCS11_KEY_MAX, box->key);
    box->id_len = jt_reader_u8(in);
    if (box->id_len > JT_PKCS11_ID_MAX) {
        in->bad = true;
        box->id_len = 0;
    }
    jt_reader_copy(in, box->id, box->id_len);
    jt_reader_copy(in, box->nonce, sizeof box->nonce);
    jt_reader_copy(in, box->sealed, sizeof box->sealed);
    in->bad = in->bad || box->token[0] == '\0' || box->key[0] == '\0';
}

bool jt_pkcs11_name_valid(const char *name, size_t max)
{
    size_t len = strlen(name);
    return len > 0 && len <= max && can_be_shown(name, len);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "batch/codepage.h"

#include "batch/trouble.h"
#include "batch/utf8.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

#define NO_CHARACTER UINT32_MAX

/*
 * What one byte alone is. False where that cannot be said: it begins a longer character, or shifts
 * to other ones, or what it is depends on the next.
 */
static bool convert(iconv_t to_unicode, uint8_t byte, uint32_t *out)
{
    uint8_t result[8];
    char *in = (char *)&byte, *end = (char *)result;
    size_t in_left = 1, room = sizeof result;
    (void)iconv(to_unicode, NULL, NULL, NULL, NULL);
    if (iconv(to_unicode, &in, &in_left, &end, &room) == (size_t)-1) {
        *out = NO_CHARACTER;
        return errno == EILSEQ;
    }
    *out = jt_get_u32(result);
    return room == sizeof result - sizeof *out;
}

static bool digits_from(const struct jt_codepage *cp, uint8_t zero)
{
    for (unsigned d = 0; d < 10; d++) {
        if (cp->unicode[zero + d] != '0' + d) {
            return false;
        }
    }
    return true;
}

/* Where two bytes are the same character, the first is written. */
static void invert(struct jt_codepage *cp)
{
    for (size_t c = 0; c < 128; c++) {
        cp->byte[c] = JT_CODEPAGE_NONE;
    }
    for (unsigned byte = 256; byte-- > 0;) {
        if (cp->unicode[byte] < 128) {
            cp->byte[cp->unicode[byte]] = (uint16_t)byte;
        }
    }
}

static enum jt_err fill(iconv_t to_unicode, struct jt_codepage *out, struct jt_trouble *trouble)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        if (!convert(to_unicode, (uint8_t)byte, &out->unicode[byte])) {
            return jt_trouble_set(trouble, JT_MSG_CODEPAGE_WIDE, 0, 0,
                                  "take one of a single byte, such as IBM037 or IBM1047");
        }
    }
    invert(out);
    out->ebcdic = digits_from(out, 0xf0);
    if ((!out->ebcdic && !digits_from(out, '0')) || out->byte[' '] == JT_CODEPAGE_NONE) {
        return jt_trouble_set(trouble, JT_MSG_CODEPAGE_DIGITS, 0, 0, "%s", "");
    }
    out->space = (uint8_t)out->byte[' '];
    return JT_OK;
}

enum jt_err jt_codepage_open(const char *name, struct jt_codepage *out, struct jt_trouble *trouble)
{
    char shown[JT_SHOWN_LEN];
    *out = (struct jt_codepage){ 0 };
    /* What stands behind slashes tells iconv to lose characters. */
    iconv_t to_unicode = strchr(name, '/') != NULL ? (iconv_t)-1 : iconv_open("UCS-4BE", name);
    if (to_unicode == (iconv_t)-1 || name[0] == '\0') {
        if (to_unicode != (iconv_t)-1) {
            iconv_close(to_unicode);
        }
        jt_trouble_show(name, strlen(name), shown);
        return jt_trouble_set(trouble, JT_MSG_CODEPAGE_UNKNOWN, 0, 0,
                              "%s; the command \"iconv -l\" lists the names", shown);
    }
    enum jt_err err = fill(to_unicode, out, trouble);
    iconv_close(to_unicode);
    return err;
}

enum jt_err jt_codepage_decode(const struct jt_codepage *cp, const uint8_t *bytes, size_t len,
                               struct jt_buf *out)
{
    for (size_t i = 0; i < len; i++) {
        uint32_t c = cp->unicode[bytes[i]];
        if (c == NO_CHARACTER) {
            return JT_ERR_INVALID;
        }
        jt_utf8_put(out, c);
    }
    return jt_buf_status(out);
}

static uint16_t byte_of(const struct jt_codepage *cp, uint32_t c)
{
    if (c < 128) {
        return cp->byte[c];
    }
    for (uint16_t byte = 0; c != NO_CHARACTER && byte < 256; byte++) {
        if (cp->unicode[byte] == c) {
            return byte;
        }
    }
    return JT_CODEPAGE_NONE;
}

enum jt_err jt_codepage_encode(const struct jt_codepage *cp, const char *text, size_t len,
                               struct jt_buf *out)
{
    for (size_t i = 0, used; i < len; i += used) {
        uint16_t byte = byte_of(cp, jt_utf8_get(text + i, len - i, &used));
        if (byte == JT_CODEPAGE_NONE) {
            return JT_ERR_INVALID;
        }
        jt_buf_u8(out, (uint8_t)byte);
    }
    return jt_buf_status(out);
}

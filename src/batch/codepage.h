/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code pages of one byte a character, as tables of 256 both ways. iconv(3) is asked once, when the
 * table is made, and never for a record.
 *
 * Digits are those of EBCDIC (X'F0' to X'F9') or those of ASCII (X'30' to X'39'): what a zoned
 * decimal number looks like follows from them.
 */
#ifndef JETON_BATCH_CODEPAGE_H
#define JETON_BATCH_CODEPAGE_H

#include "base/buf.h"
#include "batch/message.h"

#define JT_CODEPAGE_NONE UINT16_MAX

struct jt_codepage {
    uint32_t unicode[256]; /* UINT32_MAX: no character */
    uint16_t byte[128];    /* of an ASCII character; JT_CODEPAGE_NONE: it has none */
    bool ebcdic;
    uint8_t space;
};

/* `name` as iconv calls it. JT_ERR_INVALID with *trouble. */
enum jt_err jt_codepage_open(const char *name, struct jt_codepage *out,
                             struct jt_trouble *trouble) JT_CHECKED;

/* Appends bytes as UTF-8. JT_ERR_INVALID, with a part appended, where a byte is no character. */
enum jt_err jt_codepage_decode(const struct jt_codepage *cp, const uint8_t *bytes, size_t len,
                               struct jt_buf *out) JT_CHECKED;

/*
 * Appends UTF-8 as bytes of the code page. JT_ERR_INVALID, with a part appended, where it has no
 * such character.
 */
enum jt_err jt_codepage_encode(const struct jt_codepage *cp, const char *text, size_t len,
                               struct jt_buf *out) JT_CHECKED;

#endif

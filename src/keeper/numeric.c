/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/numeric.h"

#include "base/secmem.h"

#include <string.h>

enum { OF_CLASS = 1, OF_WHOLE = 2 };

enum jt_err jt_numeric_message(const struct jt_numeric_form *form, const uint8_t *packed,
                               size_t packed_len, struct jt_numeric_message *out)
{
    char text[JT_PAN_MAX_DIGITS + 1];
    enum jt_err err = jt_pan_unpack(packed, packed_len, text);
    size_t n = err == JT_OK ? strlen(text) : 0;
    if (err == JT_OK) {
        out->class[0] = OF_CLASS;
        out->class[1] = (uint8_t)n;
        memcpy(out->class + 2, text, form->leading);
        memcpy(out->class + 2 + form->leading, text + n - form->last, form->last);
        out->class_len = (uint8_t)(2 + form->leading + form->last);
        out->whole[0] = OF_WHOLE;
        memcpy(out->whole + 1, packed, packed_len);
        out->whole_len = (uint8_t)(1 + packed_len);
    }
    jt_wipe(text, sizeof text);
    return err;
}

enum jt_err jt_numeric_macs(struct jt_cmac *key, struct jt_numeric_message *messages,
                            struct jt_cmac_record *records, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct jt_numeric_message *m = &messages[i];
        records[i] =
            (struct jt_cmac_record){ .in = m->class, .in_len = m->class_len, .out = m->class_mac };
    }
    enum jt_err err = jt_cmac_many(key, records, n);
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        struct jt_numeric_message *m = &messages[i];
        records[i] =
            (struct jt_cmac_record){ .in = m->whole, .in_len = m->whole_len, .out = m->whole_mac };
    }
    return err == JT_OK ? jt_cmac_many(key, records, n) : err;
}

void jt_numeric_tok(const struct jt_numeric_message *message, uint8_t out[static JT_TOK_LEN])
{
    memcpy(out, message->class_mac, JT_TOK_CLASS_LEN);
    memcpy(out + JT_TOK_CLASS_LEN, message->whole_mac, JT_TOK_LEN - JT_TOK_CLASS_LEN);
}

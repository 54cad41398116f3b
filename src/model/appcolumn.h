/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A column of an application's own table whose card numbers a field protects: where the envelopes
 * stand that the field's clients were given.
 *
 * Jeton never connects to that database. What is kept of it are names, so that operators, the
 * `jeton column` commands and the retirement of a generation speak of the same column: no host, no
 * user, no password. As text, the form that is stored and MACed with the field's row, they are
 * joined by single spaces:
 *
 *     shop public.customer id pan pan_envelope
 */
#ifndef JETON_MODEL_APPCOLUMN_H
#define JETON_MODEL_APPCOLUMN_H

#include "model/sizes.h"

#include <stdbool.h>
#include <stdint.h>

#define JT_APP_NAME_MAX 63 /* PostgreSQL's own bound, NAMEDATALEN - 1 */

struct jt_appcolumn {
    char database[JT_APP_NAME_MAX + 1];
    char schema[JT_APP_NAME_MAX + 1];
    char table[JT_APP_NAME_MAX + 1];
    char key[JT_APP_NAME_MAX + 1];      /* names a row, uniquely and for ever: its text is the
                                           row-id of the envelope */
    char value[JT_APP_NAME_MAX + 1];    /* the card numbers in the clear */
    char envelope[JT_APP_NAME_MAX + 1]; /* bytea */
};

/*
 * A name that can be spoken of without quoting and stands in no message as something else: letters
 * and digits of ASCII, `_` and `$`, not a digit first, 1 to 63 bytes.
 */
bool jt_appcolumn_name_valid(const char *name);

/* "schema.table": both as above. */
bool jt_appcolumn_table_valid(const char *table);

/* The text of it, JT_APP_COLUMN_MAX at most. False: too long, or a name is none. */
bool jt_appcolumn_format(const struct jt_appcolumn *column, char out[static JT_APP_COLUMN_MAX + 1]);

/* False: the text is none. */
bool jt_appcolumn_parse(const char *text, struct jt_appcolumn *out);

/*
 * How many envelopes stood there under a generation, at an epoch of the ring: a row that a keeper
 * has MACed, with the column that it is about.
 */
struct jt_column_count {
    uint32_t field;
    char column[JT_APP_COLUMN_MAX + 1];
    uint64_t generation;
    uint64_t envelopes;
    uint64_t epoch;
    uint8_t mac[JT_ROW_MAC_LEN];
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row of a server's reply, read without trusting the server: each getter checks that the column
 * exists, that it is binary, its type, its length and that it is not NULL. In the manner of struct
 * jt_reader the first mismatch sets `bad`, later getters return zero, and jt_row_status is asked
 * once: JT_ERR_DB_FAULT.
 */
#ifndef JETON_STORE_ROW_H
#define JETON_STORE_ROW_H

#include "store/params.h"

struct jt_row {
    const PGresult *res;
    int row;
    bool bad;
};

/* `row` beyond the result makes the row bad at once. */
struct jt_row jt_row_init(const PGresult *res, int row);

bool jt_row_is_null(struct jt_row *r, int column);

bool jt_row_bool(struct jt_row *r, int column);
uint8_t jt_row_u8(struct jt_row *r, int column);   /* smallint of 0 to 255 */
uint16_t jt_row_u15(struct jt_row *r, int column); /* smallint, not negative */
uint32_t jt_row_u31(struct jt_row *r, int column); /* integer, not negative */
uint64_t jt_row_u63(struct jt_row *r, int column); /* bigint, not negative */
uint64_t jt_row_raw64(struct jt_row *r, int column, enum jt_pg_type type);

/*
 * The bytes of a bytea, valid as long as the result; NULL (and *len 0) when bad or longer than
 * `max`.
 */
const uint8_t *jt_row_bytes(struct jt_row *r, int column, size_t max, size_t *len);

/* The bytes copied to `out`, at most `max`; their number, 0 when bad. */
size_t jt_row_copy(struct jt_row *r, int column, void *out, size_t max);

/* A timestamptz as microseconds since 1970; 0 for NULL, 1 for what lies before. */
uint64_t jt_row_time_or_0(struct jt_row *r, int column);

/* Exactly `len` bytes of a bytea. `out` is zeroed when bad. */
void jt_row_fixed(struct jt_row *r, int column, void *out, size_t len);
void jt_row_uuid(struct jt_row *r, int column, uint8_t out[static JT_PG_UUID_LEN]);

/* A text of fewer than `size` bytes and without NUL, terminated. `out` is empty when bad. */
void jt_row_text(struct jt_row *r, int column, char *out, size_t size);
/* The same where NULL stands for the empty text. */
void jt_row_text_or_empty(struct jt_row *r, int column, char *out, size_t size);

enum jt_err jt_row_status(const struct jt_row *r) JT_CHECKED;

#endif

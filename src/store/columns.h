/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One list of a table's columns makes all that speaks of them, so that it cannot drift apart: the
 * columns in SQL, the reader of a row, the parameters that are sent.
 *
 * A list is a macro of three arguments. It calls FIRST for its first column and NEXT for each other
 * one, with the column's kind, the SQL that gives it, and the member of the struct:
 *
 *     #define NODE_ROW(FIRST, NEXT, t)       \
 *         FIRST(TEXT, t "name", spec.name)   \
 *         NEXT(U63, t "mac_epoch", mac_epoch)
 *
 * `t` is the table's alias with its dot, or "". A kind is the pair of getter and putter below.
 */
#ifndef JETON_STORE_COLUMNS_H
#define JETON_STORE_COLUMNS_H

#include "store/params.h"
#include "store/row.h"

/* The columns as SQL text, separated by commas; how many they are. */
#define JT_COLUMNS(list, t)                list(JT_COLUMN_FIRST, JT_COLUMN_NEXT, t)
#define JT_COLUMN_FIRST(kind, sql, member) sql
#define JT_COLUMN_NEXT(kind, sql, member)  ", " sql
#define JT_N_COLUMNS(list)                 (0 list(JT_COLUMN_ONE, JT_COLUMN_ONE, ""))
#define JT_COLUMN_ONE(kind, sql, member)   +1

/*
 * Defines void name(struct jt_row *row, int column, type *out): the list's columns from `column`
 * on; members that it does not name are left alone, and jt_row_status says whether all was good.
 */
#define JT_COLUMNS_READER(name, list, type)              \
    void name(struct jt_row *row, int column, type *out) \
    {                                                    \
        list(JT_COLUMN_READ, JT_COLUMN_READ, "")         \
    }                                                    \
    _Static_assert(JT_N_COLUMNS(list) > 0, "columns")
#define JT_COLUMN_READ(kind, sql, member) JT_READ_##kind(member);

/*
 * Defines void name(struct jt_params *p, const type *row): appends the list's columns, of which
 * there are `n`: as many as the statements that it is for have parameters for.
 */
#define JT_COLUMNS_PUTTER(name, list, n, type)      \
    void name(struct jt_params *p, const type *row) \
    {                                               \
        list(JT_COLUMN_PUT, JT_COLUMN_PUT, "")      \
    }                                               \
    _Static_assert(JT_N_COLUMNS(list) == (n), "as many columns as parameters")
#define JT_COLUMN_PUT(kind, sql, member) JT_PUT_##kind(member);

/* Kinds. Arrays are filled as a whole, except BYTES, which has its length in member_len. */
#define JT_READ_TEXT(member) jt_row_text(row, column++, out->member, sizeof out->member)
#define JT_READ_TEXT_OR_EMPTY(member) \
    jt_row_text_or_empty(row, column++, out->member, sizeof out->member)
#define JT_READ_BOOL(member)  out->member = jt_row_bool(row, column++)
#define JT_READ_U8(member)    out->member = jt_row_u8(row, column++)
#define JT_READ_U31(member)   out->member = jt_row_u31(row, column++)
#define JT_READ_U63(member)   out->member = jt_row_u63(row, column++)
#define JT_READ_RAW64(member) out->member = jt_row_raw64(row, column++, JT_PG_INT8)
#define JT_READ_LSN(member)   out->member = jt_row_raw64(row, column++, JT_PG_LSN)
#define JT_READ_TIME(member)  out->member = jt_row_time_or_0(row, column++)
#define JT_READ_FIXED(member) jt_row_fixed(row, column++, out->member, sizeof out->member)
#define JT_READ_UUID(member)  jt_row_uuid(row, column++, out->member)
#define JT_READ_BYTES(member) \
    out->member##_len =       \
        (__typeof__(out->member##_len))jt_row_copy(row, column++, out->member, sizeof out->member)

/* NULL is no bytes. */
#define JT_READ_BYTES_OR_NONE(member)  \
    if (jt_row_is_null(row, column)) { \
        out->member##_len = 0;         \
        column++;                      \
    } else {                           \
        JT_READ_BYTES(member);         \
    }

#define JT_PUT_TEXT(member)  jt_params_text(p, row->member)
#define JT_PUT_BOOL(member)  jt_params_bool(p, row->member)
#define JT_PUT_U8(member)    jt_params_i16(p, row->member)
#define JT_PUT_U31(member)   jt_params_u31(p, row->member)
#define JT_PUT_U63(member)   jt_params_u63(p, row->member)
#define JT_PUT_FIXED(member) jt_params_bytes(p, row->member, sizeof row->member)
#define JT_PUT_UUID(member)  jt_params_uuid(p, row->member)
#define JT_PUT_BYTES(member) jt_params_bytes(p, row->member, row->member##_len)

/* The first so many parameters. */
#define JT_SQL_3_PARAMS  "$1, $2, $3"
#define JT_SQL_5_PARAMS  JT_SQL_3_PARAMS ", $4, $5"
#define JT_SQL_6_PARAMS  JT_SQL_5_PARAMS ", $6"
#define JT_SQL_7_PARAMS  JT_SQL_6_PARAMS ", $7"
#define JT_SQL_8_PARAMS  JT_SQL_7_PARAMS ", $8"
#define JT_SQL_9_PARAMS  JT_SQL_8_PARAMS ", $9"
#define JT_SQL_10_PARAMS JT_SQL_9_PARAMS ", $10"
#define JT_SQL_11_PARAMS JT_SQL_10_PARAMS ", $11"
#define JT_SQL_12_PARAMS JT_SQL_11_PARAMS ", $12"
#define JT_SQL_13_PARAMS JT_SQL_12_PARAMS ", $13"

#endif

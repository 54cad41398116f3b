/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parameters of one statement in PostgreSQL's binary format: scalars, and the arrays by which a
 * whole batch travels as one statement.
 *
 * Written in the manner of base/buf.h: append straight through; the first failure sticks and
 * jt_params_status tells it. An array is begun with its element type and count, then exactly that
 * many elements follow, without a NULL among them.
 *
 * Source: PostgreSQL's src/backend/utils/adt/arrayfuncs.c, array_recv, and the *_recv function of
 * each type.
 */
#ifndef JETON_STORE_PARAMS_H
#define JETON_STORE_PARAMS_H

#include "base/buf.h"
#include "model/sizes.h"

#include <libpq-fe.h>

/* Type numbers that PostgreSQL never changes: src/include/catalog/pg_type.dat. */
enum jt_pg_type {
    JT_PG_BOOL = 16,
    JT_PG_BYTEA = 17,
    JT_PG_INT8 = 20,
    JT_PG_INT2 = 21,
    JT_PG_INT4 = 23,
    JT_PG_TEXT = 25,
    JT_PG_TIMESTAMPTZ = 1184,
    JT_PG_UUID = 2950,
    JT_PG_LSN = 3220,
    JT_PG_BYTEA_ARRAY = 1001,
    JT_PG_INT2_ARRAY = 1005,
    JT_PG_INT4_ARRAY = 1007,
    JT_PG_TEXT_ARRAY = 1009,
    JT_PG_INT8_ARRAY = 1016,
    JT_PG_TIMESTAMPTZ_ARRAY = 1185,
    JT_PG_UUID_ARRAY = 2951,
};

/* The epoch of its times, in microseconds since 1970. */
#define JT_PG_EPOCH_US UINT64_C(946684800000000)

/* A fingerprint and an incarnation travel as one. */
#define JT_PG_UUID_LEN 16
_Static_assert(JT_FINGERPRINT_LEN == JT_PG_UUID_LEN, "a fingerprint is a uuid in SQL");
_Static_assert(JT_INCARNATION_LEN == JT_PG_UUID_LEN, "an incarnation is a uuid in SQL");

#define JT_PARAMS_MAX       40
#define JT_PARAMS_MAX_BYTES (64u << 20)

struct jt_params {
    struct jt_buf buf;
    int n;
    Oid types[JT_PARAMS_MAX];
    size_t starts[JT_PARAMS_MAX];
    bool nulls[JT_PARAMS_MAX];
};

void jt_params_init(struct jt_params *p);
void jt_params_clear(struct jt_params *p);

void jt_params_bool(struct jt_params *p, bool v);
void jt_params_i16(struct jt_params *p, int16_t v);
/*
 * Unsigned numbers travel in PostgreSQL's signed types: beyond the positive range is JT_ERR_LIMIT.
 */
void jt_params_u31(struct jt_params *p, uint32_t v);
void jt_params_u63(struct jt_params *p, uint64_t v);
/* 64 bits as they are: an LSN, or a system identifier in a bigint. */
void jt_params_raw64(struct jt_params *p, enum jt_pg_type type, uint64_t v);
void jt_params_text(struct jt_params *p, const char *text);
void jt_params_bytes(struct jt_params *p, const void *bytes, size_t len);
void jt_params_uuid(struct jt_params *p, const uint8_t uuid[static JT_PG_UUID_LEN]);
/* Microseconds since 1970 as a timestamptz. */
void jt_params_time(struct jt_params *p, uint64_t us);
/* A text that is absent. */
void jt_params_null_text(struct jt_params *p);

/*
 * Begins an array of `n` elements; `reserve` is a guess of the bytes per element, to spare growth.
 */
void jt_params_array(struct jt_params *p, enum jt_pg_type array_type, size_t n, size_t reserve);
void jt_params_add_i16(struct jt_params *p, int16_t v);
void jt_params_add_u31(struct jt_params *p, uint32_t v);
void jt_params_add_u63(struct jt_params *p, uint64_t v);
/* Microseconds since 1970 as a timestamptz; 0: infinity. */
void jt_params_add_time(struct jt_params *p, uint64_t us);
/* bytea, text or uuid */
void jt_params_add_bytes(struct jt_params *p, const void *bytes, size_t len);
/* One bytea: 8 bytes big-endian for each number. */
void jt_params_add_u64s(struct jt_params *p, const uint64_t *numbers, size_t n);
/* A whole array of smallints. */
void jt_params_key_ids(struct jt_params *p, const uint8_t *key_ids, size_t n);

/* JT_OK, or the first failure: JT_ERR_NOMEM, JT_ERR_LIMIT. */
enum jt_err jt_params_status(const struct jt_params *p) JT_CHECKED;

/* What libpq takes; the values point into `p`. All formats are 1 (binary). */
struct jt_pg_params {
    int n;
    const Oid *types;
    const char *values[JT_PARAMS_MAX];
    int lengths[JT_PARAMS_MAX];
    int formats[JT_PARAMS_MAX];
};
void jt_params_view(const struct jt_params *p, struct jt_pg_params *out);

#endif

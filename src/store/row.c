/* SPDX-License-Identifier: Apache-2.0 */
#include "store/row.h"

#include <string.h>

struct jt_row jt_row_init(const PGresult *res, int row)
{
    return (struct jt_row){ .res = res, .row = row, .bad = row < 0 || row >= PQntuples(res) };
}

/*
 * The raw value of a column that must be of `type`; NULL when anything about it is not as it should
 * be.
 */
static const uint8_t *value(struct jt_row *r, int column, enum jt_pg_type type, size_t *len)
{
    *len = 0;
    if (r->bad || column >= PQnfields(r->res) || PQfformat(r->res, column) != 1 ||
        PQftype(r->res, column) != (Oid)type || PQgetisnull(r->res, r->row, column)) {
        r->bad = true;
        return NULL;
    }
    *len = (size_t)PQgetlength(r->res, r->row, column);
    return (const uint8_t *)PQgetvalue(r->res, r->row, column);
}

static const uint8_t *exact(struct jt_row *r, int column, enum jt_pg_type type, size_t want)
{
    size_t len;
    const uint8_t *p = value(r, column, type, &len);
    if (p == NULL || len != want) {
        r->bad = true;
        return NULL;
    }
    return p;
}

bool jt_row_is_null(struct jt_row *r, int column)
{
    if (r->bad || column >= PQnfields(r->res)) {
        r->bad = true;
        return true;
    }
    return PQgetisnull(r->res, r->row, column) != 0;
}

bool jt_row_bool(struct jt_row *r, int column)
{
    const uint8_t *p = exact(r, column, JT_PG_BOOL, 1);
    return p != NULL && p[0] != 0;
}

uint8_t jt_row_u8(struct jt_row *r, int column)
{
    const uint8_t *p = exact(r, column, JT_PG_INT2, 2);
    if (p == NULL || p[0] != 0) {
        r->bad = true;
        return 0;
    }
    return p[1];
}

uint16_t jt_row_u15(struct jt_row *r, int column)
{
    const uint8_t *p = exact(r, column, JT_PG_INT2, 2);
    if (p == NULL || p[0] > INT8_MAX) {
        r->bad = true;
        return 0;
    }
    return (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t jt_row_u31(struct jt_row *r, int column)
{
    const uint8_t *p = exact(r, column, JT_PG_INT4, 4);
    if (p == NULL || jt_get_u32(p) > INT32_MAX) {
        r->bad = true;
        return 0;
    }
    return jt_get_u32(p);
}

uint64_t jt_row_u63(struct jt_row *r, int column)
{
    uint64_t v = jt_row_raw64(r, column, JT_PG_INT8);
    if (v > INT64_MAX) {
        r->bad = true;
        return 0;
    }
    return v;
}

uint64_t jt_row_raw64(struct jt_row *r, int column, enum jt_pg_type type)
{
    const uint8_t *p = exact(r, column, type, 8);
    return p == NULL ? 0 : jt_get_u64(p);
}

uint64_t jt_row_time_or_0(struct jt_row *r, int column)
{
    if (jt_row_is_null(r, column)) {
        return 0;
    }
    int64_t since_2000 = (int64_t)jt_row_raw64(r, column, JT_PG_TIMESTAMPTZ);
    return since_2000 <= -(int64_t)JT_PG_EPOCH_US ? 1 : (uint64_t)since_2000 + JT_PG_EPOCH_US;
}

const uint8_t *jt_row_bytes(struct jt_row *r, int column, size_t max, size_t *len)
{
    const uint8_t *p = value(r, column, JT_PG_BYTEA, len);
    if (p == NULL || *len > max) {
        r->bad = true;
        *len = 0;
        return NULL;
    }
    return p;
}

size_t jt_row_copy(struct jt_row *r, int column, void *out, size_t max)
{
    size_t len;
    const uint8_t *p = jt_row_bytes(r, column, max, &len);
    if (p != NULL) {
        memcpy(out, p, len);
    }
    return len;
}

static void copy(struct jt_row *r, int column, enum jt_pg_type type, void *out, size_t len)
{
    const uint8_t *p = exact(r, column, type, len);
    if (p == NULL) {
        memset(out, 0, len);
    } else {
        memcpy(out, p, len);
    }
}

void jt_row_fixed(struct jt_row *r, int column, void *out, size_t len)
{
    copy(r, column, JT_PG_BYTEA, out, len);
}

void jt_row_uuid(struct jt_row *r, int column, uint8_t out[static JT_PG_UUID_LEN])
{
    copy(r, column, JT_PG_UUID, out, JT_PG_UUID_LEN);
}

void jt_row_text(struct jt_row *r, int column, char *out, size_t size)
{
    size_t len;
    const uint8_t *p = value(r, column, JT_PG_TEXT, &len);
    if (p == NULL || len >= size || memchr(p, 0, len) != NULL) {
        r->bad = true;
        out[0] = '\0';
        return;
    }
    memcpy(out, p, len);
    out[len] = '\0';
}

void jt_row_text_or_empty(struct jt_row *r, int column, char *out, size_t size)
{
    if (jt_row_is_null(r, column)) {
        out[0] = '\0';
    } else {
        jt_row_text(r, column, out, size);
    }
}

enum jt_err jt_row_status(const struct jt_row *r)
{
    return r->bad ? JT_ERR_DB_FAULT : JT_OK;
}

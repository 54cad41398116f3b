/* SPDX-License-Identifier: Apache-2.0 */
#include "store/params.h"

#include <string.h>

void jt_params_init(struct jt_params *p)
{
    p->n = 0;
    jt_buf_init(&p->buf, JT_PARAMS_MAX_BYTES);
}

void jt_params_clear(struct jt_params *p)
{
    jt_buf_clear(&p->buf);
    p->n = 0;
}

static void fail(struct jt_params *p, enum jt_err err)
{
    if (p->buf.err == JT_OK) {
        p->buf.err = err;
    }
}

static void begin(struct jt_params *p, enum jt_pg_type type)
{
    if (p->n == JT_PARAMS_MAX) {
        fail(p, JT_ERR_LIMIT);
        return;
    }
    p->types[p->n] = type;
    p->starts[p->n] = p->buf.len;
    p->nulls[p->n] = false;
    p->n++;
}

void jt_params_bool(struct jt_params *p, bool v)
{
    begin(p, JT_PG_BOOL);
    jt_buf_u8(&p->buf, v ? 1 : 0);
}

void jt_params_i16(struct jt_params *p, int16_t v)
{
    begin(p, JT_PG_INT2);
    jt_buf_u16(&p->buf, (uint16_t)v);
}

void jt_params_u31(struct jt_params *p, uint32_t v)
{
    begin(p, JT_PG_INT4);
    if (v > INT32_MAX) {
        fail(p, JT_ERR_LIMIT);
    }
    jt_buf_u32(&p->buf, v);
}

void jt_params_u63(struct jt_params *p, uint64_t v)
{
    if (v > INT64_MAX) {
        fail(p, JT_ERR_LIMIT);
    }
    jt_params_raw64(p, JT_PG_INT8, v);
}

void jt_params_raw64(struct jt_params *p, enum jt_pg_type type, uint64_t v)
{
    begin(p, type);
    jt_buf_u64(&p->buf, v);
}

void jt_params_text(struct jt_params *p, const char *text)
{
    begin(p, JT_PG_TEXT);
    jt_buf_put(&p->buf, text, strlen(text));
}

void jt_params_bytes(struct jt_params *p, const void *bytes, size_t len)
{
    begin(p, JT_PG_BYTEA);
    jt_buf_put(&p->buf, bytes, len);
}

void jt_params_uuid(struct jt_params *p, const uint8_t uuid[static JT_PG_UUID_LEN])
{
    begin(p, JT_PG_UUID);
    jt_buf_put(&p->buf, uuid, JT_PG_UUID_LEN);
}

/* PostgreSQL counts microseconds since 2000-01-01T00:00:00Z. */
void jt_params_time(struct jt_params *p, uint64_t us)
{
    jt_params_raw64(p, JT_PG_TIMESTAMPTZ, us - JT_PG_EPOCH_US);
}

void jt_params_null_text(struct jt_params *p)
{
    begin(p, JT_PG_TEXT);
    p->nulls[p->n - 1] = true;
}

static enum jt_pg_type element_type(enum jt_pg_type array_type)
{
    switch (array_type) {
    case JT_PG_INT2_ARRAY: return JT_PG_INT2;
    case JT_PG_INT4_ARRAY: return JT_PG_INT4;
    case JT_PG_INT8_ARRAY: return JT_PG_INT8;
    case JT_PG_TIMESTAMPTZ_ARRAY: return JT_PG_TIMESTAMPTZ;
    case JT_PG_TEXT_ARRAY: return JT_PG_TEXT;
    case JT_PG_UUID_ARRAY: return JT_PG_UUID;
    default: return JT_PG_BYTEA;
    }
}

/*
 * i32 dimensions, i32 whether there are NULLs, i32 element type; for each dimension i32 size, i32
 * lower bound; then i32 length and bytes each.
 */
void jt_params_array(struct jt_params *p, enum jt_pg_type array_type, size_t n, size_t reserve)
{
    begin(p, array_type);
    if (n > JT_PARAMS_MAX_BYTES / (4 + reserve)) {
        fail(p, JT_ERR_LIMIT);
        return;
    }
    enum jt_err err = jt_buf_reserve(&p->buf, 20 + n * (4 + reserve));
    if (err != JT_OK) {
        fail(p, err);
        return;
    }
    jt_buf_u32(&p->buf, n == 0 ? 0 : 1);
    jt_buf_u32(&p->buf, 0);
    jt_buf_u32(&p->buf, element_type(array_type));
    if (n > 0) {
        jt_buf_u32(&p->buf, (uint32_t)n);
        jt_buf_u32(&p->buf, 1);
    }
}

void jt_params_add_i16(struct jt_params *p, int16_t v)
{
    jt_buf_u32(&p->buf, 2);
    jt_buf_u16(&p->buf, (uint16_t)v);
}

void jt_params_add_u31(struct jt_params *p, uint32_t v)
{
    if (v > INT32_MAX) {
        fail(p, JT_ERR_LIMIT);
    }
    jt_buf_u32(&p->buf, 4);
    jt_buf_u32(&p->buf, v);
}

void jt_params_add_u63(struct jt_params *p, uint64_t v)
{
    if (v > INT64_MAX) {
        fail(p, JT_ERR_LIMIT);
    }
    jt_buf_u32(&p->buf, 8);
    jt_buf_u64(&p->buf, v);
}

void jt_params_add_time(struct jt_params *p, uint64_t us)
{
    if (us > INT64_MAX) {
        fail(p, JT_ERR_LIMIT);
    }
    jt_buf_u32(&p->buf, 8);
    jt_buf_u64(&p->buf, us == 0 ? INT64_MAX : us - JT_PG_EPOCH_US);
}

void jt_params_add_bytes(struct jt_params *p, const void *bytes, size_t len)
{
    jt_buf_u32(&p->buf, (uint32_t)len);
    jt_buf_put(&p->buf, bytes, len);
}

void jt_params_add_u64s(struct jt_params *p, const uint64_t *numbers, size_t n)
{
    jt_buf_u32(&p->buf, (uint32_t)(8 * n));
    for (size_t i = 0; i < n; i++) {
        jt_buf_u64(&p->buf, numbers[i]);
    }
}

void jt_params_key_ids(struct jt_params *p, const uint8_t *key_ids, size_t n)
{
    jt_params_array(p, JT_PG_INT2_ARRAY, n, 2);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_i16(p, key_ids[i]);
    }
}

enum jt_err jt_params_status(const struct jt_params *p)
{
    return jt_buf_status(&p->buf);
}

void jt_params_view(const struct jt_params *p, struct jt_pg_params *out)
{
    out->n = p->n;
    out->types = p->types;
    for (int i = 0; i < p->n; i++) {
        size_t end = i + 1 < p->n ? p->starts[i + 1] : p->buf.len;
        /* An empty value still needs a pointer: NULL would mean the SQL NULL. */
        const char *at = p->buf.data == NULL ? "" : (const char *)p->buf.data + p->starts[i];
        out->values[i] = p->nulls[i] ? NULL : at;
        out->lengths[i] = (int)(end - p->starts[i]);
        out->formats[i] = 1;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/portion.h"

#include "base/secmem.h"
#include "cli/backoff.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_RAW     (8u << 20) /* bytes of rows in one portion, one record more */
#define MAX_VALUE   100        /* longer values are refused here: no card number or token is */
#define MAX_VALUES  (1u << 20) /* bytes sent in one portion */
#define REQUEST_MAX (4u << 20)

enum jt_err jt_portion_init(struct jt_portion *b, const struct jt_direction *direction,
                            struct jt_reasons *reasons, size_t max_rows)
{
    *b = (struct jt_portion){ .direction = direction, .reasons = reasons, .max_rows = max_rows };
    jt_buf_init(&b->raw, MAX_RAW + JT_CSV_RECORD_MAX);
    jt_buf_init(&b->values, MAX_VALUES + JT_CSV_RECORD_MAX);
    jt_buf_init(&b->results, MAX_VALUES);
    jt_buf_init(&b->request, REQUEST_MAX);
    b->rows = calloc(max_rows, sizeof *b->rows);
    return b->rows == NULL ? JT_ERR_NOMEM : JT_OK;
}

void jt_portion_clear(struct jt_portion *b)
{
    jt_buf_clear(&b->raw);
    jt_buf_clear(&b->values);
    jt_buf_clear(&b->results);
    jt_buf_clear(&b->request);
    free(b->rows);
    *b = (struct jt_portion){ 0 };
}

void jt_portion_reset(struct jt_portion *b)
{
    jt_buf_reset(&b->raw);
    jt_buf_reset(&b->values);
    jt_buf_reset(&b->results);
    jt_buf_reset(&b->request);
    b->n_rows = 0;
    b->n_pending = 0;
}

bool jt_portion_has_room(const struct jt_portion *b)
{
    return b->n_rows < b->max_rows && b->raw.len < MAX_RAW &&
           b->values.len < MAX_VALUES - MAX_VALUE;
}

/* The index of a reason; characters that have no place in a problem type are left out. */
static uint8_t reason_index(struct jt_reasons *reasons, const char *text)
{
    char name[JT_REASON_LEN];
    size_t len = 0;
    for (; *text != '\0' && len < sizeof name - 1; text++) {
        if ((*text >= 'a' && *text <= 'z') || (*text >= '0' && *text <= '9') || *text == '-') {
            name[len++] = *text;
        }
    }
    name[len] = '\0';
    for (size_t i = 0; i < reasons->n; i++) {
        if (strcmp(reasons->names[i], name) == 0) {
            return (uint8_t)i;
        }
    }
    if (reasons->n == JT_MAX_REASONS) {
        /* a server with so many reasons gets its last ones counted together */
        return JT_MAX_REASONS - 1;
    }
    memcpy(reasons->names[reasons->n], name, len + 1);
    return (uint8_t)reasons->n++;
}

static void reject(struct jt_portion *b, struct jt_portion_row *row, const char *reason)
{
    row->state = JT_PORTION_REJECTED;
    row->reason = reason_index(b->reasons, reason);
}

/* Whether a value can be put into a JSON string after escaping quote and backslash. */
static bool is_plain(const uint8_t *value, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (value[i] < 0x20 || value[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

enum jt_err jt_portion_add(struct jt_portion *b, const struct jt_csv_record *record,
                           size_t n_columns)
{
    struct jt_portion_row *row = &b->rows[b->n_rows];
    *row = (struct jt_portion_row){ .line = record->line,
                                    .raw_at = (uint32_t)b->raw.len,
                                    .raw_len = (uint32_t)record->raw_len };
    if (record->malformed || record->n_fields != n_columns) {
        reject(b, row, record->malformed ? "csv-malformed" : "csv-field-count");
        b->n_rows++;
        return JT_OK;
    }
    row->field_at = row->raw_at + (uint32_t)record->field_at;
    row->field_len = (uint32_t)record->field_len;
    row->value_at = (uint32_t)b->values.len;
    jt_buf_put(&b->raw, record->raw, record->raw_len);
    jt_csv_unquote(record->raw + record->field_at, record->field_len, &b->values);
    enum jt_err err =
        jt_buf_status(&b->raw) != JT_OK ? jt_buf_status(&b->raw) : jt_buf_status(&b->values);
    if (err != JT_OK) {
        return err;
    }
    row->value_len = (uint32_t)b->values.len - row->value_at;
    /*
     * An empty buffer has no data; an empty value is sent like any other, for the server to refuse.
     */
    const uint8_t *value =
        row->value_len == 0 ? (const uint8_t *)"" : b->values.data + row->value_at;
    if (row->value_len > MAX_VALUE || !is_plain(value, row->value_len)) {
        reject(b, row, b->direction->fault((const char *)value, row->value_len));
    } else {
        b->n_pending++;
    }
    b->n_rows++;
    return JT_OK;
}

static void put_text(struct jt_buf *out, const char *text)
{
    jt_buf_put(out, text, strlen(text));
}

static void put_value(struct jt_buf *out, const uint8_t *value, size_t len)
{
    if (memchr(value, '"', len) == NULL && memchr(value, '\\', len) == NULL) {
        jt_buf_put(out, value, len);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        if (value[i] == '"' || value[i] == '\\') {
            jt_buf_u8(out, '\\');
        }
        jt_buf_u8(out, value[i]);
    }
}

enum jt_err jt_portion_make_request(struct jt_portion *b)
{
    struct jt_buf *out = &b->request;
    jt_buf_reset(out);
    if (b->direction->expires_at != NULL) {
        put_text(out, "{\"expires_at\":\"");
        put_text(out, b->direction->expires_at);
        put_text(out, "\",\"items\":[");
    } else {
        put_text(out, "{\"items\":[");
    }
    bool first = true;
    for (size_t i = 0; i < b->n_rows; i++) {
        const struct jt_portion_row *row = &b->rows[i];
        if (row->state != JT_PORTION_PENDING) {
            continue;
        }
        put_text(out, first ? "{\"" : ",{\"");
        put_text(out, b->direction->member_in);
        put_text(out, "\":\"");
        if (row->value_len > 0) {
            put_value(out, b->values.data + row->value_at, row->value_len);
        }
        put_text(out, "\"}");
        first = false;
    }
    put_text(out, "]}");
    return jt_buf_status(out);
}

static enum jt_err apply_one(struct jt_portion *b, struct jt_portion_row *row, const json_t *result)
{
    const json_t *status = json_object_get(result, "status");
    json_int_t code = json_integer_value(status);
    if (!json_is_integer(status) || code < 200 || code > 599) {
        return JT_ERR_PROTOCOL;
    }
    if (code == 200) {
        const json_t *value = json_object_get(result, b->direction->member_out);
        const char *text = json_string_value(value);
        size_t len = json_string_length(value);
        if (text == NULL || !b->direction->result_ok(text, len)) {
            return JT_ERR_PROTOCOL;
        }
        row->result_at = (uint32_t)b->results.len;
        row->result_len = (uint32_t)len;
        jt_buf_put(&b->results, text, len);
        row->state = JT_PORTION_DONE;
        b->n_pending--;
        return jt_buf_status(&b->results);
    }
    const char *type = json_string_value(json_object_get(result, "type"));
    const char *colon = type == NULL ? NULL : strrchr(type, ':');
    const char *problem = colon == NULL ? NULL : colon + 1;
    if (!jt_item_is_passing((long)code, problem)) {
        reject(b, row, problem != NULL ? problem : "unknown");
        b->n_pending--;
    }
    return JT_OK;
}

enum jt_err jt_portion_apply(struct jt_portion *b, const struct jt_buf *reply)
{
    json_t *root = reply->len == 0 ? NULL
                                   : json_loadb((const char *)reply->data, reply->len,
                                                JSON_REJECT_DUPLICATES, NULL);
    const json_t *results = json_object_get(root, "results");
    enum jt_err err = json_is_array(results) && json_array_size(results) == b->n_pending
                          ? JT_OK
                          : JT_ERR_PROTOCOL;
    size_t at = 0;
    for (size_t i = 0; i < b->n_rows && err == JT_OK; i++) {
        if (b->rows[i].state == JT_PORTION_PENDING) {
            err = apply_one(b, &b->rows[i], json_array_get(results, at++));
        }
    }
    json_decref(root);
    return err;
}

static void write_row(const struct jt_portion *b, const struct jt_portion_row *row,
                      struct jt_buf *out)
{
    const uint8_t *raw = b->raw.data;
    size_t after = row->field_at + row->field_len;
    jt_buf_put(out, raw + row->raw_at, row->field_at - row->raw_at);
    jt_buf_put(out, b->results.data + row->result_at, row->result_len);
    jt_buf_put(out, raw + after, row->raw_at + row->raw_len - after);
}

enum jt_err jt_portion_write(struct jt_portion *b, struct jt_buf *out, struct jt_buf *rejects,
                             uint64_t *n_accepted)
{
    for (size_t i = 0; i < b->n_rows; i++) {
        const struct jt_portion_row *row = &b->rows[i];
        if (row->state == JT_PORTION_DONE) {
            write_row(b, row, out);
            (*n_accepted)++;
            continue;
        }
        char line[JT_REASON_LEN + 32];
        int n = snprintf(line, sizeof line, "%" PRIu64 ",%s\n", row->line,
                         b->reasons->names[row->reason]);
        jt_buf_put(rejects, line, (size_t)n);
        b->reasons->counts[row->reason]++;
    }
    return jt_buf_status(out) != JT_OK ? jt_buf_status(out) : jt_buf_status(rejects);
}

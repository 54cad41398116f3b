/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/csv.h"

#include <string.h>
#include <unistd.h>

#define CHUNK 65536

void jt_csv_init(struct jt_csv *csv, int fd)
{
    *csv = (struct jt_csv){ .fd = fd, .column = JT_CSV_NO_COLUMN, .line = 1 };
    jt_buf_init(&csv->window, JT_CSV_RECORD_MAX + CHUNK);
}

void jt_csv_clear(struct jt_csv *csv)
{
    jt_buf_clear(&csv->window);
}

/* What the scan of one record knows between two bytes. */
struct scan {
    size_t i; /* next byte, from the start of the record */
    size_t field_start, n_fields;
    uint64_t n_lines;
    uint64_t n_lines_before_field;
    enum { AT_START, PLAIN, QUOTED, AFTER_QUOTE, CR_AFTER_QUOTE } state;
    struct jt_csv_record *out;
};

static void end_field(struct scan *s, size_t column, size_t end)
{
    if (s->n_fields == column) {
        s->out->field_at = s->field_start;
        s->out->field_len = end - s->field_start;
    }
    s->n_fields++;
    s->state = AT_START;
}

/*
 * One byte of a field. False when it ends the field or the record: a comma or a line end outside
 * quotes.
 */
static bool scan_byte(struct scan *s, char c)
{
    bool delimiter = c == ',' || c == '\n';
    switch (s->state) {
    case AT_START: s->state = c == '"' ? QUOTED : PLAIN; return !delimiter;
    case PLAIN: return !delimiter;
    case QUOTED: s->state = c == '"' ? AFTER_QUOTE : QUOTED; return true;
    case AFTER_QUOTE:
        if (c == '"') {
            s->state = QUOTED; /* a doubled quote */
        } else if (c == '\r') {
            s->state = CR_AFTER_QUOTE;
        } else if (!delimiter) {
            s->out->malformed = true;
            s->state = PLAIN;
        }
        return !delimiter;
    case CR_AFTER_QUOTE:
        if (c != '\n') {
            s->out->malformed = true;
            s->state = PLAIN;
        }
        return !delimiter;
    }
    return true;
}

/*
 * Scans on from s->i over `len` bytes of the record, by the grammar of RFC 4180 section 2. True
 * when the record ended: s->i is its length then.
 */
static bool scan_record(struct scan *s, size_t column, const char *p, size_t len)
{
    for (; s->i < len; s->i++) {
        char c = p[s->i];
        s->n_lines += c == '\n';
        if (scan_byte(s, c)) {
            continue;
        }
        bool crlf = c == '\n' && s->i > s->field_start && p[s->i - 1] == '\r';
        end_field(s, column, s->i - (crlf ? 1 : 0));
        s->field_start = s->i + 1;
        s->n_lines_before_field = s->n_lines;
        if (c == '\n') {
            s->i++;
            return true;
        }
    }
    return false;
}

/* Reads more into the window, in front of which everything handed out is dropped. */
static enum jt_err refill(struct jt_csv *csv)
{
    jt_buf_consume(&csv->window, csv->at);
    csv->at = 0;
    enum jt_err err = jt_buf_reserve(&csv->window, CHUNK);
    if (err != JT_OK) {
        return err;
    }
    /*
     * EINTR is not repeated: a signal that this program catches is meant to end a wait for input.
     */
    ssize_t n = read(csv->fd, csv->window.data + csv->window.len, CHUNK);
    if (n < 0) {
        return JT_ERR_IO;
    }
    csv->window.len += (size_t)n;
    csv->end_of_file = n == 0;
    return JT_OK;
}

/*
 * Reads the start of a record. A byte order mark in front of the file belongs to no field: behind
 * it the first one may be quoted.
 */
static enum jt_err begin(struct jt_csv *csv, struct scan *s)
{
    static const uint8_t mark[] = { 0xef, 0xbb, 0xbf };
    while (csv->consumed == 0 && csv->window.len < sizeof mark && !csv->end_of_file) {
        enum jt_err err = refill(csv);
        if (err != JT_OK) {
            return err;
        }
    }
    if (csv->consumed == 0 && csv->window.len >= sizeof mark &&
        memcmp(csv->window.data, mark, sizeof mark) == 0) {
        s->i = s->field_start = sizeof mark;
    }
    return JT_OK;
}

static void hand_out(struct jt_csv *csv, const struct scan *s)
{
    s->out->raw = (const char *)csv->window.data + csv->at;
    s->out->raw_len = s->i;
    s->out->line = csv->line;
    s->out->n_fields = s->n_fields;
    csv->at += s->i;
    csv->consumed += s->i;
    csv->line += s->n_lines;
}

enum jt_err jt_csv_next(struct jt_csv *csv, struct jt_csv_record *out)
{
    *out = (struct jt_csv_record){ 0 };
    struct scan s = { .out = out };
    enum jt_err err = begin(csv, &s);
    if (err != JT_OK) {
        return err;
    }
    while (!scan_record(&s, csv->column, (const char *)csv->window.data + csv->at,
                        csv->window.len - csv->at)) {
        if (csv->end_of_file) {
            if (s.i == 0) {
                return JT_ERR_NO_RECORD;
            }
            if (s.state == QUOTED) {
                csv->open_quote_line = csv->line + s.n_lines_before_field;
                return JT_ERR_INVALID;
            }
            bool cr = csv->window.data[csv->at + s.i - 1] == '\r' && s.i > s.field_start;
            end_field(&s, csv->column, s.i - (cr ? 1 : 0));
            break;
        }
        err = s.i > JT_CSV_RECORD_MAX ? JT_ERR_LIMIT : refill(csv);
        if (err != JT_OK) {
            return err;
        }
    }
    if (s.i > JT_CSV_RECORD_MAX) {
        return JT_ERR_LIMIT;
    }
    hand_out(csv, &s);
    return JT_OK;
}

void jt_csv_unquote(const char *raw, size_t len, struct jt_buf *out)
{
    if (len < 2 || raw[0] != '"' || raw[len - 1] != '"') {
        jt_buf_put(out, raw, len);
        return;
    }
    for (size_t i = 1; i + 1 < len; i++) {
        jt_buf_u8(out, (uint8_t)raw[i]);
        /* skip the second of a doubled quote */
        i += raw[i] == '"' && raw[i + 1] == '"' && i + 2 < len;
    }
}

static bool names_match(const char *raw, size_t len, const char *name, bool *out)
{
    struct jt_buf value;
    jt_buf_init(&value, JT_CSV_RECORD_MAX);
    jt_csv_unquote(raw, len, &value);
    bool fine = jt_buf_status(&value) == JT_OK;
    *out =
        value.len == strlen(name) && (value.len == 0 || memcmp(value.data, name, value.len) == 0);
    jt_buf_clear(&value);
    return fine;
}

enum jt_err jt_csv_find_column(struct jt_csv *csv, const struct jt_csv_record *header,
                               const char *name)
{
    size_t bom = header->raw_len >= 3 && memcmp(header->raw, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    size_t found = JT_CSV_NO_COLUMN;
    for (size_t column = 0; column < header->n_fields; column++) {
        /* Scanning anew for each name keeps one grammar for everything; a header is read once. */
        struct jt_csv_record field = { 0 };
        struct scan s = { .out = &field };
        if (!scan_record(&s, column, header->raw + bom, header->raw_len - bom)) {
            end_field(&s, column, header->raw_len - bom);
        }
        bool same;
        if (!names_match(header->raw + bom + field.field_at, field.field_len, name, &same)) {
            return JT_ERR_NOMEM;
        }
        if (same && found != JT_CSV_NO_COLUMN) {
            return JT_ERR_COLUMN_TWICE;
        }
        found = same ? column : found;
    }
    csv->column = found;
    return found == JT_CSV_NO_COLUMN ? JT_ERR_NO_COLUMN : JT_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Records that are lines, or CSV rows of several: from the window to struct jt_record. */
#include "batch/source_parts.h"

#include "batch/csvcell.h"
#include "batch/csvhead.h"
#include "batch/jsonline.h"
#include "batch/trouble.h"

#include <string.h>

#define TRAILER_LEN 80
#define SPILL_LEN   65536 /* bytes of a record that are given at once */

/* A byte order mark is part of the first record, and of no value. */
static enum jt_err find_mark(struct jt_record_source *s, struct jt_trouble *trouble)
{
    static const uint8_t mark[] = { 0xef, 0xbb, 0xbf };
    enum jt_err err = jt_inlet_find_form(&s->in);
    while (err == JT_OK && jt_inlet_left(&s->in) < sizeof mark && !s->in.end_of_file) {
        err = jt_inlet_more(&s->in, trouble);
    }
    if (err == JT_OK && jt_inlet_left(&s->in) >= sizeof mark &&
        memcmp(jt_inlet_text(&s->in), mark, sizeof mark) == 0) {
        s->skip = sizeof mark;
    }
    return err;
}

enum jt_err jt_source_text_begin(struct jt_record_source *s, struct jt_trouble *trouble)
{
    struct jt_format *f = s->format;
    enum jt_err err = find_mark(s, trouble);
    if (err == JT_OK && f->kind == JT_FORMAT_CSV) {
        err = jt_csvhead_find(f, &s->in, s->skip, &s->n_passed, trouble);
        s->scan.delimiter = f->csv.delimiter;
        s->scan.wanted = f->csv.wanted;
        s->scan.n_wanted = f->n_places;
    } else {
        s->scan.delimiter = JT_CSV_LINES;
    }
    s->begun = err == JT_OK;
    return err;
}

static enum jt_err open_quote(const struct jt_record_source *s, struct jt_trouble *trouble)
{
    return jt_trouble_set(trouble, JT_MSG_QUOTE_OPEN, s->line + s->scan.field_line, 0, "%s", "");
}

/* The next record is in the window as a whole, or known to be too long. */
static enum jt_err complete(struct jt_record_source *s, struct jt_trouble *trouble)
{
    if (!s->in_record) {
        jt_csvscan_start(&s->scan, s->skip);
        s->in_record = true;
        s->ended = false;
    }
    for (;;) {
        size_t left = jt_inlet_left(&s->in);
        s->ended = left > 0 && jt_csvscan_more(&s->scan, jt_inlet_text(&s->in), left);
        if (s->ended || s->scan.i > JT_RECORD_MAX) {
            return JT_OK;
        }
        if (s->in.end_of_file) {
            if (left == 0) {
                return JT_ERR_NO_RECORD;
            }
            s->ended = jt_csvscan_end(&s->scan, jt_inlet_text(&s->in), left);
            return s->ended ? JT_OK : open_quote(s, trouble);
        }
        enum jt_err err = jt_inlet_more(&s->in, trouble);
        if (err != JT_OK) {
            return err;
        }
    }
}

/* Goes past bytes of the input that lie at the front of the window. */
static void consume(struct jt_record_source *s, size_t len)
{
    s->consumed += jt_inlet_size(&s->in, jt_inlet_text(&s->in), len);
    s->in.at += len;
}

static void finish(struct jt_record_source *s)
{
    s->line += s->scan.n_lines;
    s->skip = 0;
    s->in_record = s->spilling = false;
}

static void read_cells(struct jt_record_source *s, struct jt_record *out)
{
    const struct jt_csv_format *csv = &s->format->csv;
    if (s->scan.malformed || s->scan.n_fields != csv->n_columns) {
        out->kind = JT_RECORD_FAULTY;
        out->fault = s->scan.malformed ? JT_MSG_QUOTE_TEXT : JT_MSG_COLUMN_COUNT;
        return;
    }
    out->n_values = s->scan.n_wanted;
    for (size_t i = 0; i < out->n_values; i++) {
        const struct jt_csv_cell *cell = &s->scan.cells[i];
        struct jt_record_value *value = &out->values[i];
        value->at = cell->at;
        value->len = cell->len;
        value->fault = JT_MSG_NONE;
        value->place = csv->places[i];
        jt_csvcell_read((const char *)out->raw + cell->at, cell->len, &s->decoded, &value->text,
                        &value->text_len);
    }
}

static enum jt_err read_values(struct jt_record_source *s, struct jt_record *out)
{
    /* Pointers into it must stay where they are. */
    enum jt_err err = jt_buf_reserve(&s->decoded, out->raw_len);
    if (err != JT_OK) {
        return err;
    }
    if (s->format->kind == JT_FORMAT_JSON) {
        size_t end = jt_format_line_end((const char *)out->raw, out->raw_len);
        return jt_jsonline_read(s->format->paths, s->format->n_paths, s->skip,
                                out->raw_len - s->skip - end, &s->decoded, out);
    }
    read_cells(s, out);
    return JT_OK;
}

/* A line of JSON may be blank without being empty. */
static bool is_white(const struct jt_record_source *s)
{
    return s->format->kind == JT_FORMAT_JSON && !s->spilling &&
           jt_jsonline_blank(jt_inlet_text(&s->in) + s->skip, s->scan.len - s->skip);
}

enum jt_err jt_source_text_next(struct jt_record_source *s, struct jt_record *out,
                                struct jt_trouble *trouble)
{
    if (!s->begun || s->spilling) {
        return JT_ERR_IMPOSSIBLE;
    }
    enum jt_err err = complete(s, trouble);
    if (err != JT_OK) {
        return err;
    }
    s->spilling = !s->ended || s->scan.len > JT_RECORD_MAX;
    bool passed = s->n_passed > 0 || s->scan.blank || is_white(s);
    out->kind = s->spilling ? JT_RECORD_TOO_LONG : passed ? JT_RECORD_PASSED : JT_RECORD_DATA;
    out->fault = s->spilling ? JT_MSG_RECORD_LONG : JT_MSG_NONE;
    out->raw = s->spilling ? NULL : (const uint8_t *)jt_inlet_text(&s->in);
    out->raw_len = s->spilling ? 0 : s->scan.len;
    out->line = s->line;
    out->n_values = 0;
    if (out->kind == JT_RECORD_DATA) {
        err = read_values(s, out);
        if (err != JT_OK) {
            return err;
        }
    }
    s->n_passed -= s->n_passed > 0 && !s->scan.blank;
    out->number = passed && !s->spilling ? 0 : ++s->number;
    if (!s->spilling) {
        consume(s, s->scan.len);
        finish(s);
    }
    out->end = s->consumed;
    return JT_OK;
}

/* Looks for the end of a long record in what comes next. */
static enum jt_err seek_end(struct jt_record_source *s, struct jt_trouble *trouble)
{
    enum jt_err err = jt_inlet_more(&s->in, trouble);
    if (err != JT_OK) {
        return err;
    }
    size_t left = jt_inlet_left(&s->in);
    s->ended = left > 0 && jt_csvscan_more(&s->scan, jt_inlet_text(&s->in), left);
    if (!s->ended && s->in.end_of_file) {
        s->ended = jt_csvscan_end(&s->scan, jt_inlet_text(&s->in), left);
        return s->ended ? JT_OK : open_quote(s, trouble);
    }
    return JT_OK;
}

/* How much of the record is given now: whole characters, and nothing that may be its line end. */
static size_t part_of(const struct jt_record_source *s, bool *last)
{
    const char *text = jt_inlet_text(&s->in);
    size_t len = s->ended ? s->scan.len : s->scan.i;
    size_t end = s->ended ? jt_format_line_end(text, len) : text[len - 1] == '\r' ? 1 : 0;
    size_t n = len - end;
    *last = s->ended && n <= SPILL_LEN;
    if (n > SPILL_LEN) {
        n = SPILL_LEN;
        while (n > SPILL_LEN - 4 && ((uint8_t)text[n] & 0xc0) == 0x80) {
            n--;
        }
    }
    return n;
}

enum jt_err jt_source_spill(struct jt_record_source *s, const char trailer[static TRAILER_LEN],
                            struct jt_buf *out, bool *done, uint64_t *end,
                            struct jt_trouble *trouble)
{
    bool last = false;
    *done = false;
    if (!s->spilling) {
        return JT_ERR_IMPOSSIBLE;
    }
    if (!s->ended && s->scan.i <= SPILL_LEN) {
        enum jt_err err = seek_end(s, trouble);
        if (err != JT_OK) {
            return err;
        }
    }
    size_t n = part_of(s, &last), line_end = last ? s->scan.len - n : 0;
    enum jt_err err = jt_buf_reserve(out, n + (last ? TRAILER_LEN + line_end : 0));
    if (err != JT_OK) {
        return err;
    }
    const char *text = jt_inlet_text(&s->in);
    jt_buf_put(out, text, n);
    if (last) {
        jt_buf_put(out, trailer, TRAILER_LEN);
        jt_buf_put(out, text + n, line_end);
    }
    consume(s, n + line_end);
    jt_csvscan_drop(&s->scan, n + line_end);
    s->scan.len = s->ended ? s->scan.len - n - line_end : 0;
    if (last) {
        finish(s);
    }
    *done = last;
    *end = s->consumed;
    return jt_buf_status(out);
}

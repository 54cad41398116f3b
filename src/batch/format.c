/* SPDX-License-Identifier: Apache-2.0 */
#include "batch/format_parts.h"

#include "base/secmem.h"
#include "batch/csvcell.h"
#include "batch/jsonline.h"
#include "batch/plan.h"
#include "batch/trouble.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRAILER_LEN 80

static enum jt_err open_csv(const struct jt_format_spec *spec, struct jt_format *f,
                            struct jt_trouble *trouble)
{
    const char *d = spec->delimiter;
    f->csv.no_header = spec->no_header;
    if (d == NULL) {
        return JT_OK;
    }
    f->csv.delimiter = strcmp(d, "tab") == 0 ? '\t' : (unsigned char)d[0];
    bool one = f->csv.delimiter == '\t' || (d[0] != '\0' && d[1] == '\0');
    if (!one || strchr("\"\r\n", f->csv.delimiter) != NULL || f->csv.delimiter >= 0x80) {
        return jt_trouble_set(trouble, JT_MSG_DELIMITER_BAD, 0, 0, "of ASCII, and no quote");
    }
    return JT_OK;
}

static enum jt_err open_json(const struct jt_format_spec *spec, struct jt_format *f,
                             struct jt_trouble *trouble)
{
    enum jt_err err = JT_OK;
    f->paths = calloc(spec->n_places, sizeof *f->paths);
    if (f->paths == NULL) {
        return JT_ERR_NOMEM;
    }
    for (; err == JT_OK && f->n_paths < spec->n_places; f->n_paths++) {
        err = jt_json_path_parse(spec->places[f->n_paths].where, &f->paths[f->n_paths], trouble);
    }
    return err;
}

static enum jt_err open_kind(const struct jt_format_spec *spec, struct jt_format *f,
                             struct jt_trouble *trouble)
{
    if (spec->n_when > 0 && spec->kind != JT_FORMAT_RECORDS) {
        return jt_trouble_set(trouble, JT_MSG_WHEN_KIND, 0, 0, "%s", "");
    }
    switch (spec->kind) {
    case JT_FORMAT_CSV: return open_csv(spec, f, trouble);
    case JT_FORMAT_JSON: return open_json(spec, f, trouble);
    case JT_FORMAT_RECORDS: return jt_plan_open(spec, &f->records, trouble);
    }
    return JT_ERR_IMPOSSIBLE;
}

static enum jt_err copy_places(const struct jt_format_spec *spec, struct jt_format *f)
{
    f->n_places = spec->n_places;
    for (size_t i = 0; i < f->n_places; i++) {
        char shown[JT_SHOWN_LEN];
        f->where[i] = strdup(spec->places[i].where);
        if (f->where[i] == NULL) {
            return JT_ERR_NOMEM;
        }
        jt_trouble_show(f->where[i], strlen(f->where[i]), shown);
        (void)snprintf(f->description[i], JT_DESCRIPTION_LEN, "%s%s",
                       f->kind == JT_FORMAT_CSV ? "column " : "", shown);
        if (f->records != NULL) {
            jt_plan_describe(f->records, i, f->where[i], f->description[i], JT_DESCRIPTION_LEN);
        }
    }
    return JT_OK;
}

enum jt_err jt_format_open(const struct jt_format_spec *spec, struct jt_format **out,
                           struct jt_trouble *trouble)
{
    *out = NULL;
    if (spec->n_places == 0 || spec->n_places > JT_RECORD_MAX_VALUES) {
        return jt_trouble_set(trouble, JT_MSG_PLACES_MANY, 0, 0, "1 to %d can be given",
                              JT_RECORD_MAX_VALUES);
    }
    struct jt_format *f = calloc(1, sizeof *f);
    if (f == NULL) {
        return JT_ERR_NOMEM;
    }
    f->kind = spec->kind;
    enum jt_err err = open_kind(spec, f, trouble);
    if (err == JT_OK) {
        err = copy_places(spec, f);
    }
    if (err != JT_OK) {
        jt_format_free(f);
        return err;
    }
    *out = f;
    return JT_OK;
}

void jt_format_free(struct jt_format *f)
{
    if (f == NULL) {
        return;
    }
    for (size_t i = 0; i < f->n_places; i++) {
        free(f->where[i]);
    }
    for (size_t i = 0; i < f->n_paths; i++) {
        jt_json_path_clear(&f->paths[i]);
    }
    free(f->paths);
    jt_plan_free(f->records);
    free(f);
}

struct jt_place_room jt_format_room(const struct jt_format *f, size_t place)
{
    if (f->kind != JT_FORMAT_RECORDS) {
        return (struct jt_place_room){ .max_len = SIZE_MAX };
    }
    const struct jt_datum *d = &f->records->places[place].datum;
    bool chars = d->kind == JT_DATUM_CHAR;
    return (struct jt_place_room){ .max_len = chars ? d->len : d->digits, .digits_only = !chars };
}

const char *jt_format_describe(const struct jt_format *f, size_t place)
{
    return f->description[place];
}

/* After an error nothing of what was appended stays. */
static enum jt_err keep_if(enum jt_err err, struct jt_buf *out, size_t before)
{
    if (err != JT_OK && out->len > before) {
        jt_wipe(out->data + before, out->len - before);
        out->len = before;
    }
    if (err != JT_OK) {
        out->err = JT_OK;
    }
    return err;
}

enum jt_err jt_format_put(const struct jt_format *f, size_t place, const uint8_t *old,
                          size_t old_len, const char *text, size_t text_len, struct jt_buf *out)
{
    size_t before = out->len;
    enum jt_err err = jt_buf_status(out);
    if (err != JT_OK) {
        return err;
    }
    switch (f->kind) {
    case JT_FORMAT_CSV:
        err =
            jt_csvcell_put((const char *)old, old_len, (char)f->csv.delimiter, text, text_len, out);
        break;
    case JT_FORMAT_JSON:
        err = jt_jsonline_put((const char *)old, old_len, text, text_len, out);
        break;
    case JT_FORMAT_RECORDS:
        err = old_len != f->records->places[place].datum.len
                  ? JT_ERR_INVALID
                  : jt_datum_put(&f->records->places[place].datum, &f->records->codepage, old, text,
                                 text_len, out);
        break;
    }
    return keep_if(err, out, before);
}

size_t jt_format_line_end(const char *text, size_t len)
{
    size_t n = len > 0 && text[len - 1] == '\n' ? 1 : 0;
    return n + (len > n && text[len - 1 - n] == '\r' ? 1 : 0);
}

static enum jt_err put_reject_record(const struct jt_format *f, const uint8_t *raw, size_t raw_len,
                                     const char *trailer, struct jt_buf *out)
{
    if (f->records->recfm == JT_RECFM_VB && raw_len >= JT_RDW_LEN) {
        jt_buf_u16(out, (uint16_t)(raw_len + TRAILER_LEN));
        raw += 2;
        raw_len -= 2;
    }
    jt_buf_put(out, raw, raw_len);
    return jt_codepage_encode(&f->records->codepage, trailer, TRAILER_LEN, out);
}

enum jt_err jt_format_put_reject(const struct jt_format *f, const uint8_t *raw, size_t raw_len,
                                 const char trailer[static 80], struct jt_buf *out)
{
    size_t before = out->len;
    enum jt_err err = JT_OK;
    if (f->kind == JT_FORMAT_RECORDS) {
        err = put_reject_record(f, raw, raw_len, trailer, out);
    } else {
        size_t end = jt_format_line_end((const char *)raw, raw_len);
        jt_buf_put(out, raw, raw_len - end);
        jt_buf_put(out, trailer, TRAILER_LEN);
        jt_buf_put(out, raw + raw_len - end, end);
        err = jt_buf_status(out);
    }
    return keep_if(err, out, before);
}

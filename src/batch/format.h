/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a card file is cut into records and where its values stand: made of what an operator said,
 * before anything is read.
 */
#ifndef JETON_BATCH_FORMAT_H
#define JETON_BATCH_FORMAT_H

#include "base/buf.h"
#include "batch/record.h"

#include <stdbool.h>

enum jt_format_kind { JT_FORMAT_CSV, JT_FORMAT_JSON, JT_FORMAT_RECORDS };
enum jt_recfm { JT_RECFM_F, JT_RECFM_FB, JT_RECFM_VB };

/*
 * One thing to replace. `where` is a column's name or number (CSV), a path (JSON), the name of a
 * copybook's item ("CARD-NO", "CARD-NO OF DETAIL-REC", "CARD-NO(3)"), or "OFFSET:LENGTH:TYPE"
 * with TYPE char, zoned, packed or binary (records). An item that occurs many times makes a value
 * of each occurrence.
 */
struct jt_place_spec {
    const char *where;
};

struct jt_format_spec {
    enum jt_format_kind kind;
    const struct jt_place_spec *places;
    size_t n_places; /* 1 to JT_RECORD_MAX_VALUES */
    /* CSV */
    const char *delimiter; /* one character, or "tab"; NULL: told from the header line */
    bool no_header;        /* columns by number only */
    /* records */
    enum jt_recfm recfm;
    uint32_t lrecl;          /* bytes; 0: the copybook's length (F, FB), or no bound (VB) */
    const char *codepage;    /* as iconv calls it */
    const char *copybook;    /* path; NULL: none */
    const char *const *when; /* "REC-TYPE=C": only such records are changed, others pass */
    size_t n_when;
};

struct jt_format;

/* JT_OK, JT_ERR_NOMEM, or JT_ERR_INVALID with *trouble. The spec's strings may go afterwards. */
enum jt_err jt_format_open(const struct jt_format_spec *spec, struct jt_format **out,
                           struct jt_trouble *trouble) JT_CHECKED;
void jt_format_free(struct jt_format *f);

/* How long a place's new value may be and of which characters, for a first look at whether tokens
 * fit. */
struct jt_place_room {
    size_t max_len; /* characters; SIZE_MAX: no bound */
    bool digits_only;
};
struct jt_place_room jt_format_room(const struct jt_format *f, size_t place);

/* "bytes 10 to 25, zoned" or "column 3, pan": for the control report. */
const char *jt_format_describe(const struct jt_format *f, size_t place);

/*
 * Appends to `out` the bytes that take the place of `old`, the raw bytes of a value in `place`:
 * padding, quotes, sign and code page stay. JT_OK; JT_ERR_LIMIT, it does not fit; JT_ERR_INVALID,
 * it has characters that cannot stand there; JT_ERR_NOMEM. After an error `out` is as before.
 */
enum jt_err jt_format_put(const struct jt_format *f, size_t place, const uint8_t *old,
                          size_t old_len, const char *text, size_t text_len,
                          struct jt_buf *out) JT_CHECKED;

/*
 * Appends a rejected record to `out`: its raw bytes, with a trailer of 80 characters inside its
 * line end or its length (RDW, LRECL + 80), in the record's code page. `trailer` is ASCII, 80
 * bytes.
 */
enum jt_err jt_format_put_reject(const struct jt_format *f, const uint8_t *raw, size_t raw_len,
                                 const char trailer[static 80], struct jt_buf *out) JT_CHECKED;

#endif

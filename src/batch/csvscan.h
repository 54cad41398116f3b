/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a CSV record ends, and where the wanted cells lie in it: RFC 4180, with any delimiter of
 * one byte.
 *
 * Cells may be quoted, with doubled quotes and line ends inside; lines end in LF or CRLF, the last
 * one may lack its end. A quote inside an unquoted cell is data. A scan is fed with more and more
 * of a record, and goes on where it stopped. With JT_CSV_LINES it finds lines: no byte but LF means
 * anything.
 */
#ifndef JETON_BATCH_CSVSCAN_H
#define JETON_BATCH_CSVSCAN_H

#include "base/buf.h"
#include "batch/record.h"

#include <stdbool.h>

#define JT_CSV_LINES (-1) /* as a delimiter */

struct jt_csv_cell {
    size_t at, len; /* in the record, quotes included */
};

struct jt_csvscan {
    int delimiter;        /* one byte, or JT_CSV_LINES */
    const size_t *wanted; /* columns, from 0 and ascending; the caller's */
    size_t n_wanted;      /* at most JT_RECORD_MAX_VALUES */
    struct jt_buf *all;   /* takes a struct jt_csv_cell of every cell; NULL: not wanted */
    /* what was found, complete when the record is: */
    size_t n_fields;
    struct jt_csv_cell cells[JT_RECORD_MAX_VALUES]; /* of the wanted columns below n_fields */
    bool malformed;                                 /* text behind a closing quote */
    bool blank;                                     /* nothing but its line end */
    size_t len;                                     /* line end included */
    uint64_t n_lines;                               /* line ends */
    uint64_t field_line; /* the line, from 0, where the last cell that was looked at begins */
    /* where the scan is: */
    size_t i, field_start, next_wanted;
    enum {
        JT_CSV_AT_START,
        JT_CSV_PLAIN,
        JT_CSV_QUOTED,
        JT_CSV_AFTER_QUOTE,
        JT_CSV_CR_AFTER_QUOTE,
    } state;
};

/* Begins a record, of which `skip` bytes belong to no cell: a byte order mark. */
void jt_csvscan_start(struct jt_csvscan *s, size_t skip);

/*
 * Scans on. `record` has the `len` bytes that are there, from its first. True: the record ended,
 * and s->len is its length.
 */
bool jt_csvscan_more(struct jt_csvscan *s, const char *record, size_t len);

/*
 * The input ended behind the `len` bytes of the record, at least one, which were scanned: they are
 * it. False: a quote is open, that of the cell in s->field_line.
 */
bool jt_csvscan_end(struct jt_csvscan *s, const char *record, size_t len);

/* The first `n` bytes of the record go away: it was too long, and only its end is looked for. */
void jt_csvscan_drop(struct jt_csvscan *s, size_t n);

#endif

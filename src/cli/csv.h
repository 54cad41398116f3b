/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSV (RFC 4180) as a stream of records, for commands that replace one column and leave every other
 * byte as it is.
 *
 * A record keeps its raw text with its line end; the wanted field is a range of that text, so that
 * the output can be put together from what stands before it, the new value and what stands after
 * it. Fields may be quoted, with doubled quotes and line ends inside; lines end in LF or CRLF, the
 * last one may lack its end. A quote inside an unquoted field is data.
 *
 * A quote that is never closed would swallow all rows behind it, so it is an error of the whole
 * file and not of one record. Memory is bounded by JT_CSV_RECORD_MAX: a longer record, most likely
 * such a quote as well, is an error. Buffers are wiped.
 */
#ifndef JETON_CLI_CSV_H
#define JETON_CLI_CSV_H

#include "base/buf.h"

#define JT_CSV_RECORD_MAX (1u << 20)
#define JT_CSV_NO_COLUMN  SIZE_MAX

struct jt_csv_record {
    const char *raw; /* valid until the next call */
    size_t raw_len;  /* line end included */
    uint64_t line;   /* where it starts in the file, from 1 */
    size_t n_fields;
    bool malformed; /* text behind a closing quote */
    /* the wanted field in `raw`, quotes included; not there when n_fields is too small */
    size_t field_at, field_len;
};

struct jt_csv {
    int fd; /* the caller's */
    size_t column;
    struct jt_buf window;
    size_t at;     /* where the next record starts in the window */
    uint64_t line; /* of the next record */
    /* after JT_ERR_INVALID: where the field began whose quote is never closed */
    uint64_t open_quote_line;
    uint64_t consumed; /* bytes of the records handed out */
    bool end_of_file;
};

/* The wanted column is JT_CSV_NO_COLUMN until jt_csv_find_column. */
void jt_csv_init(struct jt_csv *csv, int fd);
void jt_csv_clear(struct jt_csv *csv);

/*
 * The next record. JT_ERR_NO_RECORD at the end; JT_ERR_INVALID when a quote is still open there
 * (csv->open_quote_line tells which); JT_ERR_LIMIT for a record that is too long (csv->line tells
 * where); JT_ERR_IO with errno, EINTR after a caught signal among them; JT_ERR_NOMEM.
 */
enum jt_err jt_csv_next(struct jt_csv *csv, struct jt_csv_record *out) JT_CHECKED;

/*
 * Finds the column called `name` in the header record and makes it the wanted one of the records
 * that follow. A byte order mark before the first name is not part of it. JT_ERR_NO_COLUMN;
 * JT_ERR_COLUMN_TWICE when two columns have the name.
 */
enum jt_err jt_csv_find_column(struct jt_csv *csv, const struct jt_csv_record *header,
                               const char *name) JT_CHECKED;

/* Appends the value of a raw field to `out`: quotes off, doubled ones single. */
void jt_csv_unquote(const char *raw, size_t len, struct jt_buf *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of an input, one after another, from a file descriptor that need not be a file.
 *
 * Memory is bounded by JT_RECORD_MAX. UTF-16 with a byte order mark is read as UTF-8; jt_source_put
 * turns output back.
 */
#ifndef JETON_BATCH_SOURCE_H
#define JETON_BATCH_SOURCE_H

#include "batch/format.h"

struct jt_record_source;

/* Everything is the caller's and must outlive the source. JT_ERR_NOMEM. */
enum jt_err jt_source_open(struct jt_format *format, int fd,
                           struct jt_record_source **out) JT_CHECKED;
void jt_source_free(struct jt_record_source *s);

/*
 * Reads what stands before the records (byte order mark, a line sep=, the header) and finds the
 * columns; the bytes are given by the first calls of jt_source_next as JT_RECORD_PASSED. JT_OK;
 * JT_ERR_INVALID with *trouble; JT_ERR_IO with errno; JT_ERR_NOMEM.
 */
enum jt_err jt_source_begin(struct jt_record_source *s, struct jt_trouble *trouble) JT_CHECKED;

/*
 * The next record. JT_ERR_NO_RECORD at the end. JT_ERR_INVALID with *trouble where the rest cannot
 * be cut into records (a quote that is never closed, a bad RDW, half a record at the end);
 * JT_ERR_IO with errno, EINTR after a caught signal among them, and the call may be repeated;
 * JT_ERR_NOMEM.
 */
enum jt_err jt_source_next(struct jt_record_source *s, struct jt_record *out,
                           struct jt_trouble *trouble) JT_CHECKED;

/*
 * After JT_RECORD_TOO_LONG: appends the next part of that record, as jt_format_put_reject would
 * the whole, to `out`, with the trailer behind the last. *done tells when it was the last; errors
 * as of jt_source_next. Must be called until done before the next record. `end` is the record's
 * then.
 */
enum jt_err jt_source_spill(struct jt_record_source *s, const char trailer[static 80],
                            struct jt_buf *out, bool *done, uint64_t *end,
                            struct jt_trouble *trouble) JT_CHECKED;

/* Appends record bytes to `out` as the input has them: the same, or UTF-16 again. */
enum jt_err jt_source_put(const struct jt_record_source *s, const void *data, size_t len,
                          struct jt_buf *out) JT_CHECKED;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What a struct jt_record_source is made of: for the files that read one kind of records each. */
#ifndef JETON_BATCH_SOURCE_PARTS_H
#define JETON_BATCH_SOURCE_PARTS_H

#include "batch/csvscan.h"
#include "batch/format_parts.h"
#include "batch/inlet.h"
#include "batch/source.h"

struct jt_record_source {
    struct jt_format *format;
    struct jt_inlet in;
    struct jt_buf decoded; /* texts of values that are not in the record as they are */
    uint64_t number;       /* of the last record */
    uint64_t line;         /* where the next one begins */
    uint64_t consumed;     /* bytes of the input up to there */
    /* of texts: */
    bool begun, in_record;
    size_t skip;       /* bytes of a byte order mark in front */
    unsigned n_passed; /* so many records are left that hold no data */
    struct jt_csvscan scan;
    /* a record that is too long, on its way out: */
    bool spilling, ended;
};

/* What source.h says of these, for the two kinds of inputs. */
enum jt_err jt_source_text_begin(struct jt_record_source *s, struct jt_trouble *trouble) JT_CHECKED;
enum jt_err jt_source_text_next(struct jt_record_source *s, struct jt_record *out,
                                struct jt_trouble *trouble) JT_CHECKED;
enum jt_err jt_source_records_next(struct jt_record_source *s, struct jt_record *out,
                                   struct jt_trouble *trouble) JT_CHECKED;

#endif

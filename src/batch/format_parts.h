/* SPDX-License-Identifier: Apache-2.0 */
/* What a struct jt_format is made of: for the files of this folder that read and write by it. */
#ifndef JETON_BATCH_FORMAT_PARTS_H
#define JETON_BATCH_FORMAT_PARTS_H

#include "batch/csvscan.h"
#include "batch/format.h"

#define JT_DESCRIPTION_LEN 120

struct jt_csv_format {
    int delimiter; /* 0 until it is told from the header line */
    bool no_header;
    size_t n_columns;
    /* columns from 0, ascending, and the places that they are: known once the header was read */
    size_t wanted[JT_RECORD_MAX_VALUES];
    uint8_t places[JT_RECORD_MAX_VALUES];
};

struct jt_format {
    enum jt_format_kind kind;
    size_t n_places;
    char *where[JT_RECORD_MAX_VALUES]; /* as it was asked for */
    char description[JT_RECORD_MAX_VALUES][JT_DESCRIPTION_LEN];
    struct jt_csv_format csv;
    size_t n_paths;
    struct jt_json_path *paths;     /* of JSON, one a place */
    struct jt_record_plan *records; /* of records */
};

/* How many bytes of a line are its end: CRLF, LF, CR where the input ends with it, or none. */
size_t jt_format_line_end(const char *text, size_t len);

#endif

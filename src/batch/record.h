/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of a card file, of whatever form: CSV, JSON lines, fixed or variable length.
 *
 * A format (format.h) says how a file is cut into records and where the values are that a job
 * replaces. A source (source.h) reads records by it. Each value is a range of the record's raw
 * bytes, and those bytes decoded: what stands before, between and behind values is never touched,
 * so that replacing back gives the same bytes again.
 *
 * Values are card numbers: buffers that hold them are wiped.
 */
#ifndef JETON_BATCH_RECORD_H
#define JETON_BATCH_RECORD_H

#include "batch/message.h"

#include <stddef.h>
#include <stdint.h>

#define JT_RECORD_MAX_VALUES 32
#define JT_RECORD_MAX        (1u << 20) /* bytes of a record in memory */

enum jt_record_kind {
    JT_RECORD_DATA,
    JT_RECORD_PASSED, /* copied as it is: a header, a blank line, a record that --when leaves out */
    JT_RECORD_FAULTY, /* rejected as a whole: see `fault` */
    JT_RECORD_TOO_LONG, /* the same; its bytes are not here, but are to be had by jt_source_spill */
};

struct jt_record_value {
    size_t at, len;   /* in the raw bytes */
    const char *text; /* decoded, without padding: ASCII or UTF-8, not terminated */
    size_t text_len;  /* 0: blank */
    enum jt_message
        fault;     /* JT_MSG_NONE, or why it cannot be read: a packed decimal of bad nibbles */
    uint8_t place; /* which of the format's places it stands in */
};

struct jt_record {
    enum jt_record_kind kind;
    const uint8_t *raw; /* line end and RDW included; all pointers are valid until the next call */
    size_t raw_len;
    uint64_t number; /* of the record in the file, from 1; headers and blank lines have none: 0 */
    uint64_t line;   /* where it begins, from 1: of texts. Of records the same as `number` */
    uint64_t end;    /* bytes of the input up to its end, as they stand in the input */
    enum jt_message fault;
    size_t n_values; /* ascending by `at`, not overlapping */
    struct jt_record_value values[JT_RECORD_MAX_VALUES];
};

#endif

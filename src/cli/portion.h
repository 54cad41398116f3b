/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One portion of a card file: rows read from the CSV, the request made of them, the reply laid over
 * them, and the rows written out again.
 *
 * A row is pending until the server has answered it. An answer of 200 gives the new value; 429 and
 * 502 to 504 leave the row pending, so that a portion can be sent again with only what is left of
 * it; any other, and 429 for a guess brake, rejects it for the reason that the problem type names.
 * What can be told without the server, because it could not be put into JSON or would only fill the
 * request, is rejected at once.
 *
 * A portion holds card numbers: everything is in buffers that are wiped.
 */
#ifndef JETON_CLI_PORTION_H
#define JETON_CLI_PORTION_H

#include "base/buf.h"
#include "cli/csv.h"

#include <stdint.h>

/* What differs between tokenize and detokenize. */
struct jt_direction {
    const char *verb;       /* also the last part of the path */
    const char *member_in;  /* of an item of the request */
    const char *member_out; /* of a result */
    /* why a value that is not sent is refused */
    const char *(*fault)(const char *value, size_t len);
    /* whether a result may go into a CSV field as it is */
    bool (*result_ok)(const char *value, size_t len);
    const char *expires_at; /* of all cards of the file, plain text; NULL: nothing is said */
};

extern const struct jt_direction jt_direction_tokenize, jt_direction_detokenize;

/*
 * Reasons why rows were rejected, with their numbers. Names come from a server: they are bounded
 * and of a-z 0-9 - only.
 */
#define JT_MAX_REASONS 32
#define JT_REASON_LEN  40
struct jt_reasons {
    size_t n;
    char names[JT_MAX_REASONS][JT_REASON_LEN];
    uint64_t counts[JT_MAX_REASONS];
};

enum jt_portion_state { JT_PORTION_PENDING, JT_PORTION_DONE, JT_PORTION_REJECTED };

struct jt_portion_row {
    uint64_t line;
    uint32_t raw_at, raw_len;       /* in `raw` */
    uint32_t field_at, field_len;   /* in `raw` */
    uint32_t value_at, value_len;   /* in `values`: sent */
    uint32_t result_at, result_len; /* in `results`: received */
    uint8_t state;                  /* enum jt_portion_state */
    uint8_t reason;                 /* index into reasons, when rejected */
};

struct jt_portion {
    const struct jt_direction *direction;
    struct jt_reasons *reasons; /* shared by all portions of a job */
    size_t n_rows, max_rows, n_pending;
    struct jt_portion_row *rows;
    struct jt_buf raw, values, results, request;
    uint64_t consumed; /* bytes of the input up to this portion's end */
};

/* `max_rows` from 1. JT_ERR_NOMEM. */
enum jt_err jt_portion_init(struct jt_portion *b, const struct jt_direction *direction,
                            struct jt_reasons *reasons, size_t max_rows) JT_CHECKED;
void jt_portion_clear(struct jt_portion *b);

/* Empties the portion and wipes what it held; the memory stays. */
void jt_portion_reset(struct jt_portion *b);

/* Whether another row may be added; bounded by rows and by bytes. */
bool jt_portion_has_room(const struct jt_portion *b);

/*
 * Adds a record, which must have `n_columns` fields or is rejected. JT_ERR_NOMEM or JT_ERR_LIMIT.
 */
enum jt_err jt_portion_add(struct jt_portion *b, const struct jt_csv_record *record,
                           size_t n_columns) JT_CHECKED;

/* Makes `request` of the pending rows, of which there must be some. */
enum jt_err jt_portion_make_request(struct jt_portion *b) JT_CHECKED;

/*
 * Lays the reply to that request over the rows. JT_ERR_PROTOCOL when it does not answer exactly
 * what was asked; JT_ERR_NOMEM.
 */
enum jt_err jt_portion_apply(struct jt_portion *b, const struct jt_buf *reply) JT_CHECKED;

/*
 * Appends accepted rows to `out` and "line,reason" to `rejects`. No row may be pending. Counts the
 * reasons.
 */
enum jt_err jt_portion_write(struct jt_portion *b, struct jt_buf *out, struct jt_buf *rejects,
                             uint64_t *n_accepted) JT_CHECKED;

#endif

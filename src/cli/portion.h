/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One portion of a card file: records read, the requests made of their values, the replies laid
 * over them, and the records written out again.
 *
 * A value is pending until the server has answered it. An answer of 200 gives the new one; 429 and
 * 502 to 504 leave it pending, so that the portion is sent again; any other, and 429 for a guess
 * brake, rejects it for the reason that the problem type names. One rejected value rejects its
 * record. What can be told without the server, because it could not be put into JSON or would only
 * fill the request, is rejected at once.
 *
 * The values of one field go as one request: a portion is done in steps, one for each field. Where
 * values that are tokens already may pass, those that the server refuses as cards and that could be
 * tokens are asked about in a step of their own.
 *
 * A request that stores cards is made of the records alone and never of answers, so that it is the
 * same, byte for byte, whenever it is repeated under its Idempotency-Key, by a later process too.
 *
 * A portion holds card numbers: everything is in buffers that are wiped.
 */
#ifndef JETON_CLI_PORTION_H
#define JETON_CLI_PORTION_H

#include "base/buf.h"
#include "batch/format.h"
#include "batch/prefix.h"
#include "batch/source.h"
#include "batch/tally.h"

/* What differs between tokenize, detokenize and mask. */
struct jt_direction {
    const char *verb;
    const char *path;       /* the last part of it; NULL: no server is asked */
    const char *member_in;  /* of an item of the request */
    const char *member_out; /* of a result */
    bool masked;            /* the service is asked for masked numbers */
    bool stores;            /* it changes something: done once, by an Idempotency-Key */
    /* why a value that is not sent is refused */
    enum jt_message (*fault)(const char *value, size_t len);
    /* whether a result may stand in a file */
    bool (*result_ok)(const char *value, size_t len);
    /* where no server is asked: what is written of a value; `out` has JT_PAN_MAX_DIGITS + 1 */
    enum jt_message (*make)(const char *value, size_t len, char *out, size_t *out_len);
    const char *values_in, *values_out; /* for the control report */
};

extern const struct jt_direction jt_direction_tokenize, jt_direction_detokenize, jt_direction_mask,
    jt_direction_mask_cards;

/* What a job wants of all its portions. */
struct jt_portion_rules {
    const struct jt_direction *direction;
    const struct jt_format *format;
    const uint8_t *field_of_place; /* an index of fields */
    size_t n_fields;
    bool blank_passes, tokens_pass;
    const char *expires_at; /* of all cards of the file, plain text; NULL: nothing is said */
    const uint8_t *news;    /* of each field: enum jt_tally_news */
    size_t max_records;     /* of a portion */
};

enum jt_value_state {
    JT_VALUE_READY,    /* to be sent, or pending */
    JT_VALUE_ASK,      /* to be asked about: it may be a token already */
    JT_VALUE_DONE,     /* its new value is in `results` */
    JT_VALUE_BLANK,    /* stays as it is */
    JT_VALUE_TOKEN,    /* the same, because it is a token */
    JT_VALUE_REJECTED, /* for `reason` */
};

struct jt_portion_value {
    uint32_t at, len;    /* in `raw` */
    uint32_t text_at;    /* in `texts` */
    uint32_t text_len;   /* longer ones than MAX_VALUE are not there */
    uint32_t result_at;  /* in `results` */
    uint16_t result_len; /* in `results` */
    uint16_t reason;     /* enum jt_message, when rejected */
    uint64_t weight;     /* in the hash total */
    uint8_t place, field, state;
    bool told;   /* whether its token is new, */
    bool is_new; /* and whether it is */
    bool main;   /* it is in the request of its field */
    bool asked;  /* it is in the present request */
};

struct jt_portion_record {
    uint64_t number;
    uint32_t raw_at, raw_len;
    uint32_t first_value, n_values;
    uint16_t fault; /* enum jt_message */
    bool passed;
};

struct jt_portion {
    const struct jt_portion_rules *rules;
    size_t n_records, n_counted, n_values, max_values; /* counted: no headers and blank lines */
    struct jt_portion_record *records;
    struct jt_portion_value *values;
    struct jt_buf raw, texts, results, request;
    size_t step;      /* twice the field, and one more for what is asked about */
    size_t n_asked;   /* values in the request */
    size_t n_pending; /* values of this step that have no answer */
    uint64_t number;  /* of the portion in the file, from 1 */
    uint64_t end;     /* bytes of the input up to this portion's end */
    bool masked_only; /* what was answered are masked numbers, and whole ones were wanted */
    bool spills;      /* it is one record that is too long, and still in the source */
};

/* JT_ERR_NOMEM. */
enum jt_err jt_portion_init(struct jt_portion *b, const struct jt_portion_rules *rules) JT_CHECKED;
void jt_portion_clear(struct jt_portion *b);

/* Empties the portion and wipes what it held; the memory stays. */
void jt_portion_reset(struct jt_portion *b);

/* Whether another record may be added; bounded by records, values and bytes. */
bool jt_portion_has_room(const struct jt_portion *b);

/* Adds a record. JT_ERR_NOMEM or JT_ERR_LIMIT. */
enum jt_err jt_portion_add(struct jt_portion *b, const struct jt_record *record) JT_CHECKED;

/* Goes to the first step, or the next, in which something must be asked. False: there is none. */
bool jt_portion_begin(struct jt_portion *b);
bool jt_portion_advance(struct jt_portion *b);

/* Of the present step: which field, and whether it stores (direction->stores) or asks only. */
size_t jt_portion_field(const struct jt_portion *b);
bool jt_portion_asks(const struct jt_portion *b);

/* Makes `request` of the step's values. */
enum jt_err jt_portion_make_request(struct jt_portion *b) JT_CHECKED;

/*
 * Lays the reply to that request over the values. JT_ERR_PROTOCOL when it does not answer exactly
 * what was asked; JT_ERR_NOMEM. Items that may pass later leave n_pending above 0.
 */
enum jt_err jt_portion_apply(struct jt_portion *b, const struct jt_buf *reply) JT_CHECKED;

/* Adds the portion to the digest of the input, and its values to what was read. */
enum jt_err jt_portion_digest(const struct jt_portion *b, struct jt_prefix *prefix,
                              struct jt_tally *tally) JT_CHECKED;

/*
 * Appends the records to `out`, and those rejected to `rejects`, as the source has them (UTF-8 for
 * UTF-16). No step may be left. Counts everything.
 */
enum jt_err jt_portion_write(struct jt_portion *b, struct jt_buf *out, struct jt_buf *rejects,
                             struct jt_tally *tally) JT_CHECKED;

/* The 80 characters that stand behind a rejected record. */
#define JT_TRAILER_LEN 80
void jt_portion_trailer(enum jt_message reason, uint64_t record, char out[static JT_TRAILER_LEN]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a job has counted: records, values, reasons, and hash totals that must balance.
 *
 * The hash total of values is the sum of a number for each, modulo 10^15. Of digits (a card number
 * or a numeric token) this number is what a masked card number shows, its first six and last four
 * digits read as one; of less than 14 digits fewer leading ones, so that four at least stay out of
 * it, as jt_pan_mask has it. So a total, and that of a file of one card too, tells no more than a
 * masked number, and whoever has the file can reckon it without Jeton. Of any other text it is a
 * checksum (FNV-1a, 32 bits) if it is formed like an opaque token, whose text is no secret; else
 * that of its digits.
 */
#ifndef JETON_BATCH_TALLY_H
#define JETON_BATCH_TALLY_H

#include "batch/record.h"

#include <stdbool.h>

#define JT_TALLY_MODULUS UINT64_C(1000000000000000)

/* How a job knows which tokens of a field are new. */
enum jt_tally_news {
    JT_NEWS_NONE,  /* it does not: it is not told, or makes none */
    JT_NEWS_ASKED, /* the service says so of each */
    JT_NEWS_EACH,  /* each is: equal cards share no token */
};

/* Values of one protected field. */
struct jt_tally_field {
    uint64_t n_replaced;
    uint64_t n_blank;  /* left as they are */
    uint64_t n_tokens; /* found to be tokens already, and left as they are */
    uint64_t total_in; /* of all values that were read */
    /* of the values of records that were written or passed, and rejected: before */
    uint64_t total_kept, total_rejected;
    uint64_t total_out; /* of what stands in the output in their place */
    /* of those replaced: tokens that were made, and those that were there; nothing where untold */
    uint64_t n_new, n_known;
    uint64_t n_new_rejected; /* tokens that were made for records that were rejected */
    uint64_t news;           /* enum jt_tally_news */
    /* active when the job was begun, and when it had ended; 0: not known */
    uint64_t first_generation, last_generation;
};

struct jt_tally {
    uint64_t n_read, n_written, n_passed,
        n_rejected;   /* records; headers and blank lines are none */
    uint64_t n_other; /* headers and blank lines, copied */
    uint64_t reasons[JT_MSG_END];
    size_t n_fields;
    struct jt_tally_field fields[JT_RECORD_MAX_VALUES];
};

/* Whether two characters at its ends make a text look like an opaque token: "jtk_" and 26 more. */
bool jt_tally_is_opaque(const char *text, size_t len);

/* The number of one value. */
uint64_t jt_tally_weight(const char *text, size_t len);

/* Adds to a total. */
void jt_tally_add(uint64_t *total, uint64_t weight);

/*
 * JT_MSG_NONE; JT_MSG_OUT_OF_BALANCE: records are unaccounted for; JT_MSG_TOTALS_DIFFER: values
 * are.
 */
enum jt_message jt_tally_balance(const struct jt_tally *tally);

/* The message whose name this is; JT_MSG_REFUSED where there is none. */
enum jt_message jt_tally_reason(const char *name);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verb OPEN_MASKED: stored envelopes to masked card numbers, for generations that are live. The
 * whole number stays in the keeper: how many digits are shown is the word of the field's row, not
 * of whoever asks. The request is that of OPEN (wire/open.h).
 */
#ifndef JETON_WIRE_OPEN_MASKED_H
#define JETON_WIRE_OPEN_MASKED_H

#include "wire/open.h"

struct jt_open_masked_result {
    enum jt_err err;     /* as in struct jt_open_result */
    bool draining;       /* sealed under a draining generation: due for re-encryption */
    uint64_t generation; /* under which it is sealed */
    const char *masked;  /* digits and stars, as many as the number has digits; no NUL */
    uint8_t len;
    bool honey; /* a marked card: keeper/honey.h */
};

struct jt_open_masked_reply {
    uint64_t epoch;
    size_t n;
    struct jt_open_masked_result *results;
};

void jt_open_masked_reply_encode(const struct jt_open_masked_reply *reply, struct jt_buf *out);
/* reply->results is the caller's array of `n` (the items asked), filled here. */
enum jt_err jt_open_masked_reply_decode(struct jt_reader *in, size_t n,
                                        struct jt_open_masked_reply *reply) JT_CHECKED;

#endif

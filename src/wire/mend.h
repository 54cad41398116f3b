/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verb MEND: the fingerprint that a row must have, for rows whose stored one is damaged. The
 * envelope is bound to its fingerprint, so such a row does not open: the keeper computes the
 * fingerprint from what the envelope would open to, and answers it only where the tag verifies with
 * it. No PAN leaves. The request is that of OPEN (wire/open.h); stored fingerprints are not looked
 * at. Each answer counts as a card that was opened.
 */
#ifndef JETON_WIRE_MEND_H
#define JETON_WIRE_MEND_H

#include "base/buf.h"
#include "wire/limits.h"
#include "wire/open.h"

struct jt_mend_result {
    /*
     * JT_ERR_DECRYPT: something else is damaged; JT_ERR_RING_MOVED: the key id names no live
     * generation; JT_ERR_NO_FIELD; JT_ERR_OPEN_RATE, JT_ERR_OPEN_QUOTA: a ceiling
     */
    enum jt_err err;
    const uint8_t *fingerprint; /* JT_FINGERPRINT_LEN */
};

struct jt_mend_reply {
    uint64_t epoch;
    size_t n;
    struct jt_mend_result *results;
};

void jt_mend_reply_encode(const struct jt_mend_reply *reply, struct jt_buf *out);
/* reply->results is the caller's array of `n` (the items asked), filled here. */
enum jt_err jt_mend_reply_decode(struct jt_reader *in, size_t n,
                                 struct jt_mend_reply *reply) JT_CHECKED;

#endif

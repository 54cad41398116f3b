/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A digest of the input that was read so far, so that a job that goes on finds out if it was given
 * another file.
 *
 * Values are not in it, only where they stand, how long they are and what a masked number shows of
 * them (batch/tally.h): a digest over a card number could be tried out. Nothing of a record that
 * cannot be read is in it but its length, since nobody knows where a card number stands in it. A
 * file that differs in the middle digits of its cards only is not told from the right one.
 *
 * The digest goes from portion to portion: each is SHA-256 over the one before and what the portion
 * adds.
 */
#ifndef JETON_BATCH_PREFIX_H
#define JETON_BATCH_PREFIX_H

#include "base/buf.h"
#include "batch/record.h"
#include "crypto/digest.h"

struct jt_prefix {
    uint8_t digest[JT_SHA256_LEN];
    struct jt_buf pending; /* of the portion under way */
};

void jt_prefix_init(struct jt_prefix *p);
void jt_prefix_clear(struct jt_prefix *p);

/* Adds what stands outside of values, or `len` bytes that are only counted where raw is NULL. */
void jt_prefix_put(struct jt_prefix *p, const void *raw, size_t len);
void jt_prefix_value(struct jt_prefix *p, size_t len, uint64_t weight);

/* Ends a portion. JT_ERR_NOMEM, JT_ERR_CRYPTO. */
enum jt_err jt_prefix_close(struct jt_prefix *p) JT_CHECKED;

#endif

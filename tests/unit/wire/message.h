/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every message of the protocol must stand: cut anywhere, lengthened, and altered at random.
 */
#ifndef JETON_TESTS_UNIT_WIRE_MESSAGE_H
#define JETON_TESTS_UNIT_WIRE_MESSAGE_H

#include "base/buf.h"

/* Decodes a whole message into storage of its own. */
typedef enum jt_err jt_message_decode_fn(struct jt_reader *in);

/*
 * Every proper prefix, and the message with a byte behind it, is JT_ERR_PROTOCOL; the message
 * itself is JT_OK.
 */
void message_refuses_truncation(const struct jt_buf *message, jt_message_decode_fn *decode);

/*
 * Thousands of random changes (seeded) never make the decoder read outside of the message: the
 * sanitizers watch.
 */
void message_survives_mutation(const struct jt_buf *message, jt_message_decode_fn *decode,
                               uint64_t seed);

/* `len` bytes that differ from each other and between `salt`s. */
void message_fill(void *out, size_t len, uint8_t salt);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of the batch verbs, for fuzz_wire.c. */
#ifndef JETON_TESTS_FUZZ_WIRE_BATCHES_H
#define JETON_TESTS_FUZZ_WIRE_BATCHES_H

#include "base/buf.h"
#include "base/err.h"

/* items that a reply may have to answer: its number is one byte of the input */
#define MAX_ANSWER 255

/*
 * Decodes a message from `in`; where it was good, encodes it again. `n` is the number of items that
 * a reply must answer.
 */
typedef enum jt_err message_fn(struct jt_reader *in, size_t n, struct jt_buf *out);

message_fn fuzz_batch_seal;
message_fn fuzz_batch_seal_reply;
message_fn fuzz_batch_open_request;
message_fn fuzz_batch_open_reply;
message_fn fuzz_batch_reseal_reply;
message_fn fuzz_batch_match;
message_fn fuzz_batch_held;
message_fn fuzz_batch_held_reply;
message_fn fuzz_batch_open_masked_reply;
message_fn fuzz_batch_fingerprint_reply;
message_fn fuzz_batch_match_reply;
message_fn fuzz_batch_identify;
message_fn fuzz_batch_identify_reply;
message_fn fuzz_batch_mend_reply;
message_fn fuzz_batch_name;
message_fn fuzz_batch_name_reply;
message_fn fuzz_honey_sealed;
message_fn fuzz_honey_accepted;
message_fn fuzz_honey_change;
message_fn fuzz_honey_list;
message_fn fuzz_honey_tokens;
message_fn fuzz_batch_guess;
message_fn fuzz_batch_guess_reply;
message_fn fuzz_batch_once;
message_fn fuzz_batch_once_reply;

#endif

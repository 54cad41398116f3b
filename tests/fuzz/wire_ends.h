/* SPDX-License-Identifier: Apache-2.0 */
/* The part of fuzz_wire that is about custodians and what they approve. */
#ifndef JETON_TESTS_FUZZ_WIRE_ENDS_H
#define JETON_TESTS_FUZZ_WIRE_ENDS_H

#include "wire_batches.h"

message_fn fuzz_ends_custodians_make;
message_fn fuzz_ends_custodian_row;
message_fn fuzz_ends_custodians_shown;
message_fn fuzz_ends_destruction_request;
message_fn fuzz_ends_destruction_show;
message_fn fuzz_ends_destruction_shown;
message_fn fuzz_ends_destruction_certify;
message_fn fuzz_ends_destruction_open;
message_fn fuzz_ends_certify;
message_fn fuzz_ends_writeoff_open;
message_fn fuzz_ends_writeoff_opened;
message_fn fuzz_ends_writeoff_show;
message_fn fuzz_ends_writeoff_shown;
message_fn fuzz_ends_column_counted;
message_fn fuzz_ends_column_count;

#endif

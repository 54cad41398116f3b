/* SPDX-License-Identifier: Apache-2.0 */
/* The part of fuzz_wire that is about the messages between keepers of several nodes. */
#ifndef JETON_TESTS_FUZZ_WIRE_NODES_H
#define JETON_TESTS_FUZZ_WIRE_NODES_H

#include "wire_batches.h"

message_fn fuzz_nodes_challenge_request;
message_fn fuzz_nodes_challenge;
message_fn fuzz_nodes_held;
message_fn fuzz_nodes_marks;
message_fn fuzz_nodes_verdicts;
message_fn fuzz_nodes_spec;
message_fn fuzz_nodes_row;
message_fn fuzz_nodes_ask;
message_fn fuzz_nodes_request;
message_fn fuzz_nodes_order;
message_fn fuzz_nodes_parcel;
message_fn fuzz_nodes_delivery;
message_fn fuzz_nodes_escrow_file;
message_fn fuzz_nodes_escrow_report;
message_fn fuzz_nodes_receipt;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The part of fuzz_wire that is about a database that went back. */
#ifndef JETON_TESTS_FUZZ_WIRE_RECOVERY_H
#define JETON_TESTS_FUZZ_WIRE_RECOVERY_H

#include "wire_batches.h"

message_fn fuzz_recovery_ring_shown;
message_fn fuzz_recovery_view_ask;
message_fn fuzz_recovery_view;
message_fn fuzz_recovery_open;
message_fn fuzz_recovery_opened;
message_fn fuzz_recovery_show;
message_fn fuzz_recovery_shown;
message_fn fuzz_recovery_accept;

#endif

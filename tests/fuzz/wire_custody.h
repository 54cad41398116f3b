/* SPDX-License-Identifier: Apache-2.0 */
/* The part of fuzz_wire that is about the master key: what opens it, and the making of one. */
#ifndef JETON_TESTS_FUZZ_WIRE_CUSTODY_H
#define JETON_TESTS_FUZZ_WIRE_CUSTODY_H

#include "wire_batches.h"

message_fn fuzz_custody_unseal;
message_fn fuzz_custody_unsealed;
message_fn fuzz_custody_order;
message_fn fuzz_custody_made;
message_fn fuzz_custody_box;

#endif

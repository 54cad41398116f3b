/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handlers of the verbs: one op_*.c a family. Each decodes its whole request from `in`, asks
 * the policy, does the work and encodes its reply to `out`. JT_ERR_PROTOCOL (malformed request)
 * costs the connection; any other error becomes the reply's status byte and whatever was encoded is
 * taken back. The dispatcher has checked already that the verb is allowed now.
 */
#ifndef JETON_KEEPER_OP_H
#define JETON_KEEPER_OP_H

#include "base/buf.h"
#include "keeper/keeper.h"

typedef enum jt_err jt_op_fn(struct jt_keeper *keeper, struct jt_reader *in, struct jt_buf *out);

jt_op_fn jt_op_hello, jt_op_status;
jt_op_fn jt_op_seal, jt_op_open, jt_op_reseal, jt_op_match, jt_op_identify;
jt_op_fn jt_op_client_make, jt_op_client_revoke, jt_op_client_check;
jt_op_fn jt_op_field_make, jt_op_field_check;
jt_op_fn jt_op_generation_create, jt_op_generation_abandon;
jt_op_fn jt_op_ack, jt_op_ack_check;
jt_op_fn jt_op_ring_first, jt_op_ring_propose, jt_op_ring_accept;
jt_op_fn jt_op_certify;
jt_op_fn jt_op_node_join;
jt_op_fn jt_op_set_sum, jt_op_set_verify, jt_op_set_accept;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handlers of the verbs: one op_*.c a family. Each decodes its whole request from `in`, asks
 * the policy, does the work and encodes its reply to `out`. JT_ERR_PROTOCOL (malformed request)
 * costs the connection; any other error becomes the reply's reason, and whatever was encoded is
 * taken back. The dispatcher has checked already that the verb is allowed now.
 */
#ifndef JETON_KEEPER_OP_H
#define JETON_KEEPER_OP_H

#include "base/buf.h"
#include "keeper/keeper.h"

typedef enum jt_err jt_op_fn(struct jt_keeper *keeper, struct jt_reader *in, struct jt_buf *out);

/* jt_op_hello, jt_op_status and so on: one for each verb */
#define JT_VERB(number, id, name, needs, payload, request, reply) jt_op_fn jt_op_##name;
#include "wire/verbs.def"
#undef JT_VERB

#endif

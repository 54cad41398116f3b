/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/dispatch.h"

#include "keeper/op.h"

/* When a verb is allowed. */
enum {
    FIRST = 1 << 0,  /* only as the first request of a connection; all others only after it */
    ROOT = 1 << 1,   /* only with a service root: JT_ERR_NO_ROOT without */
    RING = 1 << 2,   /* only once a ring has been accepted: JT_ERR_NO_RING until then */
    JOINED = 1 << 3, /* only after NODE_JOIN: JT_ERR_NOT_JOINED until then */
    NAMED = 1 << 4,  /* only after the set of fields was verified: JT_ERR_NO_FIELDS until then */
};

/*
 * Field keys that one request may derive, and as many token keys: some 25 ms of work. One that
 * needs more is STALE and asked again, and the others have their turn in between.
 */
#define DERIVATIONS 256

#define SMALL     4096 /* no request but the batches and those with a ring comes near it */
#define WITH_RING (SMALL + JT_RING_BODY_MAX)

struct op {
    uint8_t verb;
    int flags;
    size_t max_payload;
    jt_op_fn *fn;
};

static const struct op ops[] = {
    { JT_VERB_HELLO, FIRST, SMALL, jt_op_hello },
    { JT_VERB_STATUS, 0, SMALL, jt_op_status },
    { JT_VERB_SEAL, ROOT | RING | NAMED | JOINED, JT_WIRE_MAX_FRAME, jt_op_seal },
    { JT_VERB_OPEN, ROOT, JT_WIRE_MAX_FRAME, jt_op_open },
    { JT_VERB_RESEAL, ROOT, JT_WIRE_MAX_FRAME, jt_op_reseal },
    { JT_VERB_CLIENT_MAKE, ROOT, SMALL, jt_op_client_make },
    { JT_VERB_CLIENT_CHECK, ROOT, SMALL, jt_op_client_check },
    { JT_VERB_FIELD_MAKE, ROOT, SMALL, jt_op_field_make },
    { JT_VERB_FIELD_CHECK, ROOT, SMALL, jt_op_field_check },
    { JT_VERB_GENERATION_CREATE, ROOT, SMALL, jt_op_generation_create },
    { JT_VERB_GENERATION_ABANDON, ROOT, SMALL, jt_op_generation_abandon },
    { JT_VERB_ACK, ROOT, SMALL, jt_op_ack },
    { JT_VERB_ACK_CHECK, ROOT, SMALL, jt_op_ack_check },
    { JT_VERB_RING_FIRST, 0, SMALL, jt_op_ring_first }, /* makes the service root */
    { JT_VERB_RING_PROPOSE, ROOT | RING, WITH_RING, jt_op_ring_propose },
    { JT_VERB_RING_ACCEPT, 0, WITH_RING, jt_op_ring_accept }, /* answers without one as well */
    { JT_VERB_CERTIFY, ROOT | RING, SMALL, jt_op_certify },
    { JT_VERB_MATCH, ROOT, JT_WIRE_MAX_FRAME, jt_op_match },
    { JT_VERB_IDENTIFY, ROOT | RING | NAMED, JT_WIRE_MAX_FRAME, jt_op_identify },
    { JT_VERB_NODE_JOIN, ROOT | RING | NAMED, JT_WIRE_MAX_FRAME, jt_op_node_join },
    { JT_VERB_CLIENT_REVOKE, ROOT, SMALL, jt_op_client_revoke },
    { JT_VERB_SET_SUM, ROOT, JT_WIRE_MAX_FRAME, jt_op_set_sum },
    { JT_VERB_SET_VERIFY, ROOT, SMALL, jt_op_set_verify },
    { JT_VERB_SET_ACCEPT, ROOT, SMALL, jt_op_set_accept },
};

/* The op of a request that may be handled now, or NULL. */
static const struct op *find_op(const struct jt_session *session, const struct jt_frame *request)
{
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        const struct op *op = &ops[i];
        if (op->verb == request->verb) {
            bool in_turn = session->greeted == ((op->flags & FIRST) == 0);
            return in_turn && request->payload_len <= op->max_payload ? op : NULL;
        }
    }
    return NULL;
}

static enum jt_err run(struct jt_keeper *k, const struct op *op, const struct jt_frame *request,
                       struct jt_buf *out)
{
    if ((op->flags & ROOT) != 0 && k->root == NULL) {
        return JT_ERR_NO_ROOT;
    }
    if ((op->flags & RING) != 0 && k->ring.epoch == 0) {
        return JT_ERR_NO_RING;
    }
    if ((op->flags & JOINED) != 0 && !k->joined) {
        return JT_ERR_NOT_JOINED;
    }
    if ((op->flags & NAMED) != 0 && !k->fields.complete) {
        return JT_ERR_NO_FIELDS;
    }
    jt_keyring_allow(k->keyring, DERIVATIONS);
    if (k->root != NULL) {
        k->root->may_derive = DERIVATIONS;
    }
    struct jt_reader in = jt_reader_init(request->payload, request->payload_len);
    return op->fn(k, &in, out);
}

enum jt_err jt_dispatch(struct jt_keeper *k, struct jt_session *session,
                        const struct jt_frame *request, struct jt_buf *out)
{
    const struct op *op = find_op(session, request);
    size_t mark = jt_frame_begin_reply(out, request->verb);
    enum jt_err err = op == NULL ? JT_ERR_PROTOCOL : run(k, op, request, out);
    if (err == JT_OK) {
        err = jt_frame_end(out, mark);
    } else {
        jt_frame_cancel(out, mark);
    }
    if (err == JT_OK) {
        session->greeted = true;
        return JT_OK;
    }
    k->n_refused++;
    jt_frame_put_refusal(out, request->verb, err);
    enum jt_err status = jt_buf_status(out);
    if (status != JT_OK) {
        return status;
    }
    return err == JT_ERR_PROTOCOL ? JT_ERR_PROTOCOL : JT_OK;
}

#include "keeper/dispatch.h"

#include "keeper/op.h"

/* When a verb is allowed. */
enum {
    FIRST = 1 << 0, /* only as the first request of a connection; all others only after it */
    RING = 1 << 1, /* only once a ring has been accepted: JT_ERR_STALE until then */
};

#define SMALL 4096 /* no request but the batches and those with a ring comes near it */
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
    { JT_VERB_SEAL, 0, JT_WIRE_MAX_FRAME, jt_op_seal },
    { JT_VERB_OPEN, 0, JT_WIRE_MAX_FRAME, jt_op_open },
    { JT_VERB_RESEAL, 0, JT_WIRE_MAX_FRAME, jt_op_reseal },
    { JT_VERB_CLIENT_MAKE, 0, SMALL, jt_op_client_make },
    { JT_VERB_CLIENT_CHECK, 0, SMALL, jt_op_client_check },
    { JT_VERB_FIELD_MAKE, 0, SMALL, jt_op_field_make },
    { JT_VERB_FIELD_CHECK, 0, SMALL, jt_op_field_check },
    { JT_VERB_GENERATION_CREATE, 0, SMALL, jt_op_generation_create },
    { JT_VERB_GENERATION_ABANDON, 0, SMALL, jt_op_generation_abandon },
    { JT_VERB_ACK, 0, SMALL, jt_op_ack },
    { JT_VERB_ACK_CHECK, 0, SMALL, jt_op_ack_check },
    { JT_VERB_RING_FIRST, 0, SMALL, jt_op_ring_first },
    { JT_VERB_RING_PROPOSE, RING, WITH_RING, jt_op_ring_propose },
    { JT_VERB_RING_ACCEPT, 0, WITH_RING, jt_op_ring_accept },
    { JT_VERB_CERTIFY, RING, SMALL, jt_op_certify },
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

static enum jt_err run(struct jt_keeper *k, const struct op *op, const struct jt_frame *request, struct jt_buf *out)
{
    if ((op->flags & RING) != 0 && k->ring.epoch == 0) {
        return JT_ERR_STALE;
    }
    struct jt_reader in = jt_reader_init(request->payload, request->payload_len);
    return op->fn(k, &in, out);
}

enum jt_err jt_dispatch(struct jt_keeper *k, struct jt_session *session, const struct jt_frame *request, struct jt_buf *out)
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

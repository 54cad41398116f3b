/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/dispatch.h"

#include "base/clock.h"
#include "keeper/op.h"

/*
 * What a verb needs before it is handled: the names that wire/verbs.def uses. All that do not say
 * otherwise need a keeper that is not sealed: JT_ERR_SEALED.
 */
enum {
    SEALED_TOO = 1 << 6, /* nothing: it is answered while the keeper is sealed, too */
    FIRST = 1 << 0,  /* to be the first request of a connection; all others only come after it */
    ROOT = 1 << 1,   /* a service root: JT_ERR_NO_ROOT without */
    RING = 1 << 2,   /* an accepted ring: JT_ERR_NO_RING until then */
    SHOWN = 1 << 3,  /* the database's ring, shown since the start: JT_ERR_NO_RING until then */
    NAMED = 1 << 4,  /* a verified set of fields: JT_ERR_NO_FIELDS until then */
    JOINED = 1 << 5, /* NODE_JOIN: JT_ERR_NOT_JOINED until then */
    OWNER = 1 << 7,  /* a connection of the keeper's own user, or of root: JT_ERR_NOT_OWNER */
};

/* The longest payloads: no request but the batches and those with a ring comes near SMALL. */
enum { SMALL = 4096, WITH_RING = SMALL + JT_RING_BODY_MAX, FRAME = JT_WIRE_MAX_FRAME };

/*
 * Field keys that one request may derive, and as many token keys: some 25 ms of work. One that
 * needs more is refused and asked again, and the others have their turn in between.
 */
#define DERIVATIONS 256

struct op {
    int needs;
    size_t max_payload;
    jt_op_fn *fn;
};

/* By the verb's number. */
static const struct op ops[] = {
#define JT_VERB(number, id, name, needs, payload, request, reply) \
    [number] = { needs, payload, jt_op_##name },
#include "wire/verbs.def"
#undef JT_VERB
};

/* The op of a request that may be handled now, or NULL. */
static const struct op *find_op(const struct jt_session *session, const struct jt_frame *request)
{
    if (request->verb >= sizeof ops / sizeof ops[0] || ops[request->verb].fn == NULL) {
        return NULL;
    }
    const struct op *op = &ops[request->verb];
    bool in_turn = session->greeted == ((op->needs & FIRST) == 0);
    return in_turn && request->payload_len <= op->max_payload ? op : NULL;
}

static enum jt_err run(struct jt_keeper *k, const struct jt_session *session, const struct op *op,
                       const struct jt_frame *request, struct jt_buf *out)
{
    if (k->pending->n > 0) {
        jt_pending_sweep(k->pending, jt_clock_ms()); /* secrets that nobody needs any more */
    }
    if ((op->needs & OWNER) != 0 && !session->of_owner) {
        return JT_ERR_NOT_OWNER;
    }
    if (k->sealed && (op->needs & SEALED_TOO) == 0) {
        return JT_ERR_SEALED;
    }
    if ((op->needs & ROOT) != 0 && k->root == NULL) {
        return JT_ERR_NO_ROOT;
    }
    if (((op->needs & RING) != 0 && k->ring.epoch == 0) ||
        ((op->needs & SHOWN) != 0 && !k->ring_shown)) {
        return JT_ERR_NO_RING;
    }
    if ((op->needs & JOINED) != 0 && !k->joined) {
        return JT_ERR_NOT_JOINED;
    }
    if ((op->needs & NAMED) != 0 && !k->fields.complete) {
        return JT_ERR_NO_FIELDS;
    }
    jt_keyring_allow(k->keyring, DERIVATIONS);
    if (k->root != NULL) {
        k->root->may_derive = DERIVATIONS;
    }
    struct jt_reader in = jt_reader_init(request->payload, request->payload_len);
    k->asking = session->number;
    return op->fn(k, &in, out);
}

enum jt_err jt_dispatch(struct jt_keeper *k, struct jt_session *session,
                        const struct jt_frame *request, struct jt_buf *out)
{
    const struct op *op = find_op(session, request);
    size_t mark = jt_frame_begin_reply(out, request->verb);
    enum jt_err err = op == NULL ? JT_ERR_PROTOCOL : run(k, session, op, request, out);
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

/* SPDX-License-Identifier: Apache-2.0 */
/* One request in, one reply out: the table of verbs, and what is allowed when. */
#ifndef JETON_KEEPER_DISPATCH_H
#define JETON_KEEPER_DISPATCH_H

#include "keeper/keeper.h"
#include "wire/frame.h"

/* What the dispatcher remembers of a connection. */
struct jt_session {
    uint64_t number; /* of the connection, from 1 on; 0: there is only one */
    bool greeted;    /* HELLO was answered */
    bool of_owner;   /* the peer is the keeper's own user, or root */
};

/*
 * Appends the reply to `out`. JT_OK, or JT_ERR_PROTOCOL when the request was malformed or out of
 * turn: the reply says so and the connection must be closed behind it; any other error (no memory
 * for the reply) closes at once.
 */
enum jt_err jt_dispatch(struct jt_keeper *k, struct jt_session *session,
                        const struct jt_frame *request, struct jt_buf *out) JT_CHECKED;

#endif

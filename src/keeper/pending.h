/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this keeper has asked for and waits for: parcel requests, each with the private half of its
 * key. They live in secret memory and nowhere else, and for JT_PARCEL_WAIT_MS at most, so that a
 * request or a parcel that somebody has kept is worth nothing.
 *
 * Asked again for the same key, the keeper gives the same request: a front that repeats itself does
 * not void the answer that is on its way.
 */
#ifndef JETON_KEEPER_PENDING_H
#define JETON_KEEPER_PENDING_H

#include "crypto/ecdh.h"
#include "model/parcel.h"

#include "base/err.h"

#include <stddef.h>

struct jt_pending_one {
    int64_t until_ms; /* of CLOCK_BOOTTIME; 0: free */
    struct jt_parcel_request request;
    uint8_t private_key[JT_ECDH_PRIVATE_LEN];
};

/* In secret memory. */
struct jt_pending {
    size_t n;
    struct jt_pending_one of[JT_PARCEL_PENDING_MAX];
};

enum jt_err jt_pending_new(struct jt_pending **out) JT_CHECKED;
/* NULL is accepted. */
void jt_pending_free(struct jt_pending *p);
/* Forgets all of them. */
void jt_pending_clear(struct jt_pending *p);

/* Forgets what has waited too long. */
void jt_pending_sweep(struct jt_pending *p, int64_t now_ms);

/* The one for a generation's key (0 and zeroes: the service root), or NULL. */
struct jt_pending_one *jt_pending_find(struct jt_pending *p, uint64_t generation,
                                       const uint8_t check_value[static JT_CHECK_VALUE_LEN],
                                       int64_t now_ms);

/*
 * A new place, with a fresh key pair and challenge; the caller fills in the rest of the request.
 * JT_ERR_BUSY when all places are taken.
 */
enum jt_err jt_pending_add(struct jt_pending *p, int64_t now_ms,
                           struct jt_pending_one **out) JT_CHECKED;

/* Forgets one. */
void jt_pending_drop(struct jt_pending *p, struct jt_pending_one *one);

#endif

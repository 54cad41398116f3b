/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The destruction of a retired generation's key: the request that custodians sign, how a keeper
 * sees it, and a keeper's word that it holds the key no more (docs/keeper-protocol.md).
 */
#ifndef JETON_MODEL_DESTRUCTION_H
#define JETON_MODEL_DESTRUCTION_H

#include "model/sizes.h"

#include <stddef.h>
#include <stdint.h>

#define JT_DESTRUCTION_TEXT_MAX 26000
#define JT_DESTRUCTION_BODY_MAX (8 + 1 + JT_CHECK_VALUE_LEN + 8 + 4 + 4 + JT_DESTRUCTION_TEXT_MAX)

struct jt_destruction_request {
    uint64_t generation;
    uint8_t key_id;
    uint8_t check_value[JT_CHECK_VALUE_LEN];
    uint64_t system_identifier; /* of the database in which it was asked for */
    uint32_t timeline;
    size_t text_len;
    char text[JT_DESTRUCTION_TEXT_MAX + 1]; /* what custodians sign */
    uint8_t mac[JT_ROW_MAC_LEN];
};

/* How one keeper sees a request. The numbers are stored. */
enum jt_destruction_view {
    JT_DESTRUCTION_WAITING = 1,   /* for a second custodian */
    JT_DESTRUCTION_GRACE = 2,     /* approved: whoever uses the key now cancels it */
    JT_DESTRUCTION_DUE = 3,       /* the grace is over, and the ring lists the generation still */
    JT_DESTRUCTION_CANCELLED = 4, /* for good: the key was used, or is in use again */
    JT_DESTRUCTION_ERASED = 5,    /* the ring is without it, and this keeper holds no key of it */
};

/* "waiting", "grace", "due", "cancelled", "erased"; "unknown" for anything else. */
const char *jt_destruction_view_name(enum jt_destruction_view view);

/* A keeper's word that it holds the key no more. */
struct jt_erased {
    char node[JT_NODE_NAME_MAX + 1];
    uint8_t incarnation[JT_INCARNATION_LEN]; /* the keeper's start */
    uint8_t mac[JT_ROW_MAC_LEN];
};

#endif

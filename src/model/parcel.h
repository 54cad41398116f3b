/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a key reaches a keeper that lacks it: the keeper asks with a request, and a keeper that holds
 * the key answers with a parcel, which only that keeper can open, and only as long as it remembers
 * having asked. Both pass through the fronts and the database, which can read neither
 * (keeper/parcel.h says how they are made).
 *
 * A request for the service root is MACed under the master key, since the asker has nothing else;
 * one for a generation's key under the service root.
 */
#ifndef JETON_MODEL_PARCEL_H
#define JETON_MODEL_PARCEL_H

#include "model/sizes.h"

#include <stdint.h>

#define JT_PARCEL_PUBLIC_LEN 32 /* of an X25519 key */
#define JT_PARCEL_SEALED_LEN 48 /* a SIV tag and a key of 256 bits */

/* For how long a keeper remembers that it has asked, by its own clock. */
#define JT_PARCEL_WAIT_MS 60000
/* How many keys a keeper asks for at one time. */
#define JT_PARCEL_PENDING_MAX 16

struct jt_parcel_request {
    uint8_t environment;
    char node[JT_NODE_NAME_MAX + 1];
    uint8_t incarnation[JT_INCARNATION_LEN]; /* the asking keeper's start */
    uint64_t generation;                     /* 0: the service root */
    uint8_t check_value[JT_CHECK_VALUE_LEN]; /* of the key, by its row; zero for the service root */
    /* of the key under which this is MACed: the service root, or the master key */
    uint8_t base_check_value[JT_CHECK_VALUE_LEN];
    uint8_t challenge[JT_CHALLENGE_LEN];
    uint8_t public_key[JT_PARCEL_PUBLIC_LEN]; /* good for this request alone */
    uint8_t mac[JT_ROW_MAC_LEN];
};

struct jt_parcel {
    uint8_t environment;
    uint64_t generation; /* 0: the service root */
    uint8_t key_id;      /* 0 for the service root */
    uint8_t check_value[JT_CHECK_VALUE_LEN];
    uint64_t created_s;                       /* of the key, since 1970 */
    uint8_t public_key[JT_PARCEL_PUBLIC_LEN]; /* the answerer's, good for this parcel alone */
    uint8_t sealed[JT_PARCEL_SEALED_LEN];
};

#endif

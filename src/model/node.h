/* SPDX-License-Identifier: Apache-2.0 */
/* A node: a front and its keeper, as a MACed row in the database. */
#ifndef JETON_MODEL_NODE_H
#define JETON_MODEL_NODE_H

#include "model/sizes.h"

#include <stdbool.h>
#include <stdint.h>

/* A lease is no longer than this. */
#define JT_NODE_LEASE_MAX_S 60

struct jt_node_spec {
    char name[JT_NODE_NAME_MAX + 1];
    uint8_t number;                          /* 1 to 255: part of every id that its keeper mints */
    uint8_t incarnation[JT_INCARNATION_LEN]; /* of the front's start */
};

struct jt_node_row {
    struct jt_node_spec spec;
    uint8_t keeper[JT_INCARNATION_LEN]; /* of its keeper's start */
    /*
     * Milliseconds since 2020: ids of any time up to and including this one may have been minted
     * under the number. Whoever takes the number over begins above it.
     */
    uint64_t id_mark;
    uint64_t mac_epoch;
    uint8_t mac[JT_ROW_MAC_LEN];
};

/*
 * Whether a name is 1 to JT_NODE_NAME_MAX printable ASCII characters without spaces (a struct holds
 * no longer one).
 */
bool jt_node_name_valid(const char *name);

#endif

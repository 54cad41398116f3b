/* SPDX-License-Identifier: Apache-2.0 */
/*
 * API clients as MACed rows. The keeper's MAC covers id, permissions, the MAC of the secret, state,
 * revision and the epoch, so that nobody who can write to the database can mint a client or widen
 * one.
 */
#ifndef JETON_MODEL_CLIENT_H
#define JETON_MODEL_CLIENT_H

#include "model/set.h"
#include "model/sizes.h"

#include <stdbool.h>
#include <stdint.h>

/* What a client may do. */
enum jt_permission {
    JT_MAY_TOKENIZE = 1 << 0,
    JT_MAY_DETOKENIZE = 1 << 1,
    JT_MAY_OPERATE = 1 << 2,
    JT_MAY_AUDIT = 1 << 8,
};
#define JT_MAY_ALL (JT_MAY_TOKENIZE | JT_MAY_DETOKENIZE | JT_MAY_OPERATE)

/* Each of them with its name. */
#define JT_N_PERMISSIONS 3
struct jt_permission_name {
    const char *name;
    uint32_t bit;
};
extern const struct jt_permission_name jt_permission_names[JT_N_PERMISSIONS];

struct jt_client_spec {
    char id[JT_CLIENT_ID_MAX + 1]; /* 1 to 32 of a-z 0-9 -, starting with a letter */
    uint32_t permissions;          /* enum jt_permission bits */
};

struct jt_client_row {
    struct jt_client_spec spec;
    uint8_t secret_mac[JT_ROW_MAC_LEN]; /* CMAC of domain byte, id, secret */
    uint8_t state;                      /* enum jt_standing */
    /* the version of the set of clients (model/set.h) that brought it into this state */
    uint64_t revision;
    uint64_t mac_epoch;
    uint8_t mac[JT_ROW_MAC_LEN]; /* CMAC of domain byte, mac_epoch, and all of the above */
};

/*
 * A row as it becomes, and the set row that becomes with it: they are stored together or not at
 * all.
 */
struct jt_client_change {
    struct jt_client_row row;
    struct jt_set_row set;
};

/* Whether `id` has the form above. */
bool jt_client_id_valid(const char *id);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * API clients as MACed rows. The keeper's MAC covers id, permissions, the MAC of the secret, state,
 * revision, the epoch and the terms, so that nobody who can write to the database can mint a client
 * or widen one.
 *
 * A permission is client x operation x field. What the row's permissions name holds for every
 * field; what the terms grant (model/client_terms.h) holds for one field each. Administrative
 * operations have no field.
 */
#ifndef JETON_MODEL_CLIENT_H
#define JETON_MODEL_CLIENT_H

#include "model/client_terms.h"
#include "model/set.h"
#include "model/sizes.h"

#include <stdbool.h>
#include <stdint.h>

/* What a client may do. */
enum jt_permission {
    JT_MAY_TOKENIZE = 1 << 0,
    JT_MAY_DETOKENIZE = 1 << 1,
    JT_MAY_OPERATE = 1 << 2, /* keys, fields, the node */
    JT_MAY_READ_MASKED = 1 << 3,
    JT_MAY_LOOKUP = 1 << 4,
    JT_MAY_DELETE = 1 << 5,
    JT_MAY_ENCRYPT = 1 << 6,
    JT_MAY_DECRYPT = 1 << 7,
    JT_MAY_AUDIT = 1 << 8,   /* read the audit trail */
    JT_MAY_CLIENTS = 1 << 9, /* administer clients: to grant anything to anybody */
    JT_MAY_CUSTODIAN = 1 << 10,
};
/* Those that concern one field each, and those that concern none. */
#define JT_MAY_IN_A_FIELD                                                                       \
    (JT_MAY_TOKENIZE | JT_MAY_DETOKENIZE | JT_MAY_READ_MASKED | JT_MAY_LOOKUP | JT_MAY_DELETE | \
     JT_MAY_ENCRYPT | JT_MAY_DECRYPT)
#define JT_MAY_ADMINISTER (JT_MAY_OPERATE | JT_MAY_AUDIT | JT_MAY_CLIENTS | JT_MAY_CUSTODIAN)
#define JT_MAY_ALL        (JT_MAY_IN_A_FIELD | JT_MAY_ADMINISTER)

/* Each of them with its name. */
#define JT_N_PERMISSIONS 11
struct jt_permission_name {
    const char *name;
    uint32_t bit;
};
extern const struct jt_permission_name jt_permission_names[JT_N_PERMISSIONS];

/* Its bit; 0: there is no such permission. `name` need not end with NUL. */
uint32_t jt_permission_of(const char *name, size_t len);

/* The name of the permission with this bit; empty: there is none. */
const char *jt_permission_name(uint32_t bit);

struct jt_client_spec {
    char id[JT_CLIENT_ID_MAX + 1]; /* 1 to 32 of a-z 0-9 -, starting with a letter */
    uint32_t permissions;          /* enum jt_permission bits: in every field, or of none */
};

struct jt_client_row {
    struct jt_client_spec spec;
    uint8_t secret_mac[JT_ROW_MAC_LEN]; /* CMAC of domain byte, id, secret */
    uint8_t state;                      /* enum jt_standing */
    /* the version of the set of clients (model/set.h) that brought it into this state */
    uint64_t revision;
    uint64_t mac_epoch;
    uint8_t mac[JT_ROW_MAC_LEN]; /* CMAC of domain byte, mac_epoch, and all else */
    uint16_t terms_len;          /* 0: a row of before there were terms */
    uint8_t terms[JT_CLIENT_TERMS_MAX];
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

/*
 * Whether a name could be a card number: without dashes, dots and underscores it has 12 to 19
 * digits in a row, whatever Luhn says. Such names are given to nobody, because names are logged.
 */
bool jt_name_is_cardlike(const char *name);

/*
 * What its permissions say in every field or of none. Who may operate by a row without terms may
 * read the audit trail and administer clients too: before there were terms, operating was all of
 * that. Nobody but a keeper can take a row's terms away, since its MAC would be another one.
 */
uint32_t jt_client_permissions(const struct jt_client_row *row);

#endif

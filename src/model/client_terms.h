/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terms of a client, as bytes in its row: when it expires, the secret before the present one
 * and how long that is still good, the networks it may come from, the certificates one of which it
 * must show, what it may do in single fields, and how much of what it may do. The bytes are
 * canonical: one form for one meaning (docs/data-format.md).
 *
 * A row of before there were terms has none, zero bytes; each row that is made or changed has some.
 */
#ifndef JETON_MODEL_CLIENT_TERMS_H
#define JETON_MODEL_CLIENT_TERMS_H

#include "base/err.h"
#include "model/network.h"
#include "model/sizes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JT_CLIENT_MAX_GRANTS   32
#define JT_CLIENT_MAX_NETWORKS 8
#define JT_CLIENT_MAX_CERTS    2  /* the present one, and the one that takes its place */
#define JT_CERT_DIGEST_LEN     32 /* SHA-256 of a certificate in DER */
#define JT_CLIENT_MAX_BUDGETS  7  /* one for each operation in a field */
#define JT_CLIENT_TERMS_MAX                                                              \
    (1 + 8 + 8 + JT_ROW_MAC_LEN + 1 + JT_CLIENT_MAX_NETWORKS * (2 + 16) + 1 +            \
     JT_CLIENT_MAX_CERTS * JT_CERT_DIGEST_LEN + 1 + JT_CLIENT_MAX_GRANTS * (4 + 4) + 1 + \
     JT_CLIENT_MAX_BUDGETS * (1 + 4 + 4))

/* Operations in one field. */
struct jt_grant {
    uint32_t field;       /* id */
    uint32_t permissions; /* of JT_MAY_IN_A_FIELD, not 0 */
};

/* How many items of an operation it may have served, in all fields together; 0: any number. */
struct jt_budget {
    uint32_t operation; /* the number of its bit in enum jt_permission, of JT_MAY_IN_A_FIELD */
    uint32_t rate;      /* a second */
    uint32_t quota;     /* a day of UTC; one of the two is not 0 */
};

struct jt_client_terms {
    uint64_t expires_s;   /* seconds since 1970; 0: never */
    uint64_t old_until_s; /* the secret before is good up to then; 0: there is none */
    uint8_t old_secret_mac[JT_ROW_MAC_LEN];
    uint8_t n_networks; /* 0: from anywhere */
    struct jt_network networks[JT_CLIENT_MAX_NETWORKS];
    uint8_t n_certs; /* 0: none is asked for */
    /* digests, ascending, none twice and none all zeroes */
    uint8_t certs[JT_CLIENT_MAX_CERTS][JT_CERT_DIGEST_LEN];
    uint8_t n_grants;
    struct jt_grant grants[JT_CLIENT_MAX_GRANTS]; /* ascending by field, none twice */
    uint8_t n_budgets;
    struct jt_budget budgets[JT_CLIENT_MAX_BUDGETS]; /* ascending by operation, none twice */
};

/* Whether they can be encoded: counts, orders, operations, networks and budgets as above. */
bool jt_client_terms_valid(const struct jt_client_terms *terms);

/* Writes the bytes of valid terms; returns how many. */
size_t jt_client_terms_encode(const struct jt_client_terms *terms,
                              uint8_t out[static JT_CLIENT_TERMS_MAX]);

/* No bytes are no terms, all zeroes. JT_ERR_INVALID unless the bytes are canonical. */
enum jt_err jt_client_terms_decode(const uint8_t *bytes, size_t len,
                                   struct jt_client_terms *out) JT_CHECKED;

#endif

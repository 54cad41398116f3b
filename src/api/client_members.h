/* SPDX-License-Identifier: Apache-2.0 */
/* Members of requests that are about clients: kinds beside those of api/members.h. */
#ifndef JETON_API_CLIENT_MEMBERS_H
#define JETON_API_CLIENT_MEMBERS_H

#include "api/members.h"
#include "vault/client_change.h"

/* struct jt_may, from an array of "OPERATION" and "OPERATION:FIELD". */
extern const struct jt_member_kind jt_member_permissions;
#define JT_PERMISSIONS_MUST                                                                       \
    "an array of permissions, at least one, none twice: an operation (tokenize, detokenize, "     \
    "read-masked, lookup, delete, encrypt, decrypt, operate, audit, clients, custodian), or one " \
    "of the first seven, a colon and the name of a field; at most 32 fields"

/*
 * struct jt_client_bounds: its expiry, from a time to come or "never"; its networks; its
 * certificates; its budgets.
 */
extern const struct jt_member_kind jt_member_expiry;
#define JT_EXPIRY_MUST "a time to come, as in 2027-01-31T00:00:00Z, or never"
extern const struct jt_member_kind jt_member_networks;
#define JT_NETWORKS_MUST                                                                      \
    "an array of at most 8 networks as in 192.0.2.0/24, 2001:db8::/32 or 192.0.2.7, without " \
    "bits behind the prefix; empty: from anywhere"

extern const struct jt_member_kind jt_member_certs;
#define JT_CERTS_MUST                                                                        \
    "an array of at most 2 different SHA-256 digests of certificates in DER, in lower-case " \
    "hexadecimal digits; empty: none is asked for"

/* And its budgets: objects with an operation and one or both of its bounds. */
extern const struct jt_member_kind jt_member_budgets;
#define JT_BUDGETS_MUST                                                                        \
    "an array of objects, each of an operation (tokenize, detokenize, read-masked, lookup, "   \
    "delete, encrypt or decrypt, none twice) with per_second, per_day or both, whole numbers " \
    "from 1 to 4294967295; empty: no budget"

struct jt_overlap {
    bool given;
    uint32_t s; /* at most JT_CLIENT_OVERLAP_MAX_S */
};
extern const struct jt_member_kind jt_member_overlap;
#define JT_OVERLAP_MUST "seconds, a whole number from 0 to 2592000"

/* Seconds since 1970 as RFC 3339 text in JSON; null for 0. */
json_t *jt_json_time_or_null(uint64_t seconds);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A client as answers show it. */
#ifndef JETON_API_CLIENT_JSON_H
#define JETON_API_CLIENT_JSON_H

#include "vault/client_change.h"
#include "vault/inspect.h"

#include <jansson.h>

json_t *jt_client_json(const struct jt_client_seen *seen);

/*
 * Whether a client, as jt_client_json tells of it, may this and has these bounds; of those that are
 * not set, it must have none where `whole` is set.
 */
bool jt_client_json_is(const json_t *client, const struct jt_may *may,
                       const struct jt_client_bounds *bounds, bool whole);

/* Its permissions, its networks and its certificates. */
json_t *jt_permissions_json(const struct jt_may *may);
json_t *jt_networks_json(const struct jt_network *networks, size_t n);
json_t *jt_certs_json(const uint8_t (*digests)[JT_CERT_DIGEST_LEN], size_t n);

/* Of each the operation and its bounds, null where there is none. */
json_t *jt_budgets_json(const struct jt_budget *budgets, size_t n);

#endif

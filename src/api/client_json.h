/* SPDX-License-Identifier: Apache-2.0 */
/* A client as answers show it. */
#ifndef JETON_API_CLIENT_JSON_H
#define JETON_API_CLIENT_JSON_H

#include "vault/inspect.h"

#include <jansson.h>

json_t *jt_client_json(const struct jt_client_seen *seen);

/* Its permissions, its networks and its certificates. */
json_t *jt_permissions_json(const struct jt_may *may);
json_t *jt_networks_json(const struct jt_network *networks, size_t n);
json_t *jt_certs_json(const uint8_t (*digests)[JT_CERT_DIGEST_LEN], size_t n);

/* Of each the operation and its bounds, null where there is none. */
json_t *jt_budgets_json(const struct jt_budget *budgets, size_t n);

#endif

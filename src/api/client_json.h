/* SPDX-License-Identifier: Apache-2.0 */
/* A client as answers show it. */
#ifndef JETON_API_CLIENT_JSON_H
#define JETON_API_CLIENT_JSON_H

#include "vault/inspect.h"

#include <jansson.h>

json_t *jt_client_json(const struct jt_client_seen *seen);

/* Its permissions and its networks. */
json_t *jt_permissions_json(const struct jt_may *may);
json_t *jt_networks_json(const struct jt_network *networks, size_t n);

#endif

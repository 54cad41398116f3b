/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields: made, and looked up among those that stand (vault/sets.h). Blocking; on a worker.
 * Clients: vault/client_change.h; whether an API key is a client's: vault/client_check.h.
 */
#ifndef JETON_VAULT_REGISTRY_H
#define JETON_VAULT_REGISTRY_H

#include "vault/workers.h"
#include "model/field.h"

/* Makes a field; spec->id is chosen here. JT_ERR_FIELD_EXISTS when the name is taken;
 * JT_ERR_CARDLIKE when it could be a card number. */
enum jt_err jt_registry_add_field(struct jt_work_ctx *ctx, struct jt_field_spec *spec,
                                  const char *actor) JT_CHECKED;

/* JT_ERR_NO_FIELD; JT_ERR_SETS_UNVERIFIED also while the set of fields is not verified. */
enum jt_err jt_registry_get_field(struct jt_work_ctx *ctx, const char *name,
                                  struct jt_field_spec *out) JT_CHECKED;

#endif

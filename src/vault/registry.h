/* Clients and fields: made and looked up in the database, vouched for by the keeper. Blocking; on a worker. */
#ifndef JETON_VAULT_REGISTRY_H
#define JETON_VAULT_REGISTRY_H

#include "vault/credential.h"
#include "vault/workers.h"
#include "wire/field.h"

/* Makes a client with a fresh secret. JT_ERR_CONFLICT when the id is taken. The caller wipes *out. */
enum jt_err jt_registry_add_client(struct jt_work_ctx *ctx, const struct jt_client_spec *spec, const char *actor,
                                   struct jt_credential *out) JT_CHECKED;

/*
 * Whether the credential is a client's, and what it may do. JT_ERR_DENIED: unknown client, wrong secret and unauthentic row alike, after the
 * same work: an unknown id is checked against a row that cannot match.
 */
enum jt_err jt_registry_check_client(struct jt_work_ctx *ctx, const struct jt_credential *credential, uint32_t *permissions) JT_CHECKED;

/* Makes a field; spec->id is chosen here. JT_ERR_CONFLICT when the name is taken. */
enum jt_err jt_registry_add_field(struct jt_work_ctx *ctx, struct jt_field_spec *spec, const char *actor) JT_CHECKED;

/* JT_ERR_NOT_FOUND; JT_ERR_DENIED for a row that no keeper vouches for. */
enum jt_err jt_registry_get_field(struct jt_work_ctx *ctx, const char *name, struct jt_field_spec *out) JT_CHECKED;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event loop's memory of clients and fields that a worker has looked up and the keeper vouched
 * for.
 *
 * An entry younger than FRESH_MS is used as it is; up to STALE_MS it is used and looked up again
 * behind the scenes; older ones wait. What was looked up before the sets changed (vault/sets.h: a
 * revocation, say) is not used at all, so a change is felt within the second of the heartbeat, and
 * a busy client never waits. No entry is used beyond the time at which the client expires, or the
 * secret before the present one ends. Of a credential only a SHA-256 of the secret is kept.
 * Failures are not remembered: each costs its caller a full look-up; those who ask the same at one
 * time share one. All look-ups together may take a share of the workers only, so that a crowd of
 * strangers keeps neither operators nor the ring waiting.
 */
#ifndef JETON_VAULT_DIRECTORY_H
#define JETON_VAULT_DIRECTORY_H

#include "vault/access.h"
#include "vault/credential.h"
#include "vault/workers.h"
#include "model/field.h"

struct jt_directory;

enum jt_err jt_directory_new(struct jt_vault *vault, struct jt_inbox *inbox,
                             struct jt_directory **out) JT_CHECKED;
/* Only when no look-up is under way (workers stopped, inbox drained). NULL is accepted. */
void jt_directory_free(struct jt_directory *d);

/*
 * `access` with JT_OK, valid during the call. JT_ERR_BAD_CREDENTIAL; JT_ERR_BUSY; what else may
 * pass.
 */
typedef void jt_directory_client_fn(void *arg, enum jt_err err, const struct jt_access *access);
/*
 * `field` with JT_OK, valid during the call. JT_ERR_NO_FIELD; JT_ERR_BUSY;
 * what else may pass.
 */
typedef void jt_directory_field_fn(void *arg, enum jt_err err, const struct jt_field_spec *field);

/* Calls back at once when it knows, else later from the loop. The credential is copied. */
void jt_directory_client(struct jt_directory *d, const struct jt_credential *credential,
                         jt_directory_client_fn *client_done, void *arg);
void jt_directory_field(struct jt_directory *d, const char *name, jt_directory_field_fn *field_done,
                        void *arg);

#endif

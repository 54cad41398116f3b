/* SPDX-License-Identifier: Apache-2.0 */
/* Custodians' approvals in bodies and answers. */
#ifndef JETON_API_APPROVALS_JSON_H
#define JETON_API_APPROVALS_JSON_H

#include "vault/destroy.h"

#include <jansson.h>
#include <stdbool.h>

/* For members of bodies. */
bool jt_approval_valid(const char *text);
#define JT_APPROVAL_MUST "the text of an approval, jca_..."

/* An array; NULL when memory is short. */
json_t *jt_approvals_json(const struct jt_approval_row *approvals, size_t n);

#endif

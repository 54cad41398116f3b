/* SPDX-License-Identifier: Apache-2.0 */
/* Custodians' approvals in bodies and answers. */
#ifndef JETON_API_APPROVAL_JSON_H
#define JETON_API_APPROVAL_JSON_H

#include <jansson.h>

#include <stdbool.h>
#include <stddef.h>

struct jt_approval_row;

/* Who has approved, when, and who brought it. */
json_t *jt_approvals_json(const struct jt_approval_row *approvals, size_t n);

/* Whether it is the text of an approval. */
bool jt_text_is_approval(const char *text);
#define JT_APPROVAL_MUST "the text of an approval, jca_..."

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The card rules of a field in bodies and answers. */
#ifndef JETON_API_RULES_MEMBERS_H
#define JETON_API_RULES_MEMBERS_H

#include "api/members.h"
#include "model/field.h"
#include "vault/registry.h"

/* The members of the object `rules`, which are read into a struct jt_card_rules_patch. */
extern const struct jt_members jt_rules_members;

#define JT_RULES_MUST "an object: the rules that a field of kind pan has about cards"

/* The rules as an object; JSON null when their bytes are none that this version knows. */
json_t *jt_rules_json(const struct jt_field_spec *field);

#endif

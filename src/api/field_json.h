/* SPDX-License-Identifier: Apache-2.0 */
/* A field as the API shows it. */
#ifndef JETON_API_FIELD_JSON_H
#define JETON_API_FIELD_JSON_H

#include "model/field.h"
#include "vault/registry.h"

#include <jansson.h>

/* NULL when there is no memory. */
json_t *jt_field_json(const struct jt_field_row *row);

/* "active" or "disabled"; false for anything else, NULL too. */
bool jt_field_state_parse(const char *text, enum jt_patch_flag *disabled);

#endif

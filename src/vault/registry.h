/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields: made, and looked up among those that stand (vault/sets.h). Blocking; on a worker.
 * Clients: vault/client_change.h; whether an API key is a client's: vault/client_check.h.
 */
#ifndef JETON_VAULT_REGISTRY_H
#define JETON_VAULT_REGISTRY_H

#include "vault/workers.h"
#include "model/field.h"
#include "pan/rules.h"

/* Which of the card rules are said; the others stay as they are. */
struct jt_card_rules_patch {
    unsigned said; /* JT_RULE_ bits */
    struct jt_card_rules rules;
};
#define JT_RULE_LUHN_EXEMPT   (1u << 0)
#define JT_RULE_LENGTHS       (1u << 1)
#define JT_RULE_LEADING_ZEROS (1u << 2)
#define JT_RULE_ALL_ZEROS     (1u << 3)
#define JT_RULE_TEST_CARDS    (1u << 4)
#define JT_RULE_NORMALISE     (1u << 5)
#define JT_RULE_MAX_LIFETIME  (1u << 6)
#define JT_RULES_ALL          ((1u << 7) - 1)

/*
 * Makes a field; spec->id and spec->rules are chosen here. JT_ERR_FIELD_EXISTS when the name is
 * taken; JT_ERR_CARDLIKE when it could be a card number; JT_ERR_NOT_OF_CARDS when a field of bytes
 * is to have rules about cards; JT_ERR_NUMERIC_UNLINKED when tokens could be cards of a field
 * without dedup.
 */
enum jt_err jt_registry_add_field(struct jt_work_ctx *ctx, struct jt_field_spec *spec,
                                  const struct jt_card_rules_patch *rules,
                                  const char *actor) JT_CHECKED;

/* What becomes of a rule of a field; 0: it stays as it is. */
enum jt_patch_flag { JT_PATCH_KEEP = 0, JT_PATCH_SET, JT_PATCH_CLEAR };

struct jt_field_patch {
    enum jt_patch_flag allow_bad_luhn, mask_eight, disabled;
    struct jt_card_rules_patch rules;
    enum jt_patch_flag column; /* registered or taken away */
    char app_column[JT_APP_COLUMN_MAX + 1];
};

/*
 * Changes the rules of a field, or disables it: then it is as if it did not exist, for everybody
 * but operators, until it is active again; its cards stay, and are moved when keys are rolled. *out
 * is its row afterwards. It is done when this returns JT_OK. JT_ERR_NO_FIELD; JT_ERR_NOT_OF_CARDS;
 * JT_ERR_NUMERIC_UNLINKED; JT_ERR_FIELD_RULES where some card rules are said of a field whose
 * others cannot be read; JT_ERR_FIELD_HAS_COLUMN: another one; JT_ERR_FIELD_NO_COLUMN: there is
 * none to take away.
 */
enum jt_err jt_registry_change_field(struct jt_work_ctx *ctx, const char *name,
                                     const struct jt_field_patch *patch, const char *actor,
                                     struct jt_field_row *out) JT_CHECKED;

/* The row of a field, a disabled one too. As the next one otherwise. */
enum jt_err jt_registry_get_field_row(struct jt_work_ctx *ctx, const char *name,
                                      struct jt_field_row *out) JT_CHECKED;

/* JT_ERR_NO_FIELD, also of a disabled one; JT_ERR_SETS_UNVERIFIED also while the set of fields is
 * not verified. */
enum jt_err jt_registry_get_field(struct jt_work_ctx *ctx, const char *name,
                                  struct jt_field_spec *out) JT_CHECKED;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "api/rules_members.h"

#include "api/json.h"
#include "model/sizes.h"

#include <string.h>

static bool take_exempt(const struct jt_member *member, json_t *value, void *at)
{
    (void)member;
    struct jt_card_rules_patch *out = at;
    size_t n = json_array_size(value);
    if (!json_is_array(value) || n > JT_CARD_RULES_EXEMPT_MAX) {
        return false;
    }
    out->said |= JT_RULE_LUHN_EXEMPT;
    out->rules.n_exempt = (uint8_t)n;
    for (size_t i = 0; i < n; i++) {
        const char *text = jt_json_text(json_array_get(value, i));
        if (text == NULL || !jt_pan_prefix_parse(text, strlen(text), &out->rules.exempt[i])) {
            return false;
        }
    }
    return jt_card_rules_sort(&out->rules);
}

static bool take_lengths(const struct jt_member *member, json_t *value, void *at)
{
    (void)member;
    struct jt_card_rules_patch *out = at;
    out->said |= JT_RULE_LENGTHS;
    out->rules.lengths = 0;
    for (size_t i = 0; i < json_array_size(value); i++) {
        json_int_t length = json_integer_value(json_array_get(value, i));
        if (length < JT_PAN_MIN_DIGITS || length > JT_PAN_MAX_DIGITS ||
            (out->rules.lengths & JT_LENGTH((unsigned)length)) != 0) {
            return false;
        }
        out->rules.lengths |= JT_LENGTH((unsigned)length);
    }
    return out->rules.lengths != 0;
}

static bool take_zeros(const struct jt_member *member, json_t *value, void *at)
{
    (void)member;
    struct jt_card_rules_patch *out = at;
    const char *text = jt_json_text(value);
    out->said |= JT_RULE_LEADING_ZEROS;
    for (uint8_t zeros = 0; text != NULL && jt_leading_zeros_name(zeros) != NULL; zeros++) {
        if (strcmp(text, jt_leading_zeros_name(zeros)) == 0) {
            out->rules.zeros = zeros;
            return true;
        }
    }
    return false;
}

/* The flags differ in their bit and their place only. */
#define TAKE_FLAG(name, bit, member_of_rules)                                 \
    static bool name(const struct jt_member *member, json_t *value, void *at) \
    {                                                                         \
        (void)member;                                                         \
        struct jt_card_rules_patch *out = at;                                 \
        out->said |= (bit);                                                   \
        out->rules.member_of_rules = json_is_true(value);                     \
        return json_is_boolean(value);                                        \
    }                                                                         \
    _Static_assert((bit) != 0, "a bit")
TAKE_FLAG(take_all_zeros, JT_RULE_ALL_ZEROS, refuse_all_zeros);
TAKE_FLAG(take_test_cards, JT_RULE_TEST_CARDS, refuse_test_cards);
TAKE_FLAG(take_normalise, JT_RULE_NORMALISE, normalise);

/* Seconds; 0: none. */
static bool take_max_lifetime(const struct jt_member *member, json_t *value, void *at)
{
    (void)member;
    struct jt_card_rules_patch *out = at;
    json_int_t seconds = json_is_integer(value) ? json_integer_value(value) : -1;
    bool good = seconds >= 0 && seconds <= (json_int_t)JT_LIFETIME_MAX_S;
    out->said |= JT_RULE_MAX_LIFETIME;
    out->rules.max_lifetime_s = good ? (uint32_t)seconds : 0;
    return good;
}

static const struct jt_member_kind exempt = { "array", take_exempt },
                                   lengths = { "array", take_lengths },
                                   zeros = { "string", take_zeros },
                                   all_zeros = { "boolean", take_all_zeros },
                                   test_cards = { "boolean", take_test_cards },
                                   normalise = { "boolean", take_normalise },
                                   max_lifetime = { "integer", take_max_lifetime };

/* Each sees the whole patch: it notes that it was said, too. */
#define WHOLE .offset = 0, .size = sizeof(struct jt_card_rules_patch)

static const struct jt_member members[] = {
    { "luhn_exempt", &exempt, WHOLE,
      .must = "an array of at most 16 texts of 1 to 8 digits, none of which begins with another" },
    { "lengths", &lengths, WHOLE, .must = "an array of whole numbers from 12 to 19, none twice" },
    { "leading_zeros", &zeros, WHOLE, .must = "keep, strip or refuse" },
    { "refuse_all_zeros", &all_zeros, WHOLE, .must = "true or false" },
    { "refuse_test_cards", &test_cards, WHOLE, .must = "true or false" },
    { "normalise", &normalise, WHOLE, .must = "true or false" },
    { "max_lifetime", &max_lifetime, WHOLE,
      .must = "a whole number of seconds, at most 3155760000; 0 stands for none" },
};

const struct jt_members jt_rules_members = JT_MEMBERS(members);

static json_t *exempt_json(const struct jt_card_rules *rules)
{
    json_t *array = json_array();
    for (size_t i = 0; i < rules->n_exempt; i++) {
        char digits[JT_PREFIX_DIGITS + 1];
        jt_pan_prefix_format(&rules->exempt[i], digits);
        (void)json_array_append_new(array, json_string(digits));
    }
    return array;
}

static json_t *lengths_json(const struct jt_card_rules *rules)
{
    json_t *array = json_array();
    for (unsigned n = JT_PAN_MIN_DIGITS; n <= JT_PAN_MAX_DIGITS; n++) {
        if ((rules->lengths & JT_LENGTH(n)) != 0) {
            (void)json_array_append_new(array, json_integer(n));
        }
    }
    return array;
}

json_t *jt_rules_json(const struct jt_field_spec *field)
{
    struct jt_card_rules rules;
    if (jt_card_rules_decode(field->rules, field->rules_len, &rules) != JT_OK) {
        return json_null();
    }
    return json_pack("{so,so,ss,sb,sb,sb,sI}", "luhn_exempt", exempt_json(&rules), "lengths",
                     lengths_json(&rules), "leading_zeros", jt_leading_zeros_name(rules.zeros),
                     "refuse_all_zeros", (int)rules.refuse_all_zeros, "refuse_test_cards",
                     (int)rules.refuse_test_cards, "normalise", (int)rules.normalise,
                     "max_lifetime", (json_int_t)rules.max_lifetime_s);
}

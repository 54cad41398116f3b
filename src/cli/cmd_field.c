/* SPDX-License-Identifier: Apache-2.0 */
/* `jeton field add`, `list`, `show`, `change` */
#include "cli/card_rules.h"
#include "cli/exit.h"
#include "cli/options.h"
#include "cli/rest.h"
#include "model/field.h"
#include "pan/pan.h"

#include <string.h>

static void print_field(const json_t *field)
{
    printf("%-32s %8lld  %-6s %-8s %-8s %4lld  %s\n", jt_reply_text(field, "name"),
           jt_reply_integer(field, "id"), jt_reply_text(field, "kind"),
           jt_reply_true(field, "dedup") ? "yes" : "no",
           jt_reply_true(field, "allow_bad_luhn") ? "accepted" : "refused",
           jt_reply_integer(field, "mask_digits"), jt_reply_text(field, "state"));
}

#define N_LENGTHS (JT_PAN_MAX_DIGITS - JT_PAN_MIN_DIGITS + 1)

/* The texts or numbers of an array with commas; returns how many there are. */
static size_t join(const json_t *array, char *out, size_t size)
{
    size_t at = 0, i;
    json_t *value;
    out[0] = '\0';
    json_array_foreach(array, i, value)
    {
        const char *comma = i == 0 ? "" : ",";
        int n = json_is_string(value)
                    ? snprintf(out + at, size - at, "%s%s", comma, json_string_value(value))
                    : snprintf(out + at, size - at, "%s%lld", comma, json_integer_value(value));
        if (n < 0 || (size_t)n >= size - at) {
            break;
        }
        at += (size_t)n;
    }
    return json_array_size(array);
}

static void print_head(void)
{
    printf("%-32s %8s  %-6s %-8s %-8s %4s  %s\n", "FIELD", "ID", "KIND", "DEDUP", "BAD LUHN",
           "MASK", "STATE");
}

/* In the largest unit that it is a whole number of. */
static void print_max_lifetime(long long seconds)
{
    if (seconds <= 0) {
        return;
    }
    bool days = seconds % 86400 == 0, hours = seconds % 3600 == 0, minutes = seconds % 60 == 0;
    long long unit = days ? 86400 : hours ? 3600 : minutes ? 60 : 1;
    printf("  max-lifetime %lld%c\n", seconds / unit,
           days      ? 'd'
           : hours   ? 'h'
           : minutes ? 'm'
                     : 's');
}

/* One rule a line, in words that the options take; those that everybody has are left out. */
static void print_rules(const json_t *rules)
{
    char list[200];
    const char *zeros = jt_reply_text(rules, "leading_zeros");
    if (join(json_object_get(rules, "luhn_exempt"), list, sizeof list) > 0) {
        printf("  luhn-exempt %s\n", list);
    }
    if (join(json_object_get(rules, "lengths"), list, sizeof list) < N_LENGTHS) {
        printf("  lengths %s\n", list);
    }
    if (strcmp(zeros, "keep") != 0) {
        printf("  leading-zeros %s\n", zeros);
    }
    if (jt_reply_true(rules, "refuse_all_zeros")) {
        printf("  all-zeros refuse\n");
    }
    if (jt_reply_true(rules, "refuse_test_cards")) {
        printf("  test-cards refuse\n");
    }
    if (jt_reply_true(rules, "normalise")) {
        printf("  normalise on\n");
    }
    print_max_lifetime(jt_reply_integer(rules, "max_lifetime"));
}

/* Opaque tokens are what everybody has. */
static void print_token(const json_t *token)
{
    if (json_is_object(token) && strcmp(jt_reply_text(token, "format"), "numeric") == 0) {
        printf("  numeric tokens: keep-leading %lld, keep-last %lld, check digit %s\n",
               jt_reply_integer(token, "leading"), jt_reply_integer(token, "last"),
               strcmp(jt_reply_text(token, "luhn"), "valid") == 0 ? "right" : "wrong");
    }
}

static void print_one(const json_t *field)
{
    const json_t *rules = json_object_get(field, "rules");
    print_head();
    print_field(field);
    print_token(json_object_get(field, "token"));
    if (json_is_string(json_object_get(field, "column"))) {
        printf("  column %s\n", jt_reply_text(field, "column"));
    }
    if (json_is_object(rules)) {
        print_rules(rules);
    } else if (json_is_null(rules)) {
        printf("  its card rules are of a form that the server does not know\n");
    }
}

static void print_list(const json_t *reply)
{
    size_t i;
    json_t *field;
    print_head();
    json_array_foreach(json_object_get(reply, "fields"), i, field)
    {
        print_field(field);
    }
}

#define BAD_WORD "an option has a word that it does not take"

static bool put_digits(json_t *token, const char *member, const char *word, const char *choices)
{
    if (word == NULL) {
        return true;
    }
    bool good = strlen(word) == 1 && strchr(choices, word[0]) != NULL;
    return json_object_set_new(token, member, json_integer(word[0] - '0')) == 0 && good;
}

/* Member `token`, unless nothing is said about tokens; false: a word is none that is taken. */
static bool put_token(bool numeric, const char *leading, const char *last, bool luhn_valid,
                      json_t *body)
{
    if (!numeric && leading == NULL && last == NULL && !luhn_valid) {
        return true;
    }
    json_t *token = json_pack("{s:s}", "format", numeric ? "numeric" : "opaque");
    if (luhn_valid) {
        (void)json_object_set_new(token, "luhn", json_string("valid"));
    }
    bool good =
        put_digits(token, "leading", leading, "068") && put_digits(token, "last", last, "04");
    return json_object_set_new(body, "token", token) == 0 && good;
}

int jt_cmd_field_add(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    bool no_dedup = false, allow_bad_luhn = false, mask_eight = false;
    const char *name = NULL, *kind = "pan";
    bool numeric = false, luhn_valid = false;
    const char *leading = NULL, *last = NULL;
    struct jt_card_rule_words words = { .normalise = NULL };
    const struct jt_option options[] = {
        JT_TEXT(
            "kind", "pan|bytes", &kind,
            "what it protects; of bytes the vault stores none: applications keep the ciphertext"),
        JT_FLAG("no-dedup", &no_dedup, "give a new token each time, instead of one token per card"),
        JT_FLAG("allow-bad-luhn", &allow_bad_luhn, "accept numbers whose check digit is wrong"),
        JT_FLAG("mask-eight", &mask_eight, "show eight leading digits of masked numbers, not six"),
        JT_FLAG("numeric", &numeric, "tokens are digits, as many as the card number has"),
        JT_TEXT("keep-leading", "0|6|8", &leading,
                "numeric tokens begin with so many digits of the card number (6)"),
        JT_TEXT("keep-last", "0|4", &last,
                "numeric tokens end with so many digits of the card number (4)"),
        JT_FLAG("luhn-valid", &luhn_valid,
                "the check digit of numeric tokens is right, so that they may be taken for card "
                "numbers; otherwise it is wrong"),
        JT_CARD_RULE_OPTIONS(words),
    };
    struct jt_parse parse = { options, sizeof options / sizeof options[0], &name, 1, 1, 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    json_t *body =
        json_pack("{s:s, s:s, s:b, s:b, s:i}", "name", name, "kind", kind, "dedup", !no_dedup,
                  "allow_bad_luhn", (int)allow_bad_luhn, "mask_digits", mask_eight ? 8 : 6);
    if (body == NULL) {
        return jt_usage_error(self, "the name is not UTF-8");
    }
    code = jt_card_rules_put(&words, body) && put_token(numeric, leading, last, luhn_valid, body)
               ? jt_rest_show(cli, "POST", "/v1/fields", body, print_one)
               : jt_usage_error(self, BAD_WORD);
    json_decref(body);
    return code;
}

int jt_cmd_field_list(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    struct jt_parse parse = { 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    return code != JT_GO_ON ? code : jt_rest_show(cli, "GET", "/v1/fields", NULL, print_list);
}

/* The name is checked here, so that it needs no encoding in the path. */
static bool make_path(const char *name, char *out, size_t size)
{
    return jt_field_name_valid(name) && snprintf(out, size, "/v1/fields/%s", name) < (int)size;
}

int jt_cmd_field_show(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *name = NULL;
    char path[sizeof "/v1/fields/" + JT_FIELD_NAME_MAX];
    struct jt_parse parse = { NULL, 0, &name, 1, 1, 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    if (!make_path(name, path, sizeof path)) {
        return jt_usage_error(self, "that is no name of a field");
    }
    return jt_rest_show(cli, "GET", path, NULL, print_one);
}

/* Adds a member for an option that takes one of two words; false: it is neither. */
static bool add_choice(json_t *body, const char *member, const char *word, const char *first,
                       const char *second, json_t *first_value, json_t *second_value)
{
    bool is_first = word != NULL && strcmp(word, first) == 0;
    bool is_second = word != NULL && strcmp(word, second) == 0;
    if (is_first || is_second) {
        (void)json_object_set(body, member, is_first ? first_value : second_value);
    }
    json_decref(first_value);
    json_decref(second_value);
    return word == NULL || is_first || is_second;
}

int jt_cmd_field_change(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *name = NULL, *luhn = NULL, *mask = NULL, *state = NULL;
    struct jt_card_rule_words words = { .normalise = NULL };
    char path[sizeof "/v1/fields/" + JT_FIELD_NAME_MAX];
    const struct jt_option options[] = {
        JT_TEXT("bad-luhn", "accept|refuse", &luhn, "numbers whose check digit is wrong"),
        JT_TEXT("mask-digits", "6|8", &mask, "how many leading digits of masked numbers are shown"),
        JT_TEXT("state", "active|disabled", &state,
                "a disabled field is as if it did not exist, and keeps its cards"),
        JT_CARD_RULE_OPTIONS(words),
    };
    struct jt_parse parse = { options, sizeof options / sizeof options[0], &name, 1, 1, 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    if (!make_path(name, path, sizeof path)) {
        return jt_usage_error(self, "that is no name of a field");
    }
    json_t *body = json_object();
    bool good =
        add_choice(body, "allow_bad_luhn", luhn, "accept", "refuse", json_true(), json_false()) &&
        add_choice(body, "mask_digits", mask, "6", "8", json_integer(6), json_integer(8)) &&
        add_choice(body, "state", state, "active", "disabled", json_string("active"),
                   json_string("disabled")) &&
        jt_card_rules_put(&words, body);
    if (!good) {
        code = jt_usage_error(self, BAD_WORD);
    } else if (json_object_size(body) == 0) {
        code = jt_usage_error(self, "nothing is said that should change");
    } else {
        code = jt_rest_show(cli, "PATCH", path, body, print_one);
    }
    json_decref(body);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/card_rules.h"

#include "model/sizes.h"
#include "pan/rules.h"

#include <stdlib.h>
#include <string.h>

/* One of two words as a flag. */
static bool put_flag(json_t *rules, const char *member, const char *word, const char *yes,
                     const char *no)
{
    if (word == NULL) {
        return true;
    }
    bool is_yes = strcmp(word, yes) == 0;
    (void)json_object_set_new(rules, member, json_boolean(is_yes));
    return is_yes || strcmp(word, no) == 0;
}

static bool put_zeros(json_t *rules, const char *word)
{
    bool good = word == NULL;
    for (uint8_t zeros = 0; !good && jt_leading_zeros_name(zeros) != NULL; zeros++) {
        good = strcmp(word, jt_leading_zeros_name(zeros)) == 0;
    }
    if (good && word != NULL) {
        (void)json_object_set_new(rules, "leading_zeros", json_string(word));
    }
    return good;
}

/* The next part of a list, up to a comma; *list goes behind it, NULL after the last. */
static size_t next_part(const char **list, const char **part)
{
    *part = *list;
    size_t len = strcspn(*list, ",");
    *list = (*list)[len] == ',' ? *list + len + 1 : NULL;
    return len;
}

static bool put_exempt(json_t *rules, const char *list)
{
    bool good = true;
    if (list == NULL) {
        return true;
    }
    json_t *array = json_array();
    list = strcmp(list, "none") == 0 ? NULL : list;
    while (list != NULL && good) {
        const char *part;
        struct jt_pan_prefix ignored;
        size_t len = next_part(&list, &part);
        good = jt_pan_prefix_parse(part, len, &ignored);
        if (good) {
            (void)json_array_append_new(array, json_stringn(part, len));
        }
    }
    (void)json_object_set_new(rules, "luhn_exempt", array);
    return good;
}

/* "16" or "13-19", ended by a comma or the text's end. */
static bool read_range(const char *part, size_t len, unsigned long *low, unsigned long *high)
{
    char *end;
    if (len == 0 || strspn(part, "0123456789-") < len || part[0] == '-' || part[len - 1] == '-') {
        return false;
    }
    *low = *high = strtoul(part, &end, 10);
    if (*end == '-') {
        *high = strtoul(end + 1, &end, 10);
    }
    return end == part + len && *low >= JT_PAN_MIN_DIGITS && *high <= JT_PAN_MAX_DIGITS &&
           *low <= *high;
}

static bool put_lengths(json_t *rules, const char *list)
{
    uint8_t lengths = 0;
    if (list == NULL) {
        return true;
    }
    if (strcmp(list, "all") == 0) {
        lengths = JT_LENGTHS_ALL;
        list = NULL;
    }
    while (list != NULL) {
        const char *part;
        unsigned long low, high;
        size_t len = next_part(&list, &part);
        if (!read_range(part, len, &low, &high)) {
            return false;
        }
        lengths |= JT_LENGTHS(low, high);
    }
    json_t *array = json_array();
    for (unsigned n = JT_PAN_MIN_DIGITS; n <= JT_PAN_MAX_DIGITS; n++) {
        if ((lengths & JT_LENGTH(n)) != 0) {
            (void)json_array_append_new(array, json_integer(n));
        }
    }
    (void)json_object_set_new(rules, "lengths", array);
    return true;
}

/* "400d" and so on, as seconds. */
static bool put_max_lifetime(json_t *rules, const char *word)
{
    static const struct {
        char letter;
        unsigned long seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
    if (word == NULL) {
        return true;
    }
    size_t digits = strspn(word, "0123456789");
    unsigned long n = digits > 0 && digits <= 10 ? strtoul(word, NULL, 10) : 0;
    bool good = strcmp(word, "none") == 0;
    for (size_t i = 0; i < sizeof units / sizeof units[0] && !good; i++) {
        if (n > 0 && word[digits] == units[i].letter && word[digits + 1] == '\0') {
            n *= units[i].seconds;
            good = n <= JT_LIFETIME_MAX_S;
        }
    }
    (void)json_object_set_new(rules, "max_lifetime", json_integer((json_int_t)n));
    return good;
}

bool jt_card_rules_put(const struct jt_card_rule_words *words, json_t *body)
{
    json_t *rules = json_object();
    bool good = put_exempt(rules, words->luhn_exempt) && put_lengths(rules, words->lengths) &&
                put_zeros(rules, words->zeros) &&
                put_flag(rules, "refuse_all_zeros", words->all_zeros, "refuse", "accept") &&
                put_flag(rules, "refuse_test_cards", words->test_cards, "refuse", "accept") &&
                put_flag(rules, "normalise", words->normalise, "on", "off") &&
                put_max_lifetime(rules, words->max_lifetime);
    if (good && json_object_size(rules) > 0) {
        (void)json_object_set(body, "rules", rules);
    }
    json_decref(rules);
    return good;
}

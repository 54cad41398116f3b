/* SPDX-License-Identifier: Apache-2.0 */
/* The card rules of a field on the command line: options of `field add` and `field change`. */
#ifndef JETON_CLI_CARD_RULES_H
#define JETON_CLI_CARD_RULES_H

#include "cli/options.h"

#include <jansson.h>

/* The texts of the options; NULL: not said. */
struct jt_card_rule_words {
    const char *luhn_exempt, *lengths, *zeros, *all_zeros, *test_cards, *normalise, *max_lifetime;
};

/* Lines of a command's table of options; `words` is a struct. */
#define JT_CARD_RULE_OPTIONS(words)                                                         \
    JT_TEXT("luhn-exempt", "PREFIXES|none", &(words).luhn_exempt,                           \
            "numbers that begin so need no check digit, as in 62,8171"),                    \
        JT_TEXT("lengths", "LIST|all", &(words).lengths,                                    \
                "how many digits numbers may have, as in 13-16,19"),                        \
        JT_TEXT("leading-zeros", "keep|strip|refuse", &(words).zeros,                       \
                "strip: take numbers that were filled up with zeros without these"),        \
        JT_TEXT("all-zeros", "accept|refuse", &(words).all_zeros, "numbers of zeros only"), \
        JT_TEXT("test-cards", "accept|refuse", &(words).test_cards,                         \
                "numbers that schemes and providers publish for testing"),                  \
        JT_TEXT("normalise", "on|off", &(words).normalise,                                  \
                "whether spaces and dashes in numbers are left out"),                       \
        JT_TEXT("max-lifetime", "TIME|none", &(words).max_lifetime,                         \
                "how long cards live at most from when they come, as in 400d, 12h, 30m or 90s")

/*
 * Adds the member `rules` with what was said; nothing, where nothing was. False: an option has a
 * value that it does not take.
 */
bool jt_card_rules_put(const struct jt_card_rule_words *words, json_t *body);

#endif

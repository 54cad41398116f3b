/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of others that a message would have in it. */
#ifndef JETON_CLI_CARDLIKE_H
#define JETON_CLI_CARDLIKE_H

#include <stdbool.h>

/*
 * Whether a text could have a card number in it: 12 to 19 digits, but for blanks, dashes, dots and
 * underscores between them.
 */
bool jt_cardlike(const char *text);

/* The text, or in its place that it is not shown. */
const char *jt_cardlike_shown(const char *text);

#endif

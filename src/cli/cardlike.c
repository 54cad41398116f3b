/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cardlike.h"

#include <stddef.h>
#include <string.h>

#define DIGITS_MIN 12
#define DIGITS_MAX 19

bool jt_cardlike(const char *text)
{
    size_t run = 0;
    for (;; text++) {
        if (*text >= '0' && *text <= '9') {
            run++;
        } else if (*text == '\0' || strchr(" -._", *text) == NULL) {
            if (run >= DIGITS_MIN && run <= DIGITS_MAX) {
                return true;
            }
            run = 0;
        }
        if (*text == '\0') {
            return false;
        }
    }
}

const char *jt_cardlike_shown(const char *text)
{
    return jt_cardlike(text) ? "(not shown: it may hold a card number)" : text;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "batch/trouble.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SHOWN_BYTES  40
#define MANY_DIGITS  7
#define DETAIL_SPARE 5 /* ", ..." */

enum jt_err jt_trouble_set(struct jt_trouble *trouble, enum jt_message message, uint64_t line,
                           uint64_t column, const char *format, ...)
{
    va_list args;
    *trouble = (struct jt_trouble){ .message = message, .line = line, .column = column };
    va_start(args, format);
    (void)vsnprintf(trouble->detail, sizeof trouble->detail, format, args);
    va_end(args);
    return JT_ERR_INVALID;
}

void jt_trouble_show(const char *name, size_t len, char out[static JT_SHOWN_LEN])
{
    size_t n_digits = 0, n = len < SHOWN_BYTES ? len : SHOWN_BYTES;
    for (size_t i = 0; i < len; i++) {
        n_digits += isdigit((unsigned char)name[i]) != 0;
    }
    if (n_digits >= MANY_DIGITS) {
        memcpy(out, "(digits)", sizeof "(digits)");
        return;
    }
    while (n > 0 && n < len && ((unsigned char)name[n] & 0xc0) == 0x80) {
        n--; /* not in the middle of a character */
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = iscntrl((unsigned char)name[i]) ? '?' : name[i];
    }
    memcpy(out + n, n < len ? "..." : "", n < len ? 4 : 1);
}

void jt_trouble_list(char *detail, size_t size, const char *name, size_t len)
{
    char shown[JT_SHOWN_LEN];
    size_t used = strlen(detail);
    if (used >= 3 && strcmp(detail + used - 3, "...") == 0) {
        return;
    }
    jt_trouble_show(name, len, shown);
    const char *comma = used > 0 && detail[used - 1] != ' ' ? ", " : "";
    if (used + strlen(comma) + strlen(shown) + DETAIL_SPARE >= size) {
        (void)snprintf(detail + used, size - used, "%s...", comma);
    } else {
        (void)snprintf(detail + used, size - used, "%s%s", comma, shown);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/spelling.h"

#include <string.h>

static size_t least(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

size_t jt_spelling_distance(const char *a, const char *b)
{
    size_t a_len = strlen(a), b_len = strlen(b);
    if (a_len >= JT_SPELLING_MAX || b_len >= JT_SPELLING_MAX) {
        return JT_SPELLING_MAX;
    }
    /* row[j]: the distance of what was seen of `a` to the first j letters of `b` */
    size_t row[JT_SPELLING_MAX + 1];
    for (size_t j = 0; j <= b_len; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t above = row[j];
            row[j] = least(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[b_len];
}

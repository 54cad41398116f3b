/* SPDX-License-Identifier: Apache-2.0 */
#include "batch/copyword.h"

#include <string.h>
#include <strings.h>

static char at(const struct jt_copywords *w, size_t i)
{
    return i < w->text->code.len ? (char)w->text->code.data[i] : '\n';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n';
}

/* A comma or a semicolon in front of a blank is a blank. */
static bool is_separator(const struct jt_copywords *w, size_t i)
{
    char c = at(w, i);
    return is_blank(c) || ((c == ',' || c == ';') && is_blank(at(w, i + 1)));
}

/* From a quote to behind the closing one; doubled quotes are inside. 0: it is not closed. */
static size_t literal_end(const struct jt_copywords *w, size_t i)
{
    char quote = at(w, i);
    for (i++; i < w->text->code.len && at(w, i) != '\n'; i++) {
        if (at(w, i) == quote) {
            if (at(w, i + 1) != quote) {
                return i + 1;
            }
            i++;
        }
    }
    return 0;
}

struct jt_copyword jt_copyword_next(struct jt_copywords *w)
{
    struct jt_copyword word = { .kind = JT_COPYWORD_END };
    size_t len = w->text->code.len;
    while (w->i < len && is_separator(w, w->i)) {
        w->i++;
    }
    size_t place = w->i < len ? w->i : len - (len > 0);
    if (len > 0) {
        struct jt_copytext_at where;
        memcpy(&where, w->text->at.data + place * sizeof where, sizeof where);
        word.line = where.line;
        word.column = where.column;
        word.text = (const char *)w->text->code.data + w->i;
    }
    if (w->i >= len) {
        return word;
    }
    size_t start = w->i;
    word.kind = JT_COPYWORD_WORD;
    while (w->i < len && !is_separator(w, w->i)) {
        char c = at(w, w->i);
        if (c == '.' && is_blank(at(w, w->i + 1))) {
            break;
        }
        if (c == '"' || c == '\'') {
            size_t end = literal_end(w, w->i);
            word.kind = end == 0 ? JT_COPYWORD_OPEN : JT_COPYWORD_LITERAL;
            if (end == 0) {
                return word;
            }
            w->i = end;
            break;
        }
        w->i++;
    }
    if (w->i == start) { /* a period by itself, or behind a word */
        word.kind = JT_COPYWORD_PERIOD;
        w->i++;
    }
    word.len = w->i - start;
    return word;
}

bool jt_copyword_is(const struct jt_copyword *word, const char *upper)
{
    return word->kind == JT_COPYWORD_WORD && word->len == strlen(upper) &&
           strncasecmp(word->text, upper, word->len) == 0;
}

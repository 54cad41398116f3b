/* SPDX-License-Identifier: Apache-2.0 */
/* Enterprise COBOL for z/OS, Language Reference, "Reference format"; free form as of COBOL 2002. */
#include "batch/copytext.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define INDICATOR   7
#define FIRST_FIXED 8
#define LAST_FIXED  72
#define TAB         8

struct line {
    const char *text;
    size_t len; /* without its end */
};

/* The next line of what is left; false at the end. */
static bool next_line(const char **rest, size_t *left, struct line *out)
{
    if (*left == 0) {
        return false;
    }
    const char *end = memchr(*rest, '\n', *left);
    size_t used = end != NULL ? (size_t)(end - *rest) + 1 : *left;
    *out = (struct line){ *rest, end != NULL ? used - 1 : used };
    if (out->len > 0 && out->text[out->len - 1] == '\r') {
        out->len--;
    }
    *rest += used;
    *left -= used;
    return true;
}

static uint32_t column_after(char c, uint32_t column)
{
    return c == '\t' ? (column - 1) / TAB * TAB + TAB + 1 : column + 1;
}

/* What stands in a column; a blank where a tab goes over it, 0 where the line is shorter. */
static char at_column(const struct line *line, uint32_t wanted)
{
    uint32_t column = 1;
    for (size_t i = 0; i < line->len; i++) {
        uint32_t after = column_after(line->text[i], column);
        if (wanted < after) {
            return line->text[i] == '\t' ? ' ' : line->text[i];
        }
        column = after;
    }
    return '\0';
}

static bool is_white(char c)
{
    return c == ' ' || c == '\t' || c == '\f' || c == '\0';
}

/* The first word; its column, or 0 where the line is blank. */
static uint32_t first_word(const struct line *line, struct line *word)
{
    uint32_t column = 1;
    size_t i = 0;
    while (i < line->len && is_white(line->text[i])) {
        column = column_after(line->text[i++], column);
    }
    *word = (struct line){ line->text + i, 0 };
    while (i + word->len < line->len && !is_white(word->text[word->len])) {
        word->len++;
    }
    return word->len > 0 ? column : 0;
}

static bool all_digits(const struct line *word)
{
    for (size_t i = 0; i < word->len; i++) {
        if (!isdigit((unsigned char)word->text[i])) {
            return false;
        }
    }
    return true;
}

static bool looks_free(const struct line *line)
{
    struct line word;
    uint32_t column = first_word(line, &word);
    char indicator = at_column(line, INDICATOR);
    if (column == 0) {
        return false;
    }
    if (column < INDICATOR) {
        bool is_level = word.len <= 2 && all_digits(&word) && word.len < line->len;
        bool is_comment = word.len >= 2 && memcmp(word.text, "*>", 2) == 0;
        if (is_level || is_comment || (indicator == '\0' && !all_digits(&word))) {
            return true;
        }
    }
    return indicator != '\0' && strchr(" */-Dd$", indicator) == NULL &&
           !(column == INDICATOR && indicator == '>');
}

static bool has_word(const struct line *line, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= line->len; i++) {
        if (strncasecmp(line->text + i, word, len) == 0) {
            return true;
        }
    }
    return false;
}

/* ">>" and "$" begin a line for the compiler. */
static bool is_directive(const struct line *line)
{
    struct line word;
    return first_word(line, &word) > 0 &&
           (word.text[0] == '$' || (word.len >= 2 && memcmp(word.text, ">>", 2) == 0));
}

bool jt_copytext_is_free(const char *text, size_t len)
{
    struct line line;
    bool found = false;
    while (next_line(&text, &len, &line)) {
        if (is_directive(&line) && (has_word(&line, "FREE") || has_word(&line, "FIXED"))) {
            return has_word(&line, "FREE");
        }
        found |= !is_directive(&line) && looks_free(&line);
    }
    return found;
}

static void put(struct jt_copytext *out, char c, uint32_t line, uint32_t column)
{
    struct jt_copytext_at at = { line, column };
    jt_buf_u8(&out->code, (uint8_t)c);
    jt_buf_put(&out->at, &at, sizeof at);
}

static void take_back(struct jt_copytext *out, bool blanks_too)
{
    while (out->code.len > 0) {
        char last = (char)out->code.data[out->code.len - 1];
        if (last != '\n' && !(blanks_too && last == ' ')) {
            break;
        }
        out->code.len--;
        out->at.len -= sizeof(struct jt_copytext_at);
    }
}

/*
 * Takes the code of one line. `quote` is that of a literal which the line before leaves open, and
 * of one that this one leaves open.
 */
static void take_line(struct jt_copytext *out, const struct line *line, uint32_t number,
                      bool is_free, bool goes_on, char *quote)
{
    uint32_t column = 1, first = is_free ? 1 : FIRST_FIXED;
    bool begun = !goes_on;
    for (size_t i = 0; i < line->len; i++) {
        char c = line->text[i];
        uint32_t here = column;
        column = column_after(c, column);
        if (here < first || (!is_free && here > LAST_FIXED)) {
            continue;
        }
        if (*quote == '\0' && c == '*' && i + 1 < line->len && line->text[i + 1] == '>') {
            break;
        }
        if (!begun && is_white(c)) {
            continue;
        }
        if (!begun && *quote != '\0' && c == *quote) {
            begun = true; /* a literal goes on behind another quote */
            continue;
        }
        begun = true;
        if (c == '"' || c == '\'') {
            *quote = *quote == '\0' ? c : *quote == c ? '\0' : *quote;
        }
        put(out, is_white(c) ? ' ' : c, number, here);
    }
    put(out, '\n', number, column);
}

void jt_copytext_clear(struct jt_copytext *text)
{
    jt_buf_clear(&text->code);
    jt_buf_clear(&text->at);
}

enum jt_err jt_copytext_take(const char *text, size_t len, struct jt_copytext *out)
{
    struct line line;
    bool is_free = jt_copytext_is_free(text, len);
    char quote = '\0';
    jt_buf_init(&out->code, 2 * JT_COPYBOOK_MAX + 2);
    jt_buf_init(&out->at, (2 * JT_COPYBOOK_MAX + 2) * sizeof(struct jt_copytext_at));
    for (uint32_t number = 1; next_line(&text, &len, &line); number++) {
        char indicator = is_free ? ' ' : at_column(&line, INDICATOR);
        if (is_directive(&line) || (indicator != '\0' && strchr("*/Dd", indicator) != NULL)) {
            continue;
        }
        bool goes_on = indicator == '-';
        if (goes_on) {
            take_back(out, quote == '\0');
        } else {
            quote = '\0';
        }
        take_line(out, &line, number, is_free, goes_on, &quote);
    }
    enum jt_err err = jt_buf_status(&out->code);
    return err != JT_OK ? err : jt_buf_status(&out->at);
}

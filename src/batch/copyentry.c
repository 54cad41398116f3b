/* SPDX-License-Identifier: Apache-2.0 */
/* Enterprise COBOL for z/OS, Language Reference, "Data division: data description entry". */
#include "batch/copyentry.h"

#include "batch/trouble.h"

#include <ctype.h>
#include <string.h>

static struct jt_copyword take(struct jt_copyentry *e)
{
    struct jt_copyword word = e->word;
    e->word = jt_copyword_next(&e->words);
    return word;
}

/* Goes past a word that may be there or not. */
static bool skip_word(struct jt_copyentry *e, const char *upper)
{
    bool there = jt_copyword_is(&e->word, upper);
    if (there) {
        (void)take(e);
    }
    return there;
}

static enum jt_err trouble_at(const struct jt_copyentry *e, const struct jt_copyword *word,
                              enum jt_message message, const char *why)
{
    char shown[JT_SHOWN_LEN] = "";
    if (word->len > 0) {
        jt_trouble_show(word->text, word->len, shown);
    }
    return jt_trouble_set(e->trouble, message, word->line, word->column, "%s%s%s", shown,
                          shown[0] != '\0' && why[0] != '\0' ? ": " : "", why);
}

static enum jt_err unexpected(const struct jt_copyentry *e)
{
    switch (e->word.kind) {
    case JT_COPYWORD_END: return trouble_at(e, &e->word, JT_MSG_COPYBOOK_END, "");
    case JT_COPYWORD_OPEN: return trouble_at(e, &e->word, JT_MSG_COPYBOOK_QUOTE, "");
    default: return trouble_at(e, &e->word, JT_MSG_COPYBOOK_WORD, "");
    }
}

/* Digits only, at most `most`; 0 where it is no number from 1 on. */
static uint32_t number_of(const struct jt_copyword *word, uint32_t most)
{
    uint32_t n = 0;
    if (word->kind != JT_COPYWORD_WORD || word->len > 9) {
        return 0;
    }
    for (size_t i = 0; i < word->len; i++) {
        if (!isdigit((unsigned char)word->text[i])) {
            return 0;
        }
        n = n * 10 + (uint32_t)(word->text[i] - '0');
    }
    return n <= most ? n : 0;
}

static bool is_zero(const struct jt_copyword *word)
{
    return jt_copyword_is(word, "0");
}

/* A name, or a part of one that COPY REPLACING would fill in (:TAG:). */
static bool is_name(const struct jt_copyword *word)
{
    bool has_letter = false;
    for (size_t i = 0; i < word->len; i++) {
        char c = word->text[i];
        has_letter |= isalpha((unsigned char)c) != 0;
        if (!isalnum((unsigned char)c) && (c == '\0' || strchr("-_:", c) == NULL)) {
            return false;
        }
    }
    return word->kind == JT_COPYWORD_WORD && has_letter && word->len < JT_ITEM_NAME_LEN;
}

static void copy_upper(char *out, const struct jt_copyword *word)
{
    for (size_t i = 0; i < word->len; i++) {
        out[i] = (char)toupper((unsigned char)word->text[i]);
    }
    out[word->len] = '\0';
}

static enum jt_err take_picture(struct jt_copyentry *e)
{
    (void)skip_word(e, "IS");
    if (e->word.kind != JT_COPYWORD_WORD) {
        return unexpected(e);
    }
    struct jt_copyword word = take(e);
    const char *why = jt_picture_parse(word.text, word.len, &e->item.picture);
    e->item.has_picture = true;
    return why == NULL ? JT_OK : trouble_at(e, &word, JT_MSG_COPYBOOK_PICTURE, why);
}

static const struct {
    const char *name;
    enum jt_usage usage;
} usages[] = {
    { "DISPLAY", JT_USAGE_DISPLAY },
    { "DISPLAY-1", JT_USAGE_WIDE },
    { "NATIONAL", JT_USAGE_WIDE },
    { "BINARY", JT_USAGE_BINARY },
    { "COMP", JT_USAGE_BINARY },
    { "COMP-1", JT_USAGE_FLOAT },
    { "COMP-2", JT_USAGE_DOUBLE },
    { "COMP-3", JT_USAGE_PACKED },
    { "COMP-4", JT_USAGE_BINARY },
    { "COMP-5", JT_USAGE_NATIVE },
    { "COMPUTATIONAL", JT_USAGE_BINARY },
    { "COMPUTATIONAL-1", JT_USAGE_FLOAT },
    { "COMPUTATIONAL-2", JT_USAGE_DOUBLE },
    { "COMPUTATIONAL-3", JT_USAGE_PACKED },
    { "COMPUTATIONAL-4", JT_USAGE_BINARY },
    { "COMPUTATIONAL-5", JT_USAGE_NATIVE },
    { "PACKED-DECIMAL", JT_USAGE_PACKED },
};

static enum jt_usage usage_of(const struct jt_copyword *word)
{
    for (size_t i = 0; i < sizeof usages / sizeof usages[0]; i++) {
        if (jt_copyword_is(word, usages[i].name)) {
            return usages[i].usage;
        }
    }
    return JT_USAGE_UNSAID;
}

static enum jt_err take_usage(struct jt_copyentry *e)
{
    (void)skip_word(e, "IS");
    struct jt_copyword word = take(e);
    e->item.usage = usage_of(&word);
    return e->item.usage != JT_USAGE_UNSAID ? JT_OK
                                            : trouble_at(e, &word, JT_MSG_COPYBOOK_USAGE, "");
}

/* SIGN may be left out. */
static enum jt_err take_sign(struct jt_copyentry *e)
{
    (void)skip_word(e, "IS");
    e->item.has_sign = true;
    if (skip_word(e, "LEADING")) {
        e->item.sign_leading = true;
    } else if (!skip_word(e, "TRAILING")) {
        return unexpected(e);
    }
    if (skip_word(e, "SEPARATE")) {
        e->item.sign_separate = true;
        (void)skip_word(e, "CHARACTER");
    }
    return JT_OK;
}

/* A name with its qualifiers: "A OF B". */
static enum jt_err take_reference(struct jt_copyentry *e, char *out, size_t size)
{
    size_t used = 0;
    do {
        if (!is_name(&e->word)) {
            return unexpected(e);
        }
        if (used + e->word.len + sizeof " OF " > size) {
            return trouble_at(e, &e->word, JT_MSG_COPYBOOK_WORD, "it has too many qualifiers");
        }
        if (used > 0) {
            memcpy(out + used, " OF ", 4);
            used += 4;
        }
        copy_upper(out + used, &e->word);
        used += e->word.len;
        (void)take(e);
    } while (skip_word(e, "OF") || skip_word(e, "IN"));
    return JT_OK;
}

static enum jt_err take_occurs(struct jt_copyentry *e)
{
    struct jt_item *item = &e->item;
    struct jt_copyword first = take(e);
    item->has_occurs = true;
    item->occurs_max = item->occurs_min = number_of(&first, 1u << 20);
    bool from_zero = is_zero(&first);
    if (item->occurs_max == 0 && !from_zero) {
        return trouble_at(e, &first, JT_MSG_COPYBOOK_OCCURS, "");
    }
    bool has_two = skip_word(e, "TO");
    if (has_two) {
        struct jt_copyword last = take(e);
        item->occurs_max = number_of(&last, 1u << 20);
        if (item->occurs_max == 0 || item->occurs_max < item->occurs_min) {
            return trouble_at(e, &last, JT_MSG_COPYBOOK_OCCURS, "");
        }
    } else if (from_zero) {
        return trouble_at(e, &first, JT_MSG_COPYBOOK_OCCURS, "");
    }
    (void)skip_word(e, "TIMES");
    if (skip_word(e, "DEPENDING")) {
        item->occurs_min = has_two ? item->occurs_min : 1; /* "OCCURS 5 DEPENDING ON" */
        (void)skip_word(e, "ON");
        return take_reference(e, item->depends_on, sizeof item->depends_on);
    }
    return item->occurs_min == item->occurs_max
               ? JT_OK
               : trouble_at(e, &first, JT_MSG_COPYBOOK_DEPENDING, "it is not there");
}

static enum jt_err take_redefines(struct jt_copyentry *e)
{
    if (!is_name(&e->word)) {
        return unexpected(e);
    }
    e->redefines = take(e);
    return JT_OK;
}

static enum jt_err take_sync(struct jt_copyentry *e)
{
    e->item.synchronized = true;
    if (!skip_word(e, "LEFT")) {
        (void)skip_word(e, "RIGHT");
    }
    return JT_OK;
}

static enum jt_err take_justified(struct jt_copyentry *e)
{
    (void)skip_word(e, "RIGHT");
    return JT_OK;
}

static enum jt_err take_blank(struct jt_copyentry *e)
{
    (void)skip_word(e, "WHEN");
    return skip_word(e, "ZERO") || skip_word(e, "ZEROS") || skip_word(e, "ZEROES") ? JT_OK
                                                                                   : unexpected(e);
}

static enum jt_err take_nothing(struct jt_copyentry *e)
{
    (void)e;
    return JT_OK;
}

/* Up to the next clause or the period: literals, keys of tables, names of indexes. */
static enum jt_err take_list(struct jt_copyentry *e);

typedef enum jt_err take_clause_fn(struct jt_copyentry *e);

static const struct {
    const char *word;
    take_clause_fn *take;
} clauses[] = {
    { "PIC", take_picture },         { "PICTURE", take_picture },   { "USAGE", take_usage },
    { "SIGN", take_sign },           { "OCCURS", take_occurs },     { "REDEFINES", take_redefines },
    { "SYNC", take_sync },           { "SYNCHRONIZED", take_sync }, { "JUST", take_justified },
    { "JUSTIFIED", take_justified }, { "BLANK", take_blank },       { "VALUE", take_list },
    { "VALUES", take_list },         { "ASCENDING", take_list },    { "DESCENDING", take_list },
    { "INDEXED", take_list },        { "EXTERNAL", take_nothing },  { "GLOBAL", take_nothing },
};

static take_clause_fn *clause_of(const struct jt_copyword *word)
{
    for (size_t i = 0; i < sizeof clauses / sizeof clauses[0]; i++) {
        if (jt_copyword_is(word, clauses[i].word)) {
            return clauses[i].take;
        }
    }
    return NULL;
}

static bool begins_clause(const struct jt_copyword *word)
{
    return clause_of(word) != NULL || usage_of(word) != JT_USAGE_UNSAID ||
           jt_copyword_is(word, "LEADING") || jt_copyword_is(word, "TRAILING");
}

static enum jt_err take_list(struct jt_copyentry *e)
{
    while (e->word.kind == JT_COPYWORD_LITERAL ||
           (e->word.kind == JT_COPYWORD_WORD && !begins_clause(&e->word))) {
        (void)take(e);
    }
    return JT_OK;
}

static enum jt_err take_clause(struct jt_copyentry *e)
{
    take_clause_fn *clause = clause_of(&e->word);
    if (clause != NULL) {
        (void)take(e);
        return clause(e);
    }
    if (jt_copyword_is(&e->word, "LEADING") || jt_copyword_is(&e->word, "TRAILING")) {
        return take_sign(e);
    }
    return usage_of(&e->word) != JT_USAGE_UNSAID ? take_usage(e) : unexpected(e);
}

static enum jt_err take_level(struct jt_copyentry *e)
{
    struct jt_copyword word = e->word;
    uint32_t level = word.len <= 2 ? number_of(&word, 99) : 0;
    e->item = (struct jt_item){ .level = (uint8_t)level,
                                .line = word.line,
                                .column = word.column,
                                .occurs_min = 1,
                                .occurs_max = 1,
                                .counter = JT_NO_ITEM,
                                .table = JT_NO_ITEM,
                                .redefines = JT_NO_ITEM };
    e->redefines = (struct jt_copyword){ 0 };
    e->skipped = level == 66 || level == 78 || level == 88;
    if (level == 0 || (level > 49 && level != 77 && !e->skipped)) {
        return word.kind == JT_COPYWORD_WORD ? trouble_at(e, &word, JT_MSG_COPYBOOK_LEVEL, "")
                                             : unexpected(e);
    }
    (void)take(e);
    return JT_OK;
}

static enum jt_err take_name(struct jt_copyentry *e)
{
    if (skip_word(e, "FILLER") || begins_clause(&e->word) || e->word.kind == JT_COPYWORD_PERIOD) {
        return JT_OK;
    }
    if (!is_name(&e->word)) {
        return unexpected(e);
    }
    copy_upper(e->item.name, &e->word);
    (void)take(e);
    return JT_OK;
}

/* EJECT and SKIP move a listing's paper and may stand between entries without a period. */
static bool skip_listing(struct jt_copyentry *e)
{
    if (!skip_word(e, "EJECT") && !skip_word(e, "SKIP1") && !skip_word(e, "SKIP2") &&
        !skip_word(e, "SKIP3")) {
        return false;
    }
    if (e->word.kind == JT_COPYWORD_PERIOD) {
        (void)take(e);
    }
    return true;
}

void jt_copyentry_start(struct jt_copyentry *e, const struct jt_copytext *text,
                        struct jt_trouble *trouble)
{
    *e = (struct jt_copyentry){ .words = { .text = text }, .trouble = trouble };
    (void)take(e);
}

enum jt_err jt_copyentry_next(struct jt_copyentry *e)
{
    while (skip_listing(e)) {
    }
    if (e->word.kind == JT_COPYWORD_END) {
        return JT_ERR_NO_RECORD;
    }
    enum jt_err err = take_level(e);
    if (err == JT_OK && !e->skipped) {
        err = take_name(e);
    }
    while (err == JT_OK && e->word.kind != JT_COPYWORD_PERIOD) {
        if (!e->skipped) {
            err = take_clause(e);
        } else if (e->word.kind == JT_COPYWORD_END || e->word.kind == JT_COPYWORD_OPEN) {
            err = unexpected(e);
        } else {
            (void)take(e);
        }
    }
    if (err == JT_OK) {
        (void)take(e);
    }
    return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader of configuration files by tables. A table is a section of the file: for each option its
 * name, kind, bounds, default and the sentence that documents it. Which tables there are is the
 * caller's business (options/conf.h).
 *
 * Unknown sections, unknown or repeated names and values out of bounds are errors that name the
 * line, so that a misspelt option never silently keeps its default.
 *
 * The syntax is libinih's: a line that starts with # or ; is a comment, and so is what follows a
 * space and a semicolon. A line that continues another, or is longer than libinih can hold, is an
 * error.
 */
#ifndef JETON_BASE_CONF_H
#define JETON_BASE_CONF_H

#include "base/err.h"

#include <stddef.h>
#include <stdio.h>

#define JT_CONF_MAX_TEXT    4096 /* libinih's own limit on a line comes first */
#define JT_CONF_MAX_OPTIONS 64   /* of all tables together */

enum jt_conf_kind { JT_CONF_TEXT, JT_CONF_NUMBER };

struct jt_conf_option {
    const char *name;
    enum jt_conf_kind kind;
    size_t offset; /* of a char * (text) or a long (number) in the caller's struct */
    const char *fallback;
    long min, max;   /* of a number; of the length of a text, in bytes */
    const char *doc; /* whole sentences */
    /* Optional. NULL, or what the value must be: "must consist of letters only". */
    const char *(*check)(const char *value);
};

struct jt_conf_table {
    const char *section;
    const char *doc; /* what the section is about: a whole sentence */
    const struct jt_conf_option *options;
    size_t n_options;
};

/*
 * Reads `path` over the tables' defaults into the struct at `target`, which starts as zero bytes.
 * On failure `message` (of `message_len` bytes) holds one line for the operator that names file,
 * line and option, and the texts are freed. JT_ERR_NO_FILE (it cannot be opened), JT_ERR_INVALID,
 * JT_ERR_NOMEM. On success the caller ends with jt_conf_free_texts.
 */
enum jt_err jt_conf_read(const char *path, const struct jt_conf_table *const *tables,
                         size_t n_tables, void *target, char *message,
                         size_t message_len) JT_CHECKED;

/* Frees the texts at `target` and sets them to NULL. */
void jt_conf_free_texts(const struct jt_conf_table *const *tables, size_t n_tables, void *target);

/* Writes all tables as a commented file, every option at its default. */
void jt_conf_write_sample(const struct jt_conf_table *const *tables, size_t n_tables, FILE *out);

/* Writes all tables as the middle of a manual page, in man(7): one .SS for each section. */
void jt_conf_write_manual(const struct jt_conf_table *const *tables, size_t n_tables, FILE *out);

#endif

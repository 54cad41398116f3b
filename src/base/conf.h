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
 * space and a semicolon. A line that continues another, or is longer than JT_CONF_MAX_LINE, is an
 * error.
 */
#ifndef JETON_BASE_CONF_H
#define JETON_BASE_CONF_H

#include "base/err.h"

#include <stddef.h>
#include <stdio.h>

#define JT_CONF_MAX_TEXT    4096
#define JT_CONF_MAX_LINE    4096 /* bytes of a line, without its end */
#define JT_CONF_MAX_OPTIONS 64   /* of all tables together */

/* A hidden text may be a secret, and is never written out. */
enum jt_conf_kind { JT_CONF_TEXT, JT_CONF_HIDDEN, JT_CONF_NUMBER };

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

/*
 * Puts "section.name=value" in the place of what `target` has. On failure `message` names the
 * option and what is wrong with it, and the target keeps what it had. JT_ERR_INVALID, JT_ERR_NOMEM.
 */
enum jt_err jt_conf_set(const struct jt_conf_table *const *tables, size_t n_tables, void *target,
                        const char *assignment, char *message, size_t message_len) JT_CHECKED;

/*
 * The same for each variable of `environment` (environ(7)) whose name begins with `prefix`; what
 * follows is section, underscore and name in capitals, as in PREFIX_FRONT_PORT. One that names no
 * option is an error, as a misspelt line of the file is.
 */
enum jt_err jt_conf_set_from(const struct jt_conf_table *const *tables, size_t n_tables,
                             void *target, const char *prefix, const char *const *environment,
                             char *message, size_t message_len) JT_CHECKED;

/*
 * Writes what `target` has as a file that can be read: options at their defaults are comments. In
 * the place of a value that may be a secret stands a comment that says so.
 */
void jt_conf_write_values(const struct jt_conf_table *const *tables, size_t n_tables,
                          const void *target, FILE *out);

/* Frees the texts at `target` and sets them to NULL. */
void jt_conf_free_texts(const struct jt_conf_table *const *tables, size_t n_tables, void *target);

/* Writes all tables as a commented file, every option at its default. */
void jt_conf_write_sample(const struct jt_conf_table *const *tables, size_t n_tables, FILE *out);

/* Writes all tables as the middle of a manual page, in man(7): one .SS for each section. */
void jt_conf_write_manual(const struct jt_conf_table *const *tables, size_t n_tables, FILE *out);

#endif

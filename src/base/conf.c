/* SPDX-License-Identifier: Apache-2.0 */
#include "base/conf.h"

#include "base/must.h"

#include <ini.h>

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A place in the caller's struct. */
static void *at(const struct jt_conf_option *o, void *target)
{
    return (char *)target + o->offset;
}

/* JT_ERR_INVALID when the value is out of the option's bounds. */
static enum jt_err assign(const struct jt_conf_option *o, void *target, const char *value)
{
    if (o->kind == JT_CONF_TEXT) {
        char **text = at(o, target);
        size_t len = strlen(value);
        if (len < (size_t)o->min || len > (size_t)o->max) {
            return JT_ERR_INVALID;
        }
        char *copy = strdup(value);
        if (copy == NULL) {
            return JT_ERR_NOMEM;
        }
        free(*text);
        *text = copy;
        return JT_OK;
    }
    long *number = at(o, target);
    char *end;
    errno = 0;
    long v = strtol(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0' || v < o->min || v > o->max) {
        return JT_ERR_INVALID;
    }
    *number = v;
    return JT_OK;
}

/* Everything that the callbacks of one load share; the first problem is the one that is told. */
struct load {
    const struct jt_conf_table *const *tables;
    size_t n_tables;
    void *target;
    FILE *file;
    int line;
    bool seen[JT_CONF_MAX_OPTIONS];
    enum jt_err err;
    char problem[300];
};

/* The option and its place among all; NULL when there is none. */
static const struct jt_conf_option *find_option(const struct load *load, const char *section,
                                                const char *name, size_t *place)
{
    *place = 0;
    for (size_t t = 0; t < load->n_tables; t++) {
        const struct jt_conf_table *table = load->tables[t];
        for (size_t i = 0; i < table->n_options; i++, ++*place) {
            if (strcmp(table->section, section) == 0 && strcmp(table->options[i].name, name) == 0) {
                return &table->options[i];
            }
        }
    }
    return NULL;
}

static void complain(struct load *load, enum jt_err err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void complain(struct load *load, enum jt_err err, const char *format, ...)
{
    if (load->err != JT_OK) {
        return;
    }
    load->err = err;
    va_list args;
    va_start(args, format);
    vsnprintf(load->problem, sizeof load->problem, format, args);
    va_end(args);
}

static bool section_known(const struct load *load, const char *name, size_t len)
{
    for (size_t t = 0; t < load->n_tables; t++) {
        const char *section = load->tables[t]->section;
        if (strlen(section) == len && memcmp(section, name, len) == 0) {
            return true;
        }
    }
    return false;
}

static void check_line(struct load *load, const char *line, size_t room)
{
    size_t len = strlen(line);
    if (len + 1 == room && line[len - 1] != '\n') {
        /* inih would take the rest for a line of its own. */
        complain(load, JT_ERR_INVALID, "line is longer than %zu bytes", room - 2);
    }
    if (*line == '[' && strchr(line, ']') != NULL) {
        size_t name_len = strcspn(line + 1, "]");
        if (!section_known(load, line + 1, name_len)) {
            complain(load, JT_ERR_INVALID, "unknown section [%.*s]",
                     name_len > 60 ? 60 : (int)name_len, line + 1);
        }
    }
}

/*
 * inih's fgets. Lines are counted and checked here: Debian 12 builds inih without line numbers in
 * its callback.
 */
static char *next_line(char *line, int room, void *stream)
{
    struct load *load = stream;
    if (load->err != JT_OK || fgets(line, room, load->file) == NULL) {
        return NULL;
    }
    load->line++;
    check_line(load, line, (size_t)room);
    return load->err == JT_OK ? line : NULL;
}

/* inih's callback; 0 tells it that the option is wrong. */
static int on_option(void *user, const char *section, const char *name, const char *value)
{
    struct load *load = user;
    size_t place;
    const struct jt_conf_option *o = find_option(load, section, name, &place);
    if (o == NULL) {
        complain(load, JT_ERR_INVALID, "unknown option %.60s in section [%.60s]", name, section);
        return 0;
    }
    if (load->seen[place]) {
        complain(load, JT_ERR_INVALID,
                 "%s in [%s] is set twice, or is followed by an indented line", name, section);
        return 0;
    }
    load->seen[place] = true;
    const char *must = NULL;
    switch (assign(o, load->target, value)) {
    case JT_OK:
        must = o->check == NULL ? NULL : o->check(value);
        if (must != NULL) {
            complain(load, JT_ERR_INVALID, "%s in [%s] %s", name, section, must);
        }
        return must == NULL;
    case JT_ERR_NOMEM: complain(load, JT_ERR_NOMEM, "out of memory"); return 0;
    default:
        complain(load, JT_ERR_INVALID,
                 o->kind == JT_CONF_NUMBER ? "%s in [%s] must be a whole number from %ld to %ld"
                                           : "%s in [%s] must be of %ld to %ld bytes",
                 name, section, o->min, o->max);
        return 0;
    }
}

static enum jt_err set_defaults(const struct load *load)
{
    for (size_t t = 0; t < load->n_tables; t++) {
        for (size_t i = 0; i < load->tables[t]->n_options; i++) {
            const struct jt_conf_option *o = &load->tables[t]->options[i];
            enum jt_err err = assign(o, load->target, o->fallback);
            if (err != JT_OK) {
                return err;
            }
        }
    }
    return JT_OK;
}

static void read_options(struct load *load)
{
    int line = ini_parse_stream(next_line, load, on_option, load);
    if (load->err == JT_OK && ferror(load->file)) {
        /* a directory, for one */
        complain(load, JT_ERR_INVALID, "cannot be read: %s", strerror(errno));
    }
    if (line < 0) {
        complain(load, JT_ERR_NOMEM, "out of memory");
    }
    if (load->err == JT_OK && line > 0) {
        load->line = line;
        complain(load, JT_ERR_INVALID, "not of the form name = value");
    }
}

static size_t n_options(const struct jt_conf_table *const *tables, size_t n_tables)
{
    size_t n = 0;
    for (size_t t = 0; t < n_tables; t++) {
        n += tables[t]->n_options;
    }
    return n;
}

enum jt_err jt_conf_read(const char *path, const struct jt_conf_table *const *tables,
                         size_t n_tables, void *target, char *message, size_t message_len)
{
    struct load load = { .tables = tables, .n_tables = n_tables, .target = target };
    if (n_options(tables, n_tables) > JT_CONF_MAX_OPTIONS) {
        snprintf(message, message_len, "more than %d options", JT_CONF_MAX_OPTIONS);
        return JT_ERR_INVALID;
    }
    enum jt_err err = set_defaults(&load);
    if (err != JT_OK) {
        snprintf(message, message_len, "%s: default values: %s", path, jt_err_str(err));
        goto out;
    }
    load.file = fopen(path, "re");
    if (load.file == NULL) {
        snprintf(message, message_len, "%s: %s", path, strerror(errno));
        err = JT_ERR_NO_FILE;
        goto out;
    }
    read_options(&load);
    fclose(load.file);
    err = load.err;
    if (err != JT_OK) {
        snprintf(message, message_len, "%s:%d: %s", path, load.line, load.problem);
    }
out:
    if (err != JT_OK) {
        jt_conf_free_texts(tables, n_tables, target);
    }
    return err;
}

void jt_conf_free_texts(const struct jt_conf_table *const *tables, size_t n_tables, void *target)
{
    for (size_t t = 0; t < n_tables; t++) {
        for (size_t i = 0; i < tables[t]->n_options; i++) {
            const struct jt_conf_option *o = &tables[t]->options[i];
            if (o->kind == JT_CONF_TEXT) {
                char **text = at(o, target);
                free(*text);
                *text = NULL;
            }
        }
    }
}

#define COLUMNS 100

/* Prints a sentence as lines of at most 100 columns that all begin with `before`. */
static void write_wrapped(FILE *out, const char *before, const char *text)
{
    int width = COLUMNS - (int)strlen(before), column = 0;
    fputs(before, out);
    while (*text != '\0') {
        int len = (int)strcspn(text, " ");
        bool first = column == 0, fits = column + 1 + len <= width;
        fprintf(out, "%s%s%.*s",
                first  ? ""
                : fits ? " "
                       : "\n",
                first || fits ? "" : before, len, text);
        column = first ? len : fits ? column + 1 + len : len;
        text += len;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

/* The sentences about an option, with the bounds of a number. */
static void write_doc(FILE *out, const char *before, const struct jt_conf_option *o)
{
    char doc[400];
    int n = snprintf(doc, sizeof doc, "%s", o->doc);
    jt_must(n >= 0 && (size_t)n < sizeof doc);
    if (o->kind == JT_CONF_NUMBER) {
        snprintf(doc + n, sizeof doc - (size_t)n, " From %ld to %ld.", o->min, o->max);
    }
    write_wrapped(out, before, doc);
}

void jt_conf_write_sample(const struct jt_conf_table *const *tables, size_t n_tables, FILE *out)
{
    for (size_t t = 0; t < n_tables; t++) {
        fprintf(out, "%s[%s]\n", t == 0 ? "" : "\n", tables[t]->section);
        for (size_t i = 0; i < tables[t]->n_options; i++) {
            const struct jt_conf_option *o = &tables[t]->options[i];
            write_doc(out, "# ", o);
            fprintf(out, "#%s =%s%s\n", o->name, *o->fallback == '\0' ? "" : " ", o->fallback);
        }
    }
}

void jt_conf_write_manual(const struct jt_conf_table *const *tables, size_t n_tables, FILE *out)
{
    for (size_t t = 0; t < n_tables; t++) {
        fprintf(out, ".SS [%s]\n", tables[t]->section);
        fprintf(out, "%s\n", tables[t]->doc);
        for (size_t i = 0; i < tables[t]->n_options; i++) {
            const struct jt_conf_option *o = &tables[t]->options[i];
            fprintf(out, ".TP\n.B %s\n", o->name);
            write_doc(out, "", o);
            if (*o->fallback == '\0') {
                fprintf(out, "Empty by default.\n");
            } else {
                fprintf(out, "Default:\n.IR %s .\n", o->fallback);
            }
        }
    }
}

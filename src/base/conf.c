/* SPDX-License-Identifier: Apache-2.0 */
#include "base/conf.h"

#include "base/must.h"

#include <ini.h>

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LINE_ROOM (JT_CONF_MAX_LINE + 2) /* with a newline and a NUL */

/* A place in the caller's struct. */
static void *at(const struct jt_conf_option *o, void *target)
{
    return (char *)target + o->offset;
}

/* JT_ERR_INVALID when the value is out of the option's bounds. */
static enum jt_err check_bounds(const struct jt_conf_option *o, const char *value)
{
    if (o->kind != JT_CONF_NUMBER) {
        size_t len = strlen(value);
        return len >= (size_t)o->min && len <= (size_t)o->max ? JT_OK : JT_ERR_INVALID;
    }
    char *end;
    errno = 0;
    long v = strtol(value, &end, 10);
    return errno == 0 && end != value && *end == '\0' && v >= o->min && v <= o->max
               ? JT_OK
               : JT_ERR_INVALID;
}

/* Of a value within them. */
static enum jt_err assign(const struct jt_conf_option *o, void *target, const char *value)
{
    if (o->kind == JT_CONF_NUMBER) {
        *(long *)at(o, target) = strtol(value, NULL, 10);
        return JT_OK;
    }
    char **text = at(o, target), *copy = strdup(value);
    if (copy == NULL) {
        return JT_ERR_NOMEM;
    }
    free(*text);
    *text = copy;
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

/* What is wrong with the value goes to the load's problem. */
static void take_value(struct load *load, const char *section, const struct jt_conf_option *o,
                       const char *value)
{
    const char *must = o->check == NULL ? NULL : o->check(value);
    enum jt_err err = check_bounds(o, value) != JT_OK ? JT_ERR_INVALID
                      : must == NULL                  ? assign(o, load->target, value)
                                                      : JT_OK;
    if (err == JT_ERR_NOMEM) {
        complain(load, err, "out of memory");
    } else if (err != JT_OK) {
        complain(load, err,
                 o->kind == JT_CONF_NUMBER ? "%s in [%s] must be a whole number from %ld to %ld"
                                           : "%s in [%s] must be of %ld to %ld bytes",
                 o->name, section, o->min, o->max);
    } else if (must != NULL) {
        complain(load, JT_ERR_INVALID, "%s in [%s] %s", o->name, section, must);
    }
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
    take_value(load, section, o, value);
    return load->err == JT_OK;
}

static enum jt_err set_defaults(const struct load *load)
{
    for (size_t t = 0; t < load->n_tables; t++) {
        for (size_t i = 0; i < load->tables[t]->n_options; i++) {
            const struct jt_conf_option *o = &load->tables[t]->options[i];
            enum jt_err err = check_bounds(o, o->fallback);
            if (err == JT_OK) {
                err = assign(o, load->target, o->fallback);
            }
            if (err != JT_OK) {
                return err;
            }
        }
    }
    return JT_OK;
}

static void read_options(struct load *load)
{
    /* a conninfo with several hosts does not fit in the 200 bytes on the stack */
    ini_use_stack = false;
    ini_initial_alloc = ini_max_line = LINE_ROOM;
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

/* --- over the file --- */

enum jt_err jt_conf_set(const struct jt_conf_table *const *tables, size_t n_tables, void *target,
                        const char *assignment, char *message, size_t message_len)
{
    struct load load = { .tables = tables, .n_tables = n_tables, .target = target };
    char section[64] = "", name[64] = "";
    int used = 0;
    size_t place;
    (void)sscanf(assignment, "%63[^.= ].%63[^.= ]=%n", section, name, &used);
    const struct jt_conf_option *o = used == 0 ? NULL : find_option(&load, section, name, &place);
    if (used == 0) {
        complain(&load, JT_ERR_INVALID, "not of the form SECTION.NAME=VALUE");
    } else if (o == NULL) {
        complain(&load, JT_ERR_INVALID, "unknown option %.60s in section [%.60s]", name, section);
    } else {
        take_value(&load, section, o, assignment + used);
    }
    (void)snprintf(message, message_len, "%s", load.problem);
    return load.err;
}

/* "FRONT_PORT" of "front" and "port". */
static void write_variable(char *out, size_t size, const char *section, const char *name)
{
    (void)snprintf(out, size, "%s_%s", section, name);
    for (char *p = out; *p != '\0'; p++) {
        *p = (char)toupper((unsigned char)*p);
    }
}

/* Whether it is the variable `name` (of `name_len` bytes); what is wrong goes to the problem. */
static bool take_variable(struct load *load, const char *name, size_t name_len, const char *value)
{
    for (size_t t = 0; t < load->n_tables; t++) {
        const struct jt_conf_table *table = load->tables[t];
        for (size_t i = 0; i < table->n_options; i++) {
            char variable[130];
            write_variable(variable, sizeof variable, table->section, table->options[i].name);
            if (strlen(variable) == name_len && memcmp(variable, name, name_len) == 0) {
                take_value(load, table->section, &table->options[i], value);
                return true;
            }
        }
    }
    return false;
}

enum jt_err jt_conf_set_from(const struct jt_conf_table *const *tables, size_t n_tables,
                             void *target, const char *prefix, const char *const *environment,
                             char *message, size_t message_len)
{
    struct load load = { .tables = tables, .n_tables = n_tables, .target = target };
    size_t prefix_len = strlen(prefix);
    for (size_t i = 0; environment[i] != NULL && load.err == JT_OK; i++) {
        const char *name = environment[i] + prefix_len;
        const char *equals = strchr(environment[i], '=');
        if (strncmp(environment[i], prefix, prefix_len) != 0 || equals < name) {
            continue;
        }
        if (!take_variable(&load, name, (size_t)(equals - name), equals + 1)) {
            complain(&load, JT_ERR_INVALID, "there is no such option");
        }
        if (load.err != JT_OK) {
            int len = (int)(equals - environment[i]);
            (void)snprintf(message, message_len, "%.*s: %s", len > 100 ? 100 : len, environment[i],
                           load.problem);
        }
    }
    return load.err;
}

static void write_value(FILE *out, const struct jt_conf_option *o, const void *target)
{
    const void *place = (const char *)target + o->offset;
    char number[24];
    const char *value = number;
    if (o->kind != JT_CONF_NUMBER) {
        value = *(const char *const *)place;
    } else {
        (void)snprintf(number, sizeof number, "%ld", *(const long *)place);
    }
    bool is_default = strcmp(value, o->fallback) == 0;
    if (o->kind == JT_CONF_HIDDEN && !is_default) {
        fprintf(out, "# %s is set, and not shown: it may hold a secret\n", o->name);
        return;
    }
    fprintf(out, "%s%s =%s%s\n", is_default ? "#" : "", o->name, *value == '\0' ? "" : " ", value);
}

void jt_conf_write_values(const struct jt_conf_table *const *tables, size_t n_tables,
                          const void *target, FILE *out)
{
    for (size_t t = 0; t < n_tables; t++) {
        fprintf(out, "%s[%s]\n", t == 0 ? "" : "\n", tables[t]->section);
        for (size_t i = 0; i < tables[t]->n_options; i++) {
            write_value(out, &tables[t]->options[i], target);
        }
    }
}

void jt_conf_free_texts(const struct jt_conf_table *const *tables, size_t n_tables, void *target)
{
    for (size_t t = 0; t < n_tables; t++) {
        for (size_t i = 0; i < tables[t]->n_options; i++) {
            const struct jt_conf_option *o = &tables[t]->options[i];
            if (o->kind != JT_CONF_NUMBER) {
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

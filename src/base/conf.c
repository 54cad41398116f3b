/* SPDX-License-Identifier: Apache-2.0 */
#include "base/conf.h"

#include <ini.h>

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum kind { TEXT, NUMBER };

struct option {
    const char *section, *name;
    enum kind kind;
    size_t offset;
    const char *fallback;
    long min, max; /* of a number; of the length of a text, in bytes */
    const char *doc;
};

#define AT(member) offsetof(struct jt_conf, member)

#define MAX_TEXT        4096 /* libinih's own limit on a line comes first */
#define MAX_SOCKET_PATH 107  /* sun_path of unix(7), less its NUL */
#define MAX_NODE_NAME   63   /* JT_NODE_NAME_MAX, a bound of the keeper protocol above this layer */

static const struct option options[] = {
    { "jeton", "environment", TEXT, AT(environment), "production", 1, 20,
      "development or production; production refuses development keys" },
    { "keeper", "directory", TEXT, AT(keeper_directory), "/var/lib/jeton-keeper", 1, MAX_TEXT,
      "where the keeper holds its key files; its own user's, mode 0700" },
    { "keeper", "socket", TEXT, AT(keeper_socket), "/run/jeton/keeper.sock", 1, MAX_SOCKET_PATH,
      "Unix socket on which the keeper serves the front" },
    { "keeper", "front_user", TEXT, AT(keeper_front_user), "", 0, 32,
      "user (name or number) whose processes may connect; must be in the keeper's group; empty: "
      "the keeper's own" },
    { "front", "node", TEXT, AT(front_node), "node1", 1, MAX_NODE_NAME,
      "name of this node in the database, the audit trail and certificates: letters, digits, dots, "
      "dashes, underscores" },
    { "front", "listen", TEXT, AT(front_listen), "127.0.0.1", 1, 45,
      "numeric loopback address on which REST is served" },
    { "front", "port", NUMBER, AT(front_port), "8080", 0, 65535,
      "TCP port; 0 lets the kernel pick one (see port_file)" },
    { "front", "port_file", TEXT, AT(front_port_file), "", 0, MAX_TEXT,
      "file that receives the port once it is served; empty: none" },
    { "front", "hosts", TEXT, AT(front_hosts), "", 0, MAX_TEXT,
      "host names that requests may name, comma-separated, without port; empty: any that is well "
      "formed" },
    { "front", "max_connections", NUMBER, AT(front_max_connections), "0", 0, 1000000,
      "connections of all clients together; 0: as many as file descriptors allow, 20000 at most" },
    { "front", "per_address", NUMBER, AT(front_per_address), "1024", 16, 1000000,
      "connections of one address; idle ones make room for new ones" },
    { "front", "loops", NUMBER, AT(front_loops), "0", 0, 64,
      "event loops; 0: one for each processor" },
    { "front", "max_body", NUMBER, AT(front_max_body), "2097152", 4096, 67108864,
      "largest request body, in bytes" },
    { "front", "max_items", NUMBER, AT(front_max_items), "10000", 1, 100000,
      "most items in one batch request" },
    { "database", "conninfo", TEXT, AT(database_conninfo), "dbname=jeton", 0, MAX_TEXT,
      "libpq connection string" },
    { "retirement", "rate", NUMBER, AT(retirement_rate), "0", 0, 10000000,
      "rows a second that a retirement moves; 0: no limit" },
    { "retirement", "batch", NUMBER, AT(retirement_batch), "500", 1, 10000,
      "rows a retirement moves in one transaction" },
};

#define N_OPTIONS (sizeof options / sizeof options[0])

/* JT_ERR_INVALID when the value is out of the option's bounds. */
static enum jt_err assign(const struct option *o, struct jt_conf *conf, const char *value)
{
    char *at = (char *)conf + o->offset;
    if (o->kind == TEXT) {
        size_t len = strlen(value);
        if (len < (size_t)o->min || len > (size_t)o->max) {
            return JT_ERR_INVALID;
        }
        char *copy = strdup(value);
        if (copy == NULL) {
            return JT_ERR_NOMEM;
        }
        free(*(char **)(void *)at);
        *(char **)(void *)at = copy;
        return JT_OK;
    }
    char *end;
    errno = 0;
    long v = strtol(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0' || v < o->min || v > o->max) {
        return JT_ERR_INVALID;
    }
    *(long *)(void *)at = v;
    return JT_OK;
}

static const struct option *find_option(const char *section, const char *name)
{
    for (size_t i = 0; i < N_OPTIONS; i++) {
        if (strcmp(options[i].section, section) == 0 && strcmp(options[i].name, name) == 0) {
            return &options[i];
        }
    }
    return NULL;
}

/* Everything that the callbacks of one load share; the first problem is the one that is told. */
struct load {
    struct jt_conf *conf;
    FILE *file;
    int line;
    bool seen[N_OPTIONS];
    enum jt_err err;
    char problem[200];
};

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

static void check_line(struct load *load, const char *line, size_t room)
{
    size_t len = strlen(line);
    if (len + 1 == room && line[len - 1] != '\n') {
        /* inih would take the rest for a line of its own. */
        complain(load, JT_ERR_INVALID, "line is longer than %zu bytes", room - 2);
    }
    if (*line == '[' && strchr(line, ']') != NULL) {
        size_t name_len = strcspn(line + 1, "]");
        for (size_t i = 0; i < N_OPTIONS; i++) {
            if (strlen(options[i].section) == name_len &&
                memcmp(options[i].section, line + 1, name_len) == 0) {
                return;
            }
        }
        complain(load, JT_ERR_INVALID, "no section [%.*s]", name_len > 60 ? 60 : (int)name_len,
                 line + 1);
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
    const struct option *o = find_option(section, name);
    if (o == NULL) {
        complain(load, JT_ERR_INVALID, "no option %.60s in section [%.60s]", name, section);
        return 0;
    }
    bool *seen = &load->seen[o - options];
    if (*seen) {
        complain(load, JT_ERR_INVALID,
                 "%s in [%s] is set twice, or is followed by an indented line", name, section);
        return 0;
    }
    *seen = true;
    switch (assign(o, load->conf, value)) {
    case JT_OK: return 1;
    case JT_ERR_NOMEM: complain(load, JT_ERR_NOMEM, "out of memory"); return 0;
    default:
        complain(load, JT_ERR_INVALID,
                 o->kind == NUMBER ? "%s in [%s] must be a whole number from %ld to %ld"
                                   : "%s in [%s] must be of %ld to %ld bytes",
                 name, section, o->min, o->max);
        return 0;
    }
}

static bool environment_known(const struct jt_conf *conf)
{
    return strcmp(conf->environment, "production") == 0 || jt_conf_is_development(conf);
}

/*
 * It stands in the database, in the audit trail and in signed certificates: the same everywhere,
 * and readable everywhere.
 */
static bool node_name_good(const char *name)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    return name[0] != '\0' && strspn(name, letters) == strlen(name);
}

static enum jt_err set_defaults(struct jt_conf *conf)
{
    for (size_t i = 0; i < N_OPTIONS; i++) {
        enum jt_err err = assign(&options[i], conf, options[i].fallback);
        if (err != JT_OK) {
            return err;
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
    if (load->err == JT_OK && !environment_known(load->conf)) {
        complain(load, JT_ERR_INVALID, "environment in [jeton] must be development or production");
    }
    if (load->err == JT_OK && !node_name_good(load->conf->front_node)) {
        complain(load, JT_ERR_INVALID,
                 "node in [front] must be of letters, digits, dots, dashes and underscores");
    }
}

enum jt_err jt_conf_load(const char *path, struct jt_conf *conf, char *message, size_t message_len)
{
    *conf = (struct jt_conf){ 0 };
    struct load load = { .conf = conf };
    enum jt_err err = set_defaults(conf);
    if (err != JT_OK) {
        snprintf(message, message_len, "%s: out of memory", path);
        goto out;
    }
    load.file = fopen(path, "re");
    if (load.file == NULL) {
        snprintf(message, message_len, "%s: %s", path, strerror(errno));
        err = JT_ERR_NOT_FOUND;
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
        jt_conf_clear(conf);
    }
    return err;
}

void jt_conf_clear(struct jt_conf *conf)
{
    for (size_t i = 0; i < N_OPTIONS; i++) {
        if (options[i].kind == TEXT) {
            char *base = (char *)conf + options[i].offset;
            free(*(char **)(void *)base);
        }
    }
    *conf = (struct jt_conf){ 0 };
}

bool jt_conf_is_development(const struct jt_conf *conf)
{
    return strcmp(conf->environment, "development") == 0;
}

/* Prints a sentence as comment lines of at most 100 columns. */
static void write_comment(FILE *out, const char *text)
{
    const int width = 98;
    int column = 0;
    while (*text != '\0') {
        int len = (int)strcspn(text, " ");
        bool first = column == 0, fits = !first && column + 1 + len <= width;
        fprintf(out, "%s%.*s", fits ? " " : first ? "# " : "\n# ", len, text);
        column = fits ? column + 1 + len : len;
        text += len;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

void jt_conf_write_sample(FILE *out)
{
    const char *section = "";
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const struct option *o = &options[i];
        if (strcmp(section, o->section) != 0) {
            section = o->section;
            fprintf(out, "%s[%s]\n", i == 0 ? "" : "\n", section);
        }
        char doc[400];
        int n = snprintf(doc, sizeof doc, "%s", o->doc);
        if (o->kind == NUMBER) {
            snprintf(doc + n, sizeof doc - (size_t)n, " (%ld to %ld)", o->min, o->max);
        }
        write_comment(out, doc);
        fprintf(out, "#%s =%s%s\n", o->name, *o->fallback == '\0' ? "" : " ", o->fallback);
    }
}

#include "base/conf.h"

#include <ini.h>

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum kind { TEXT, NUMBER };

struct option {
    const char *section, *name;
    enum kind kind;
    size_t offset;
    const char *fallback;
    long min, max; /* numbers only */
    const char *doc;
};

#define AT(member) offsetof(struct jt_conf, member)

static const struct option options[] = {
    { "jeton", "environment", TEXT, AT(environment), "production", 0, 0,
      "development or production; production refuses development keys" },
    { "keeper", "directory", TEXT, AT(keeper_directory), "/var/lib/jeton-keeper", 0, 0,
      "where the keeper holds its key files; its own user's, mode 0700" },
    { "keeper", "socket", TEXT, AT(keeper_socket), "/run/jeton/keeper.sock", 0, 0,
      "Unix socket on which the keeper serves the front" },
    { "keeper", "front_user", TEXT, AT(keeper_front_user), "", 0, 0,
      "user (name or number) whose processes may connect to the keeper; empty: the keeper's own" },
    { "front", "node", TEXT, AT(front_node), "node1", 0, 0, "name of this node in the database and in the audit trail" },
    { "front", "listen", TEXT, AT(front_listen), "127.0.0.1", 0, 0, "numeric loopback address on which REST is served" },
    { "front", "port", NUMBER, AT(front_port), "8080", 0, 65535, "TCP port; 0 lets the kernel pick one (see port_file)" },
    { "front", "port_file", TEXT, AT(front_port_file), "", 0, 0, "file that receives the port once it is served; empty: none" },
    { "front", "loops", NUMBER, AT(front_loops), "0", 0, 64, "event loops; 0: one for each processor" },
    { "front", "max_body", NUMBER, AT(front_max_body), "2097152", 4096, 67108864, "largest request body, in bytes" },
    { "front", "max_items", NUMBER, AT(front_max_items), "10000", 1, 100000, "most items in one batch request" },
    { "database", "conninfo", TEXT, AT(database_conninfo), "dbname=jeton", 0, 0, "libpq connection string" },
    { "retirement", "rate", NUMBER, AT(retirement_rate), "0", 0, 10000000,
      "rows a second that a retirement moves; 0: no limit" },
    { "retirement", "batch", NUMBER, AT(retirement_batch), "500", 1, 10000, "rows a retirement moves in one transaction" },
};

#define N_OPTIONS (sizeof options / sizeof options[0])

struct load {
    struct jt_conf *conf;
    bool seen[N_OPTIONS];
    char problem[200];
    int problem_line;
};

static bool assign(const struct option *o, struct jt_conf *conf, const char *value)
{
    char *base = (char *)conf + o->offset;
    if (o->kind == TEXT) {
        char *copy = strdup(value);
        if (copy == NULL) {
            return false;
        }
        free(*(char **)(void *)base);
        *(char **)(void *)base = copy;
        return true;
    }
    char *end;
    errno = 0;
    long v = strtol(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0' || v < o->min || v > o->max) {
        return false;
    }
    *(long *)(void *)base = v;
    return true;
}

static int on_option(void *user, const char *section, const char *name, const char *value, int line)
{
    struct load *load = user;
    if (load->problem[0] != '\0') {
        return 0;
    }
    load->problem_line = line;
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const struct option *o = &options[i];
        if (strcmp(o->section, section) != 0 || strcmp(o->name, name) != 0) {
            continue;
        }
        if (load->seen[i]) {
            snprintf(load->problem, sizeof load->problem, "%s in [%s] is set twice", name, section);
            return 0;
        }
        load->seen[i] = true;
        if (!assign(o, load->conf, value)) {
            if (o->kind == NUMBER) {
                snprintf(load->problem, sizeof load->problem, "%s in [%s] must be a whole number from %ld to %ld", name, section,
                         o->min, o->max);
            } else {
                snprintf(load->problem, sizeof load->problem, "out of memory");
            }
            return 0;
        }
        return 1;
    }
    snprintf(load->problem, sizeof load->problem, "no option %.60s in section [%.60s]", name, section);
    return 0;
}

/* inih wants a line number with every callback, which Debian 12 builds without (INI_HANDLER_LINENO off): count them here. */
struct numbered {
    FILE *file;
    int line;
};

static char *next_line(char *str, int num, void *stream)
{
    struct numbered *n = stream;
    n->line++;
    return fgets(str, num, n->file);
}

struct handler_state {
    struct load *load;
    struct numbered *lines;
};

static int on_option_numbered(void *user, const char *section, const char *name, const char *value)
{
    struct handler_state *s = user;
    return on_option(s->load, section, name, value, s->lines->line);
}

static bool environment_known(const struct jt_conf *conf)
{
    return strcmp(conf->environment, "production") == 0 || jt_conf_is_development(conf);
}

enum jt_err jt_conf_load(const char *path, struct jt_conf *conf, char *message, size_t message_len)
{
    *conf = (struct jt_conf){ 0 };
    struct load load = { .conf = conf };
    for (size_t i = 0; i < N_OPTIONS; i++) {
        if (!assign(&options[i], conf, options[i].fallback)) {
            jt_conf_clear(conf);
            snprintf(message, message_len, "out of memory");
            return JT_ERR_NOMEM;
        }
    }
    struct numbered lines = { .file = fopen(path, "re") };
    if (lines.file == NULL) {
        snprintf(message, message_len, "%s: %s", path, strerror(errno));
        jt_conf_clear(conf);
        return JT_ERR_NOT_FOUND;
    }
    struct handler_state state = { &load, &lines };
    int syntax_line = ini_parse_stream(next_line, &lines, on_option_numbered, &state);
    fclose(lines.file);
    if (load.problem[0] == '\0' && syntax_line != 0) {
        load.problem_line = syntax_line > 0 ? syntax_line : 0;
        snprintf(load.problem, sizeof load.problem, "not of the form name = value");
    }
    if (load.problem[0] == '\0' && !environment_known(conf)) {
        snprintf(load.problem, sizeof load.problem, "environment in [jeton] must be development or production");
    }
    if (load.problem[0] != '\0') {
        snprintf(message, message_len, "%s:%d: %s", path, load.problem_line, load.problem);
        jt_conf_clear(conf);
        return JT_ERR_INVALID;
    }
    return JT_OK;
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

void jt_conf_write_sample(FILE *out)
{
    const char *section = "";
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const struct option *o = &options[i];
        if (strcmp(section, o->section) != 0) {
            section = o->section;
            fprintf(out, "%s[%s]\n", i == 0 ? "" : "\n", section);
        }
        fprintf(out, "# %s\n#%s = %s\n", o->doc, o->name, o->fallback);
    }
}

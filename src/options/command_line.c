/* SPDX-License-Identifier: Apache-2.0 */
#include "options/command_line.h"

#include "jeton/version.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#define N_SHARED  7
#define MAX_EXTRA 4

/* Everything that one parse fills. */
struct parse {
    const struct jt_daemon *daemon;
    const char *config, *level, *format, *set; /* set: the last one */
    bool print_config, version, help;
    struct jt_daemon_settings *out;
    struct jt_daemon_option options[N_SHARED + MAX_EXTRA];
    size_t n_options;
};

static void list_options(struct parse *p)
{
    const struct jt_daemon_option shared[N_SHARED] = {
        { "config", "FILE", "configuration file (" JT_CONF_PATH ")", &p->config, NULL },
        { "log-level", "LEVEL",
          "the most detailed messages to log: error, warning, info or debug (info)", &p->level,
          NULL },
        { "log-format", "FORM",
          "the form of log lines: text, json, or journal for systemd's (text)", &p->format, NULL },
        { "set", "S.NAME=VALUE",
          "an option of the configuration, over file and environment; repeat it", &p->set, NULL },
        { "print-config", NULL, "print the configuration that holds, and end", NULL,
          &p->print_config },
        { "version", NULL, "print the version", NULL, &p->version },
        { "help", NULL, "print this", NULL, &p->help },
    };
    for (size_t i = 0; i < p->daemon->n_options && i < MAX_EXTRA; i++) {
        p->options[p->n_options++] = p->daemon->options[i];
    }
    for (size_t i = 0; i < N_SHARED; i++) {
        p->options[p->n_options++] = shared[i];
    }
}

int jt_command_line_refuse(const struct jt_daemon *daemon, const char *format, ...)
{
    char message[300];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    fprintf(stderr, "%s: %s (see %s --help)\n", daemon->name, message, daemon->name);
    return EX_USAGE;
}

static void print_help(const struct parse *p)
{
    printf("usage: %s [OPTIONS]\n\n%s\n\n", p->daemon->name, p->daemon->summary);
    for (size_t i = 0; i < p->n_options; i++) {
        const struct jt_daemon_option *o = &p->options[i];
        char left[60];
        snprintf(left, sizeof left, "--%s%s%s", o->name, o->text == NULL ? "" : " ",
                 o->text == NULL ? "" : o->value);
        printf("  %-20s %s\n", left, o->doc);
    }
    printf("\nManual: %s(8), jeton.conf(5).\n", p->daemon->name);
}

/* Takes the option of argv[*at] and moves *at to its last word. */
static int take(struct parse *p, int argc, char **argv, int *at)
{
    const char *word = argv[*at];
    if (strcmp(word, "-h") == 0) {
        p->help = true;
        return JT_COMMAND_LINE_GOOD;
    }
    if (word[0] != '-') {
        return jt_command_line_refuse(p->daemon, "unexpected argument %.60s", word);
    }
    size_t len = strcspn(word, "=");
    const struct jt_daemon_option *o = NULL;
    for (size_t i = 0; i < p->n_options && strncmp(word, "--", 2) == 0; i++) {
        const char *name = p->options[i].name;
        if (strlen(name) == len - 2 && memcmp(name, word + 2, len - 2) == 0) {
            o = &p->options[i];
        }
    }
    if (o == NULL) {
        return jt_command_line_refuse(p->daemon, "unknown option %.*s", len > 60 ? 60 : (int)len,
                                      word);
    }
    const char *value = word[len] == '=' ? word + len + 1 : NULL;
    if (o->text == NULL) {
        if (value != NULL) {
            return jt_command_line_refuse(p->daemon, "--%s takes no value", o->name);
        }
        *o->flag = true;
        return JT_COMMAND_LINE_GOOD;
    }
    if (value == NULL) {
        if (*at + 1 >= argc) {
            return jt_command_line_refuse(p->daemon, "--%s needs a value", o->name);
        }
        value = argv[++*at];
    }
    *o->text = value;
    if (o->text == &p->set) {
        if (p->out->n_sets == JT_DAEMON_SETS_MAX) {
            return jt_command_line_refuse(p->daemon, "more than %d times --set",
                                          JT_DAEMON_SETS_MAX);
        }
        p->out->sets[p->out->n_sets++] = value;
    }
    return JT_COMMAND_LINE_GOOD;
}

/* The place of `name` among `names`; false: it is not there. */
static bool place_of(const char *name, const char *const *names, size_t n, size_t *out)
{
    *out = 0;
    while (*out < n && strcmp(names[*out], name) != 0) {
        ++*out;
    }
    return *out < n;
}

static int take_log(const struct parse *p, struct jt_daemon_settings *out)
{
    static const char *const levels[] = { "error", "warning", "info", "debug" };
    static const char *const forms[] = { "text", "json", "journal" };
    size_t level, form;
    if (!place_of(p->level, levels, 4, &level)) {
        return jt_command_line_refuse(p->daemon,
                                      "--log-level must be error, warning, info or debug");
    }
    if (!place_of(p->format, forms, 3, &form)) {
        return jt_command_line_refuse(p->daemon, "--log-format must be text, json or journal");
    }
    out->log_level = (enum jt_log_level)level;
    out->log_format = (enum jt_log_format)form;
    return JT_COMMAND_LINE_GOOD;
}

int jt_command_line_parse(const struct jt_daemon *daemon, int argc, char **argv,
                          struct jt_daemon_settings *out)
{
    struct parse p = {
        .daemon = daemon, .config = JT_CONF_PATH, .level = "info", .format = "text", .out = out
    };
    *out = (struct jt_daemon_settings){ .n_sets = 0 };
    list_options(&p);
    for (int i = 1; i < argc; i++) {
        int code = take(&p, argc, argv, &i);
        if (code != JT_COMMAND_LINE_GOOD) {
            return code;
        }
    }
    if (p.help) {
        print_help(&p);
        return EX_OK;
    }
    if (p.version) {
        printf("%s %s\n", daemon->name, JETON_VERSION);
        return EX_OK;
    }
    out->config = p.config;
    out->print_config = p.print_config;
    return take_log(&p, out);
}

int jt_command_line_configure(const struct jt_daemon_settings *settings, struct jt_conf *conf)
{
    char message[500];
    if (jt_conf_load(settings->config, conf, message, sizeof message) != JT_OK) {
        jt_log(JT_LOG_ERROR, "%s", message);
        return EX_CONFIG;
    }
    for (size_t i = 0; i < settings->n_sets; i++) {
        if (jt_conf_override(conf, settings->sets[i], message, sizeof message) != JT_OK) {
            jt_log(JT_LOG_ERROR, "--set: %s", message);
            return EX_CONFIG;
        }
    }
    if (settings->print_config) {
        jt_conf_print_values(conf, stdout);
        jt_conf_clear(conf);
        return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
    }
    jt_log(JT_LOG_DEBUG, "read %s", settings->config);
    return JT_COMMAND_LINE_GOOD;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of the daemons. What both take, --config, --log-level, --version and --help, is
 * declared and parsed here and nowhere else; a daemon adds options of its own by a table.
 *
 * Names are given in full; "--name value" and "--name=value" are the same.
 */
#ifndef JETON_OPTIONS_COMMAND_LINE_H
#define JETON_OPTIONS_COMMAND_LINE_H

#include "base/log.h"
#include "options/conf.h"

#include <stdbool.h>
#include <stddef.h>

/* An option: with a value if `text` is set, otherwise a flag. */
struct jt_daemon_option {
    const char *name;  /* without dashes */
    const char *value; /* what --help calls its value */
    const char *doc;
    const char **text;
    bool *flag;
};

struct jt_daemon {
    const char *name;
    const char *summary; /* whole sentences, wrapped, without the last line feed */
    const struct jt_daemon_option *options;
    size_t n_options; /* at most 4 */
};

#define JT_DAEMON_SETS_MAX 32

struct jt_daemon_settings {
    const char *config;                   /* JT_CONF_PATH unless it was given */
    const char *sets[JT_DAEMON_SETS_MAX]; /* SECTION.NAME=VALUE, n_sets of them */
    size_t n_sets;
    bool print_config; /* what holds is to be printed, and that is all */
    enum jt_log_level log_level;
    enum jt_log_format log_format; /* JT_LOG_INFO unless it was given */
};

#define JT_COMMAND_LINE_GOOD (-1)

/* JT_COMMAND_LINE_GOOD, or the exit code to end with: everything has been printed. */
int jt_command_line_parse(const struct jt_daemon *daemon, int argc, char **argv,
                          struct jt_daemon_settings *out);

/*
 * The configuration that the settings ask for. JT_COMMAND_LINE_GOOD; or the exit code to end with:
 * an error has been logged, or what holds printed. Only on JT_COMMAND_LINE_GOOD the caller ends
 * with jt_conf_clear.
 */
int jt_command_line_configure(const struct jt_daemon_settings *settings, struct jt_conf *conf);

/* Says on standard error what is wrong and where help is; returns the exit code, EX_USAGE. */
int jt_command_line_refuse(const struct jt_daemon *daemon, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif

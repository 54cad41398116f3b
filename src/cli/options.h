/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command-line options by table: parsing, checking and the text of --help come from the same lines,
 * so that help cannot drift.
 *
 * Names are given in full: an abbreviation that works today could mean something else tomorrow.
 * "--name value" and "--name=value" are the same; "--" ends options; options and arguments may be
 * mixed.
 */
#ifndef JETON_CLI_OPTIONS_H
#define JETON_CLI_OPTIONS_H

#include "cli/command.h"

#include <stdio.h>

enum jt_option_kind { JT_OPTION_FLAG, JT_OPTION_TEXT, JT_OPTION_NUMBER, JT_OPTION_LIST };

/* What an option was given that may be given several times. */
#define JT_MAX_WORDS 32
struct jt_words {
    size_t n;
    const char *words[JT_MAX_WORDS];
};

struct jt_option {
    const char *name;  /* without dashes */
    const char *value; /* what --help calls its value; NULL for a flag */
    enum jt_option_kind kind;
    /* bool *, const char **, long *, which hold the default before, or struct jt_words * */
    void *target;
    long min, max; /* numbers only */
    const char *doc;
    char letter; /* -q for --quiet; 0: none */
};

#define JT_FLAG(name, target, doc)                       \
    {                                                    \
        name, NULL, JT_OPTION_FLAG, target, 0, 0, doc, 0 \
    }
#define JT_SHORT(name, letter, target, doc)                   \
    {                                                         \
        name, NULL, JT_OPTION_FLAG, target, 0, 0, doc, letter \
    }
#define JT_TEXT(name, value, target, doc)                 \
    {                                                     \
        name, value, JT_OPTION_TEXT, target, 0, 0, doc, 0 \
    }
#define JT_LIST(name, value, target, doc)                 \
    {                                                     \
        name, value, JT_OPTION_LIST, target, 0, 0, doc, 0 \
    }
#define JT_NUMBER(name, value, target, min, max, doc)           \
    {                                                           \
        name, value, JT_OPTION_NUMBER, target, min, max, doc, 0 \
    }

/* A command's own options and the places for its arguments. */
struct jt_parse {
    const struct jt_option *options;
    size_t n_options;
    const char **arguments; /* room for max_arguments; the first min_arguments must be given */
    size_t min_arguments, max_arguments;
    size_t n_arguments; /* out */
};

#define JT_GO_ON (-1)

/* The form of --help that `jeton help --table` asks every command for. */
#define JT_HELP_ROWS "--help=rows"

/*
 * Parses a command's arguments. JT_GO_ON, or the exit code to end with: help was asked for and
 * printed, or usage told.
 */
int jt_options_parse(const struct jt_command *self, struct jt_cli *cli, struct jt_parse *parse,
                     int argc, char **argv);

/*
 * Parses the shared options before the command's name; *next is the index of what follows them.
 * JT_GO_ON or an exit code.
 */
int jt_options_parse_shared(struct jt_cli *cli, int argc, char **argv, int *next);

/* JT_EXIT_USAGE after a message that ends in where to find help. */
int jt_usage_error(const struct jt_command *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void jt_options_print(const struct jt_option *options, size_t n, FILE *out);

/* Prints the shared options that `takes` names. */
void jt_options_print_shared(unsigned takes, FILE *out);

#endif

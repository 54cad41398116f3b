/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include "cli/exit.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SHARED 8

/* The shared options that `takes` names, over `cli`; returns how many. */
static size_t shared_options(struct jt_cli *cli, unsigned takes,
                             struct jt_option out[static MAX_SHARED])
{
    size_t n = 0;
    if (takes & JT_TAKES_CONFIG) {
        out[n++] =
            (struct jt_option)JT_TEXT("config", "FILE", &cli->config,
                                      "configuration file (JETON_CONFIG; /etc/jeton/jeton.conf)");
    }
    if (takes & JT_TAKES_REST) {
        out[n++] = (struct jt_option)JT_TEXT(
            "url", "URL", &cli->url, "where jetond listens (JETON_URL; http://127.0.0.1:8080)");
        out[n++] =
            (struct jt_option)JT_TEXT("key-file", "FILE", &cli->key_file,
                                      "file that holds the API key, mode 0600 (JETON_KEY_FILE)");
        out[n++] = (struct jt_option)JT_TEXT(
            "ca-file", "FILE", &cli->ca_file,
            "certificates to trust for https, instead of the system's (JETON_CA_FILE)");
        out[n++] =
            (struct jt_option)JT_TEXT("cert-file", "FILE", &cli->cert_file,
                                      "certificate to show to the server, PEM (JETON_CERT_FILE)");
        out[n++] = (struct jt_option)JT_TEXT(
            "cert-key-file", "FILE", &cli->cert_key_file,
            "its private key, if it is not in the same file (JETON_CERT_KEY_FILE)");
        out[n++] = (struct jt_option)JT_NUMBER(
            "retry-for", "SECONDS", &cli->retry_for_s, 0, 86400,
            "how long to repeat a request while the server is unavailable");
    }
    if (takes & JT_TAKES_JSON) {
        out[n++] =
            (struct jt_option)JT_FLAG("json", &cli->json, "print the server's reply as it is");
    }
    return n;
}

int jt_usage_error(const struct jt_command *self, const char *format, ...)
{
    char message[300];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (self == NULL) {
        jt_complain("%s (see jeton help)", message);
    } else {
        jt_complain("%s: %s (see jeton %s --help)", self->name, message, self->name);
    }
    return JT_EXIT_USAGE;
}

static void print_option(const struct jt_option *o, FILE *out)
{
    char left[60];
    snprintf(left, sizeof left, "--%s%s%s", o->name, o->value == NULL ? "" : " ",
             o->value == NULL ? "" : o->value);
    fprintf(out, "  %-30s %s\n", left, o->doc);
}

void jt_options_print(const struct jt_option *options, size_t n, FILE *out)
{
    for (size_t i = 0; i < n; i++) {
        print_option(&options[i], out);
    }
}

void jt_options_print_shared(unsigned takes, FILE *out)
{
    struct jt_cli unused = { 0 };
    struct jt_option shared[MAX_SHARED];
    jt_options_print(shared, shared_options(&unused, takes, shared), out);
}

static void print_help(const struct jt_command *self, const struct jt_parse *parse)
{
    printf("usage: jeton %s%s%s%s\n\n%s\n", self->name,
           parse->n_options + self->takes > 0 ? " [OPTIONS]" : "",
           *self->arguments == '\0' ? "" : " ", self->arguments, self->summary);
    if (parse->n_options + self->takes > 0) {
        printf("\n");
    }
    jt_options_print(parse->options, parse->n_options, stdout);
    jt_options_print_shared(self->takes, stdout);
}

static void print_row(const struct jt_command *self, const struct jt_option *o, const char *whose)
{
    printf("option\t%s\t%s\t%s\t%s\t", self->name, whose, o->name,
           o->value == NULL ? "" : o->value);
    if (o->kind == JT_OPTION_NUMBER) {
        printf("from %ld to %ld", o->min, o->max);
    }
    printf("\t%s\n", o->doc);
}

/* The same for programs, as rows with tabs: manual pages and completion are made from them. */
static void print_rows(const struct jt_command *self, const struct jt_parse *parse)
{
    struct jt_cli unused = { 0 };
    struct jt_option shared[MAX_SHARED];
    size_t n_shared = shared_options(&unused, self->takes, shared);
    printf("command\t%s\t%s\t%s\n", self->name, self->arguments, self->summary);
    for (size_t i = 0; i < parse->n_options; i++) {
        print_row(self, &parse->options[i], "own");
    }
    for (size_t i = 0; i < n_shared; i++) {
        print_row(self, &shared[i], "shared");
    }
}

static const struct jt_option *find(const struct jt_option *options, size_t n, const char *name,
                                    size_t len)
{
    for (size_t i = 0; i < n; i++) {
        if (strlen(options[i].name) == len && memcmp(options[i].name, name, len) == 0) {
            return &options[i];
        }
    }
    return NULL;
}

static int set_number(const struct jt_command *self, const struct jt_option *o, const char *value)
{
    char *end;
    errno = 0;
    long v = strtol(value, &end, 10);
    if (errno != 0 || *value < '0' || *value > '9' || *end != '\0' || v < o->min || v > o->max) {
        return jt_usage_error(self, "--%s must be a whole number from %ld to %ld", o->name, o->min,
                              o->max);
    }
    *(long *)o->target = v;
    return JT_GO_ON;
}

/* Sets the option of argv[*at] and moves *at to its last word. */
static int set_option(const struct jt_command *self, const struct jt_option *options, size_t n,
                      int argc, char **argv, int *at)
{
    const char *name = argv[*at] + 2;
    size_t len = strcspn(name, "=");
    const struct jt_option *o = find(options, n, name, len);
    if (o == NULL) {
        return jt_usage_error(self, "unknown option --%.*s", len > 60 ? 60 : (int)len, name);
    }
    const char *value = name[len] == '=' ? name + len + 1 : NULL;
    if (o->kind == JT_OPTION_FLAG) {
        if (value != NULL) {
            return jt_usage_error(self, "--%s takes no value", o->name);
        }
        *(bool *)o->target = true;
        return JT_GO_ON;
    }
    if (value == NULL) {
        if (*at + 1 >= argc) {
            return jt_usage_error(self, "--%s needs a value", o->name);
        }
        value = argv[++*at];
    }
    if (o->kind == JT_OPTION_NUMBER) {
        return set_number(self, o, value);
    }
    if (o->kind == JT_OPTION_LIST) {
        struct jt_words *words = o->target;
        if (words->n == JT_MAX_WORDS) {
            return jt_usage_error(self, "--%s is given more than %d times", o->name, JT_MAX_WORDS);
        }
        words->words[words->n++] = value;
        return JT_GO_ON;
    }
    *(const char **)o->target = value;
    return JT_GO_ON;
}

/* Sets the flag that a word such as -q stands for. */
static int set_letter(const struct jt_command *self, const struct jt_parse *parse, const char *word)
{
    for (size_t i = 0; i < parse->n_options && word[2] == '\0'; i++) {
        if (parse->options[i].letter == word[1]) {
            *(bool *)parse->options[i].target = true;
            return JT_GO_ON;
        }
    }
    return jt_usage_error(self, "unknown option %.60s", word);
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

int jt_options_parse_shared(struct jt_cli *cli, int argc, char **argv, int *next)
{
    struct jt_option shared[MAX_SHARED];
    size_t n = shared_options(cli, JT_TAKES_CONFIG | JT_TAKES_REST | JT_TAKES_JSON, shared);
    int i = 0;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0 && !is_help(argv[i]) &&
           strcmp(argv[i], "--version") != 0;
         i++) {
        int code = set_option(NULL, shared, n, argc, argv, &i);
        if (code != JT_GO_ON) {
            return code;
        }
    }
    *next = i;
    return JT_GO_ON;
}

static int take_argument(const struct jt_command *self, struct jt_parse *parse, const char *word)
{
    if (parse->n_arguments == parse->max_arguments) {
        /* Which one is not told: it may be a key or a card number in a wrong place. */
        return *self->arguments == '\0'
                   ? jt_usage_error(self, "too many arguments: it takes options only")
                   : jt_usage_error(self, "too many arguments: it takes %s and no more",
                                    self->arguments);
    }
    parse->arguments[parse->n_arguments++] = word;
    return JT_GO_ON;
}

int jt_options_parse(const struct jt_command *self, struct jt_cli *cli, struct jt_parse *parse,
                     int argc, char **argv)
{
    struct jt_option shared[MAX_SHARED];
    size_t n_shared = shared_options(cli, self->takes, shared);
    bool only_arguments = false;
    parse->n_arguments = 0;
    for (int i = 0; i < argc; i++) {
        int code;
        if (only_arguments || argv[i][0] != '-' || argv[i][1] == '\0') {
            code = take_argument(self, parse, argv[i]);
        } else if (is_help(argv[i])) {
            print_help(self, parse);
            return JT_EXIT_OK;
        } else if (strcmp(argv[i], JT_HELP_ROWS) == 0) {
            print_rows(self, parse);
            return JT_EXIT_OK;
        } else if (strcmp(argv[i], "--") == 0) {
            only_arguments = true;
            continue;
        } else if (argv[i][1] != '-') {
            code = set_letter(self, parse, argv[i]);
        } else if (find(shared, n_shared, argv[i] + 2, strcspn(argv[i] + 2, "=")) != NULL) {
            code = set_option(self, shared, n_shared, argc, argv, &i);
        } else {
            code = set_option(self, parse->options, parse->n_options, argc, argv, &i);
        }
        if (code != JT_GO_ON) {
            return code;
        }
    }
    if (parse->n_arguments < parse->min_arguments) {
        return jt_usage_error(self, "%s is missing", self->arguments);
    }
    return JT_GO_ON;
}

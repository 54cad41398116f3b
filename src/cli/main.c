/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command `jeton`: one table of subcommands. Setting up a machine is done here, with database
 * and keeper; everything else is asked of a running jetond over REST.
 */
#include "base/secmem.h"
#include "cli/command.h"
#include "cli/exit.h"
#include "cli/options.h"
#include "cli/spelling.h"
#include "jeton/version.h"

#include <curl/curl.h>
#include <jansson.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REST JT_TAKES_REST
#define JSON JT_TAKES_JSON

static const struct jt_command commands[] = {
    { "config", "", "Print a commented configuration file with all options at their defaults.", 0,
      jt_cmd_config },
    { "migrate", "", "Bring the database's tables up to this program's version.", JT_TAKES_CONFIG,
      jt_cmd_migrate },
    { "init", "", "Make this machine's master key, the first ring and the first operator.",
      JT_TAKES_CONFIG, jt_cmd_init },
    { "ceremony init", "",
      "Make a master key, and the shares, the passphrase or the token that open it.",
      JT_TAKES_CONFIG, jt_cmd_ceremony_init },
    { "ceremony unseal", "[FILE...]", "Open the master key of the keeper that serves.",
      JT_TAKES_CONFIG, jt_cmd_ceremony_unseal },
    { "ceremony reshare", "[FILE...]",
      "Seal the master key anew: other shares, another passphrase or a hardware token.",
      JT_TAKES_CONFIG, jt_cmd_ceremony_reshare },
    { "ceremony rotate", "[FILE...]",
      "Go over to a new master key, while the keeper serves: all key files lie under it then.",
      JT_TAKES_CONFIG, jt_cmd_ceremony_rotate },
    { "seal", "", "Have the keeper wipe all its keys at once.", JT_TAKES_CONFIG, jt_cmd_seal },
    { "field add", "NAME", "Add a protected field.", REST | JSON, jt_cmd_field_add },
    { "field list", "", "List the fields.", REST | JSON, jt_cmd_field_list },
    { "field show", "NAME", "Show a field.", REST | JSON, jt_cmd_field_show },
    { "field change", "NAME", "Change what may change of a field, or disable it.", REST | JSON,
      jt_cmd_field_change },
    { "client add", "NAME", "Add an API client and store its key in a file.", REST,
      jt_cmd_client_add },
    { "client list", "", "List API clients, removed ones too.", REST | JSON, jt_cmd_client_list },
    { "client show", "NAME", "Show an API client: what it may, from where, until when.",
      REST | JSON, jt_cmd_client_show },
    { "client permit", "NAME", "Change what an API client may, from where, until when.",
      REST | JSON, jt_cmd_client_permit },
    { "client rotate", "NAME", "Give an API client a fresh key; the old one is good for a while.",
      REST, jt_cmd_client_rotate },
    { "client disable", "NAME", "Keep an API client out until it is enabled again.", REST | JSON,
      jt_cmd_client_disable },
    { "client enable", "NAME", "Let an API client in that was disabled.", REST | JSON,
      jt_cmd_client_enable },
    { "client remove", "NAME", "Remove an API client for good; its name stays taken.", REST | JSON,
      jt_cmd_client_remove },
    { "client revoke", "NAME", "The same: as it was called before.", REST | JSON,
      jt_cmd_client_remove },
    { "client recover", "NAME", "Let an operator in who lost the key, on the keeper's machine.",
      JT_TAKES_CONFIG, jt_cmd_client_recover },
    { "column add", "FIELD", "Register a column of your own table with a field.", REST | JSON,
      jt_cmd_column_add },
    { "column encrypt", "FIELD", "Encrypt the card numbers of a column in place.", REST,
      jt_cmd_column_encrypt },
    { "column status", "FIELD", "Count what a column has in the clear, and under which keys.", REST,
      jt_cmd_column_status },
    { "column prove", "FIELD", "Prove that a column has no card number in the clear.", REST,
      jt_cmd_column_prove },
    { "column drain", "FIELD", "Encrypt again what a column has under older keys.", REST,
      jt_cmd_column_drain },
    { "column remove", "FIELD", "Take the registration of a column away: its table is gone.",
      REST | JSON, jt_cmd_column_remove },
    { "keys create", "", "Create the next key generation.", REST | JSON, jt_cmd_keys_create },
    { "keys list", "", "List the key generations.", REST | JSON, jt_cmd_keys_list },
    { "keys held", "NUMBER", "List what applications keep under a generation, and its last use.",
      REST | JSON, jt_cmd_keys_held },
    { "keys activate", "NUMBER", "Roll: make a generation the active one; the old one drains.",
      REST | JSON, jt_cmd_keys_activate },
    { "keys plan", "NUMBER", "Give a future generation the date of its roll, or take it away.",
      REST | JSON, jt_cmd_keys_plan },
    { "keys compromise", "NUMBER",
      "Mark a generation's key as compromised; the active one is replaced at once.", REST | JSON,
      jt_cmd_keys_compromise },
    { "keys abandon", "NUMBER", "Give up a generation that was never activated, and erase its key.",
      REST | JSON, jt_cmd_keys_abandon },
    { "keys backup", "FILE", "Write all keys, sealed, to a new file, and verify that it opens.",
      REST | JSON, jt_cmd_keys_backup },
    { "keys backups", "", "List the backups that a keeper has opened, and what each lacks.",
      REST | JSON, jt_cmd_keys_backups },
    { "keys restore", "FILE", "Fill a lost keeper's directory from a backup and the master key.",
      JT_TAKES_CONFIG, jt_cmd_keys_restore },
    { "keys retire", "NUMBER", "Drain what is left under a generation and retire it.", REST | JSON,
      jt_cmd_keys_retire },
    { "keys pause", "NUMBER", "Let a retirement pause, on all nodes.", REST | JSON,
      jt_cmd_keys_pause },
    { "keys resume", "NUMBER", "Let a paused retirement go on.", REST | JSON, jt_cmd_keys_resume },
    { "keys stuck", "NUMBER", "List the cards that keep a generation from retiring, and why.",
      REST | JSON, jt_cmd_keys_stuck },
    { "keys write-off", "NUMBER", "Ask that stuck cards which nobody can open are written off.",
      REST | JSON, jt_cmd_keys_write_off },
    { "keys write-offs", "NUMBER", "List what was written off of a generation, or is about to be.",
      REST | JSON, jt_cmd_keys_write_offs },
    { "keys certificate", "NUMBER", "Print the certificate of a retirement, or of a destruction.",
      REST | JSON, jt_cmd_keys_certificate },
    { "keys destroy", "NUMBER", "Ask that a retired generation's key is destroyed.", REST | JSON,
      jt_cmd_keys_destroy },
    { "keys approve", "NUMBER",
      "Sign, as a custodian, that a key is destroyed or cards written off.", REST,
      jt_cmd_keys_approve },
    { "custodian key", "FILE", "Make a custodian's key, where the custodian sits.", 0,
      jt_cmd_custodian_key },
    { "custodian enroll", "TEXT...", "Enroll the first custodians, on the keeper's machine.",
      JT_TAKES_CONFIG, jt_cmd_custodian_enroll },
    { "custodian list", "", "List the custodians.", REST | JSON, jt_cmd_custodian_list },
    { "custodian approve", "TEXT...", "Sign, as a custodian, that others take the place.", REST,
      jt_cmd_custodian_approve },
    { "custodian replace", "TEXT...", "Put other custodians in the place of the present ones.",
      REST | JSON, jt_cmd_custodian_replace },
    { "recover ask", "", "Ask that a database that went back is recovered.", REST | JSON,
      jt_cmd_recover_ask },
    { "recover approve", "", "Sign, as a custodian, that a database is recovered.", REST | JSON,
      jt_cmd_recover_approve },
    { "recover", "", "Show what disagrees between the database and the keepers.", REST | JSON,
      jt_cmd_recover },
    { "repair", "NUMBER", "Mend what can be of the cards that keep a generation from retiring.",
      REST | JSON, jt_cmd_repair },
    { "audit list", "", "List rows of the audit trail, oldest first.", REST | JSON,
      jt_cmd_audit_list },
    { "audit export", "", "Write the audit trail as JSON lines, for keeping and for verifying.",
      REST, jt_cmd_audit_export },
    { "audit verify", "", "Verify the audit trail, or an export of it.", REST,
      jt_cmd_audit_verify },
    { "audit", "TOKEN", "Tell who was given the card of a token, and when.", REST | JSON,
      jt_cmd_audit },
    { "honey add", "TOKEN", "Mark a card: whoever opens it raises an alarm.", REST | JSON,
      jt_cmd_honey_add },
    { "honey list", "", "List the cards that are marked, by token.", REST | JSON,
      jt_cmd_honey_list },
    { "honey remove", "TOKEN", "Take the mark of a card away.", REST | JSON, jt_cmd_honey_remove },
    { "node accept-ids", "", "Let new ids run far ahead of the clock, for a recorded reason.",
      REST | JSON, jt_cmd_node_accept_ids },
    { "node accept-numeric", "",
      "Issue numeric tokens again after a restore, for a recorded reason.", REST | JSON,
      jt_cmd_node_accept_numeric },
    { "node accept-sets", "",
      "Take older sets of clients and fields after a restore, for a recorded reason.", REST | JSON,
      jt_cmd_node_accept_sets },
    { "nodes list", "", "List the nodes of the database, and which keys each holds.", REST | JSON,
      jt_cmd_nodes_list },
    { "nodes remove", "NAME", "Remove a node that is gone, so that nothing waits for it.",
      REST | JSON, jt_cmd_nodes_remove },
    { "status", "", "Tell how the server, its keeper and its database are.", REST | JSON,
      jt_cmd_status },
    { "verify certificate", "FILE", "Verify a printed certificate with the public key alone.", 0,
      jt_cmd_verify_certificate },
    { "gen", "", "Generate a card file for tests: columns id, pan, amount.", 0, jt_cmd_gen },
    { "tokenize", "[FILE]", "Replace the card numbers of a file by tokens.", REST,
      jt_cmd_tokenize },
    { "detokenize", "[FILE]", "Replace the tokens of a file by card numbers.", REST,
      jt_cmd_detokenize },
    { "mask", "[FILE]", "Replace the tokens, or the card numbers, of a file by masked numbers.",
      REST, jt_cmd_mask },
};

#define N_COMMANDS (sizeof commands / sizeof commands[0])

/* A word is taken for another one when no more letters than this differ. */
#define MAX_MISSPELT 2

static void print_help(void)
{
    printf("usage: jeton [OPTIONS] COMMAND ...\n\n");
    for (size_t i = 0; i < N_COMMANDS; i++) {
        char left[60];
        snprintf(left, sizeof left, "%s %s", commands[i].name, commands[i].arguments);
        printf("  %-27s %s\n", left, commands[i].summary);
    }
    printf("\nOptions, before or after the command:\n");
    jt_options_print_shared(JT_TAKES_CONFIG | JT_TAKES_REST | JT_TAKES_JSON, stdout);
    printf("\njeton COMMAND --help tells more. Exit codes: 0 done, 1 failed, 2 refused by "
           "the server,\n3 stuck, 64 usage, "
           "69 unavailable, 77 denied, 78 configuration. Manual: jeton(1).\n");
}

/* Whether the name of `command` is `group` and another word, which *second is then. */
static bool is_of_group(const struct jt_command *command, const char *group, const char **second)
{
    size_t len = strlen(group);
    bool is = strncmp(command->name, group, len) == 0 && command->name[len] == ' ';
    *second = is ? command->name + len + 1 : NULL;
    return is;
}

/* "create, list or activate": the second words of a group's commands; "" when there are none. */
static void list_group(const char *group, char *out, size_t out_len)
{
    const char *second, *words[N_COMMANDS];
    size_t n = 0, len = 0;
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (is_of_group(&commands[i], group, &second)) {
            words[n++] = second;
        }
    }
    out[0] = '\0';
    for (size_t i = 0; i < n && len < out_len; i++) {
        const char *before = i == 0 ? "" : i + 1 == n ? " or " : ", ";
        len += (size_t)snprintf(out + len, out_len - len, "%s%s", before, words[i]);
    }
}

/* Prints the commands whose first word is `group`; false when there are none. */
static bool print_group(const char *group)
{
    bool any = false;
    const char *second;
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (is_of_group(&commands[i], group, &second)) {
            printf("%s  jeton %s%s%s\n", any ? "" : "usage:\n", commands[i].name,
                   *commands[i].arguments == '\0' ? "" : " ", commands[i].arguments);
            any = true;
        }
    }
    return any;
}

/* The command that is spelt almost like the one word or the two; NULL when there is none. */
static const struct jt_command *nearest_command(const char *one, const char *two)
{
    const struct jt_command *nearest = NULL;
    size_t least = MAX_MISSPELT + 1;
    for (size_t i = 0; i < N_COMMANDS; i++) {
        size_t first = jt_spelling_distance(one, commands[i].name);
        size_t both = jt_spelling_distance(two, commands[i].name);
        size_t distance = first < both ? first : both;
        if (distance < least) {
            least = distance;
            nearest = &commands[i];
        }
    }
    return nearest;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int refuse_unknown(int argc, char **argv)
{
    char two[64] = "", seconds[200];
    if (argv[0][0] == '-') {
        return jt_usage_error(NULL, "unknown option %.60s", argv[0]);
    }
    bool has_second = argc > 1 && argv[1][0] != '-';
    if (has_second) {
        snprintf(two, sizeof two, "%.30s %.30s", argv[0], argv[1]);
    }
    list_group(argv[0], seconds, sizeof seconds);
    bool is_group = seconds[0] != '\0';
    if (is_group && argc == 2 && is_help(argv[1])) {
        print_group(argv[0]);
        return JT_EXIT_OK;
    }
    if (is_group && !has_second) {
        return jt_usage_error(NULL, "%s must be followed by %s", argv[0], seconds);
    }
    const struct jt_command *nearest = nearest_command(argv[0], two);
    const char *wrong =
        is_group || (nearest != NULL && strchr(nearest->name, ' ') != NULL) ? two : argv[0];
    if (nearest != NULL) {
        return jt_usage_error(NULL, "unknown command %.60s; did you mean %s?", wrong,
                              nearest->name);
    }
    return is_group ? jt_usage_error(NULL, "unknown command %.60s: %s must be followed by %s",
                                     wrong, argv[0], seconds)
                    : jt_usage_error(NULL, "unknown command %.60s", wrong);
}

/* The command that argv begins with; *n_words tells how many words its name has. */
static const struct jt_command *find_command(int argc, char **argv, int *n_words)
{
    char two[64] = "";
    if (argc > 1) {
        snprintf(two, sizeof two, "%s %s", argv[0], argv[1]);
    }
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(commands[i].name, argv[0]) == 0) {
            *n_words = 1;
            return &commands[i];
        }
        if (strcmp(commands[i].name, two) == 0) {
            *n_words = 2;
            return &commands[i];
        }
    }
    return NULL;
}

static const char *from_environment(const char *name, const char *fallback)
{
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? value : fallback;
}

static int dispatch(struct jt_cli *cli, int argc, char **argv);

/*
 * `jeton help --table`: every command and every option as rows with tabs. The build makes the
 * manual pages of the commands and the completion of shells from it.
 */
static int print_table(struct jt_cli *cli)
{
    int code = JT_EXIT_OK;
    for (size_t i = 0; i < N_COMMANDS && code == JT_EXIT_OK; i++) {
        char rows[] = JT_HELP_ROWS, *words[] = { rows, NULL };
        code = commands[i].run(&commands[i], cli, 1, words);
    }
    return code;
}

/* `jeton help [COMMAND]`: the same as COMMAND --help. */
static int help(struct jt_cli *cli, int argc, char **argv)
{
    while (argc > 0 && is_help(argv[0])) {
        argc--;
        argv++;
    }
    if (argc > 2) {
        return jt_usage_error(NULL, "too many arguments: help takes a command and no more");
    }
    if (argc == 0) {
        print_help();
        return JT_EXIT_OK;
    }
    if (argc == 1 && strcmp(argv[0], "--table") == 0) {
        return print_table(cli);
    }
    int ignored;
    if (argc == 1 && find_command(1, argv, &ignored) == NULL && print_group(argv[0])) {
        return JT_EXIT_OK;
    }
    char option[] = "--help", *words[] = { argv[0], argc == 2 ? argv[1] : option, option };
    return dispatch(cli, argc + 1, words);
}

static int dispatch(struct jt_cli *cli, int argc, char **argv)
{
    if (argc == 0) {
        return jt_usage_error(NULL, "a command is missing");
    }
    if (strcmp(argv[0], "--version") == 0) {
        if (argc > 1) {
            return jt_usage_error(NULL, "too many arguments: --version stands alone");
        }
        printf("jeton %s\n", JETON_VERSION);
        return JT_EXIT_OK;
    }
    if (strcmp(argv[0], "help") == 0 || is_help(argv[0])) {
        return help(cli, argc - 1, argv + 1);
    }
    int n_words;
    const struct jt_command *command = find_command(argc, argv, &n_words);
    return command != NULL ? command->run(command, cli, argc - n_words, argv + n_words)
                           : refuse_unknown(argc, argv);
}

/*
 * A request that misses a member because there was no memory for it would be another request: a
 * field with weaker rules, a client with more rights. So none is made.
 */
static void *take_for_json(size_t size)
{
    void *p = malloc(size);
    if (p == NULL) {
        jt_complain("out of memory; what the server was asked for may have been done");
        exit(JT_EXIT_FAILED);
    }
    return p;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a write to a closed pipe is an error like any other */
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        jt_complain("libcurl does not start");
        return JT_EXIT_FAILED;
    }
    json_set_alloc_funcs(take_for_json, jt_wipe_free); /* replies hold card numbers */
    struct jt_cli cli = {
        .config = from_environment("JETON_CONFIG", "/etc/jeton/jeton.conf"),
        .url = from_environment("JETON_URL", "http://127.0.0.1:8080"),
        .key_file = from_environment("JETON_KEY_FILE", NULL),
        .ca_file = from_environment("JETON_CA_FILE", NULL),
        .cert_file = from_environment("JETON_CERT_FILE", NULL),
        .cert_key_file = from_environment("JETON_CERT_KEY_FILE", NULL),
        .retry_for_s = -1,
    };
    int next;
    int code = jt_options_parse_shared(&cli, argc - 1, argv + 1, &next);
    if (code == JT_GO_ON) {
        code = dispatch(&cli, argc - 1 - next, argv + 1 + next);
    }
    /* What was printed counts only if it arrived. */
    if ((fflush(stdout) != 0 || ferror(stdout) != 0) && code == JT_EXIT_OK) {
        jt_complain("cannot write to standard output");
        code = JT_EXIT_FAILED;
    }
    curl_global_cleanup();
    return code;
}

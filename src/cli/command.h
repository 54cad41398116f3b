/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shape of a subcommand: one line of the table in main.c, one function in the file of its name
 * (cmd_*.c).
 *
 * Commands are of two kinds. Those that set up this machine take --config; all others speak REST
 * and take --url and --key-file. An API key is never taken from the command line, where every user
 * of the machine could read it.
 */
#ifndef JETON_CLI_COMMAND_H
#define JETON_CLI_COMMAND_H

#include <signal.h>
#include <stdbool.h>

/*
 * What every command shares; filled from the environment and the options before and after the
 * command's name.
 */
struct jt_cli {
    const char *config;        /* --config, JETON_CONFIG */
    const char *url;           /* --url, JETON_URL */
    const char *key_file;      /* --key-file, JETON_KEY_FILE; NULL: none */
    const char *ca_file;       /* --ca-file, JETON_CA_FILE; NULL: the system's */
    const char *cert_file;     /* --cert-file, JETON_CERT_FILE; NULL: none is shown */
    const char *cert_key_file; /* --cert-key-file, JETON_CERT_KEY_FILE; NULL: in cert_file */
    bool json;                 /* --json: the server's reply as it is */
    long retry_for_s;          /* --retry-for; -1: the command's default */
    /* of a command that catches signals: what ends its wait for the server; NULL: nothing does */
    const volatile sig_atomic_t *interrupted;
};

/* Which of the shared options a command takes. */
enum { JT_TAKES_CONFIG = 1 << 0, JT_TAKES_REST = 1 << 1, JT_TAKES_JSON = 1 << 2 };

struct jt_command;

/*
 * Runs a command on the arguments after its name; returns the exit code. Everything that goes wrong
 * has been told on standard error.
 */
typedef int jt_command_fn(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv);

struct jt_command {
    const char *name;      /* one or two words */
    const char *arguments; /* what follows the name in the usage line, options apart */
    const char *summary;   /* one line */
    unsigned takes;
    jt_command_fn *run;
};

jt_command_fn jt_cmd_audit;
jt_command_fn jt_cmd_audit_export;
jt_command_fn jt_cmd_audit_list;
jt_command_fn jt_cmd_audit_verify;
jt_command_fn jt_cmd_ceremony_init;
jt_command_fn jt_cmd_ceremony_reshare;
jt_command_fn jt_cmd_ceremony_rotate;
jt_command_fn jt_cmd_ceremony_unseal;
jt_command_fn jt_cmd_client_add;
jt_command_fn jt_cmd_client_disable;
jt_command_fn jt_cmd_client_enable;
jt_command_fn jt_cmd_client_list;
jt_command_fn jt_cmd_client_permit;
jt_command_fn jt_cmd_client_recover;
jt_command_fn jt_cmd_client_remove;
jt_command_fn jt_cmd_client_rotate;
jt_command_fn jt_cmd_client_show;
jt_command_fn jt_cmd_column_add;
jt_command_fn jt_cmd_column_drain;
jt_command_fn jt_cmd_column_encrypt;
jt_command_fn jt_cmd_column_prove;
jt_command_fn jt_cmd_column_remove;
jt_command_fn jt_cmd_column_status;
jt_command_fn jt_cmd_config;
jt_command_fn jt_cmd_custodian_approve;
jt_command_fn jt_cmd_custodian_enroll;
jt_command_fn jt_cmd_custodian_key;
jt_command_fn jt_cmd_custodian_list;
jt_command_fn jt_cmd_custodian_replace;
jt_command_fn jt_cmd_detokenize;
jt_command_fn jt_cmd_field_add;
jt_command_fn jt_cmd_field_change;
jt_command_fn jt_cmd_field_list;
jt_command_fn jt_cmd_field_show;
jt_command_fn jt_cmd_gen;
jt_command_fn jt_cmd_init;
jt_command_fn jt_cmd_keys_abandon;
jt_command_fn jt_cmd_keys_activate;
jt_command_fn jt_cmd_keys_approve;
jt_command_fn jt_cmd_keys_backup;
jt_command_fn jt_cmd_keys_backups;
jt_command_fn jt_cmd_keys_destroy;
jt_command_fn jt_cmd_keys_write_off;
jt_command_fn jt_cmd_keys_write_offs;
jt_command_fn jt_cmd_keys_certificate;
jt_command_fn jt_cmd_keys_compromise;
jt_command_fn jt_cmd_keys_create;
jt_command_fn jt_cmd_keys_held;
jt_command_fn jt_cmd_keys_list;
jt_command_fn jt_cmd_keys_pause;
jt_command_fn jt_cmd_keys_plan;
jt_command_fn jt_cmd_keys_restore;
jt_command_fn jt_cmd_keys_resume;
jt_command_fn jt_cmd_keys_retire;
jt_command_fn jt_cmd_keys_stuck;
jt_command_fn jt_cmd_recover;
jt_command_fn jt_cmd_recover_ask;
jt_command_fn jt_cmd_recover_approve;
jt_command_fn jt_cmd_repair;
jt_command_fn jt_cmd_mask;
jt_command_fn jt_cmd_migrate;
jt_command_fn jt_cmd_honey_add;
jt_command_fn jt_cmd_honey_list;
jt_command_fn jt_cmd_honey_remove;
jt_command_fn jt_cmd_node_accept_ids;
jt_command_fn jt_cmd_node_accept_numeric;
jt_command_fn jt_cmd_node_accept_sets;
jt_command_fn jt_cmd_nodes_list;
jt_command_fn jt_cmd_nodes_remove;
jt_command_fn jt_cmd_seal;
jt_command_fn jt_cmd_status;
jt_command_fn jt_cmd_tokenize;
jt_command_fn jt_cmd_verify_certificate;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `jeton init`: a machine that has nothing gets its master key, and an empty database its first
 * ring and its first operator.
 *
 * The order makes it safe to be cut off anywhere and to be run again: the master key and then the
 * service root, which the keeper never makes twice; then the API key, durable in its file before
 * the database can know of it, so that it is never lost; then ring and operator in one transaction.
 * A run that finds the key file of an earlier one takes its key up again. The keeper makes first
 * rings as long as it has accepted none.
 */
#include "base/file.h"
#include "base/secmem.h"
#include "cli/custodianlist.h"
#include "cli/database.h"
#include "cli/enroll.h"
#include "cli/exit.h"
#include "cli/keeper_process.h"
#include "cli/keyfile.h"
#include "cli/localtrail.h"
#include "cli/options.h"
#include "cli/unsealing.h"
#include "keyclient/keyclient.h"
#include "store/cards.h"
#include "store/clients.h"
#include "store/migrate.h"
#include "store/ring.h"
#include "vault/client_change.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEEPER_TIMEOUT_MS 10000
#define MASTER_KEY        "master.key" /* its name in the keeper's directory: keeper/keydir.h */

struct init {
    const char *config, *key_path, *operator_id, *custodian_texts;
    struct jt_custodian_set custodians; /* n 0: none are enrolled */
    struct jt_conf conf;
    struct jt_db *db;
    struct jt_credential credential;
    struct jt_ring_row ring;
    struct jt_client_change client;
    struct jt_keeper_process keeper;
    bool keeper_runs;
    struct jt_keyclient *kc;
    struct jt_localtrail trail;
};

/*
 * A service root made for a database that has cards could never open them: whoever lost the ring or
 * the keeper's directory must restore it.
 */
static int check_no_cards(struct init *init)
{
    uint8_t key_ids[JT_KEY_ID_SET_LEN];
    enum jt_err err = jt_cards_key_ids(init->db, key_ids);
    if (err != JT_OK) {
        return jt_database_complain(init->db, "cannot read the database", err);
    }
    for (size_t i = 0; i < sizeof key_ids; i++) {
        if (key_ids[i] != 0) {
            jt_complain("the database has cards, but no ring: restore it; nothing was changed");
            return JT_EXIT_FAILED;
        }
    }
    return JT_EXIT_OK;
}

/* The database has today's tables, no ring and no cards. */
static int check_database(struct init *init)
{
    int found = 0;
    enum jt_err err = jt_migrate_check(init->db, &found);
    if (err == JT_ERR_MIGRATION_FOREIGN) {
        jt_complain("the database's tables are not those of this program: run jeton migrate first");
        return JT_EXIT_FAILED;
    }
    if (err == JT_OK) {
        struct jt_ring_row ring;
        err = jt_ring_read(init->db, &ring);
        if (err == JT_OK) {
            jt_complain("already initialised: the database has a ring (epoch %llu)",
                        (unsigned long long)ring.epoch);
            return JT_EXIT_FAILED;
        }
    }
    return err == JT_ERR_NOT_INITIALIZED
               ? check_no_cards(init)
               : jt_database_complain(init->db, "cannot read the database", err);
}

/* Finds out whose key an existing file holds, or makes a fresh one; *fresh tells which. */
static int choose_credential(struct init *init, bool *fresh)
{
    *fresh = access(init->key_path, F_OK) != 0 && errno == ENOENT;
    if (*fresh) {
        jt_credential_new(init->operator_id, &init->credential);
        return JT_EXIT_OK;
    }
    char key[JT_API_KEY_MAX + 1];
    int code = jt_keyfile_read(init->key_path, key);
    if (code != JT_EXIT_OK) {
        return JT_EXIT_FAILED;
    }
    enum jt_err err = jt_credential_parse(key, &init->credential);
    jt_wipe(key, sizeof key);
    if (err != JT_OK || strcmp(init->credential.id, init->operator_id) != 0) {
        jt_complain("%s: exists already and is not a key of %s", init->key_path, init->operator_id);
        return JT_EXIT_FAILED;
    }
    fprintf(stderr, "jeton: %s is left from a run that failed; its key is used\n", init->key_path);
    return JT_EXIT_OK;
}

static int make_master_key(const struct init *init)
{
    char path[4096 + sizeof MASTER_KEY + 1];
    snprintf(path, sizeof path, "%s/" MASTER_KEY, init->conf.keeper_directory);
    if (access(path, F_OK) == 0) {
        return JT_EXIT_OK;
    }
    if (errno != ENOENT) {
        jt_complain("%s: %s", path, strerror(errno));
        return JT_EXIT_FAILED;
    }
    return jt_keeper_process_init(init->config);
}

/* Has the keeper make the rows that only it can make. */
static int ask_keeper(struct init *init, struct jt_keyclient *kc)
{
    enum jt_err err = jt_keyclient_wait_ring_first(kc, &init->ring);
    if (err == JT_ERR_RING_THERE) {
        jt_complain("this keeper already serves a ring, but the database has none: is it the right "
                    "database?");
        return JT_EXIT_FAILED;
    }
    if (err == JT_OK) {
        struct jt_client_order order = { .permissions = JT_MAY_OF_OPERATORS, .fresh = true };
        const struct jt_set_row none = jt_set_row_empty(JT_SET_CLIENTS);
        memcpy(order.secret, init->credential.secret, sizeof order.secret);
        err = jt_keyclient_wait_client_make(kc, init->operator_id, &order, &none, &init->client);
        jt_wipe(&order, sizeof order);
    }
    if (err != JT_OK) {
        jt_complain("jeton-keeper: %s", jt_err_str(err));
        return JT_EXIT_FAILED;
    }
    return JT_EXIT_OK;
}

/* It runs until the rows are stored. */
static int run_keeper(struct init *init)
{
    int code = jt_keeper_process_start(init->config, JT_KEEPER_FOR_COMMAND, &init->keeper);
    if (code != JT_EXIT_OK) {
        return code;
    }
    init->keeper_runs = true;
    enum jt_err err = jt_keyclient_open(NULL, init->keeper.fd, KEEPER_TIMEOUT_MS, &init->kc);
    if (err != JT_OK) {
        jt_complain("jeton-keeper: %s", jt_err_str(err));
        return JT_EXIT_FAILED;
    }
    init->keeper.fd = -1; /* the client closes it */
    init->trail = (struct jt_localtrail){ init->db, init->kc };
    jt_localtrail(&init->trail);
    code = jt_unseal_by_people(init->kc, init->config, NULL);
    return code == JT_EXIT_OK ? ask_keeper(init, init->kc) : code;
}

static void stop_keeper(struct init *init)
{
    jt_keyclient_free(init->kc);
    if (init->keeper_runs) {
        jt_keeper_process_stop(&init->keeper);
    }
}

static int store_key(const struct init *init)
{
    char key[JT_API_KEY_MAX + 1];
    jt_credential_format(&init->credential, key);
    int code = jt_keyfile_create(init->key_path, key);
    jt_wipe(key, sizeof key);
    return code;
}

/*
 * After a connection that broke at COMMIT: whether the operator in the database is the one just
 * made.
 */
static bool was_stored(struct init *init)
{
    struct jt_client_row row;
    return jt_client_get(init->db, init->operator_id, &row) == JT_OK &&
           jt_equal_ct(row.secret_mac, init->client.row.secret_mac, sizeof row.secret_mac);
}

static int store_rows(struct init *init)
{
    enum jt_err err = jt_ring_first(init->db, &init->ring, &init->client);
    if (err == JT_OK ||
        ((err == JT_ERR_IN_DOUBT || jt_err_class(err) == JT_CLASS_REPEAT) && was_stored(init))) {
        return JT_EXIT_OK;
    }
    if (err == JT_ERR_RING_THERE || err == JT_ERR_CLIENT_EXISTS) {
        jt_complain("somebody else has just initialised the database; the key in %s is useless",
                    init->key_path);
        return JT_EXIT_FAILED;
    }
    int code = jt_database_complain(init->db, "cannot store the first ring", err);
    jt_complain("%s stays: the next jeton init takes it up again", init->key_path);
    return code;
}

/* Last: an installation without custodians works, and can enroll them later. */
static int enroll(struct init *init)
{
    if (init->custodians.n == 0) {
        return JT_EXIT_OK;
    }
    int code = jt_enroll(init->db, init->kc, &init->custodians, "init");
    if (code != JT_EXIT_OK) {
        jt_complain("the installation is there, with its operator, but without custodians: use "
                    "jeton custodian enroll");
    }
    return code;
}

static int run(struct init *init)
{
    bool fresh = false;
    int code = jt_open_database(&init->conf, &init->db);
    if (code == JT_EXIT_OK) {
        code = check_database(init);
    }
    if (code == JT_EXIT_OK) {
        code = choose_credential(init, &fresh);
    }
    if (code == JT_EXIT_OK) {
        code = make_master_key(init);
    }
    if (code == JT_EXIT_OK) {
        code = run_keeper(init);
    }
    if (code == JT_EXIT_OK && fresh) {
        code = store_key(init);
    }
    if (code == JT_EXIT_OK) {
        code = store_rows(init);
    }
    if (code == JT_EXIT_OK) {
        code = enroll(init);
    }
    if (code == JT_EXIT_OK) {
        printf("Initialised. The API key of %s is in %s\n", init->operator_id, init->key_path);
        printf(
            "The service root is in one place only. Before the first card comes, make a backup\n"
            "(jeton keys create; jeton keys backup FILE; jeton keys activate 1), or let another\n"
            "node take part. Without the service root no token can be turned into its card.\n");
    }
    return code;
}

int jt_cmd_init(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    struct init init = { .operator_id = "operator" };
    const struct jt_option options[] = {
        JT_TEXT("operator-key", "FILE", &init.key_path,
                "new file, mode 0600, that receives the first operator's API key (required)"),
        JT_TEXT("operator", "NAME", &init.operator_id, "the first operator's client id (operator)"),
        JT_TEXT("custodians", "LIST", &init.custodian_texts,
                "the custodians, jcp_..., 2 to 16 of them with commas between (none)"),
    };
    struct jt_parse parse = { .options = options, .n_options = sizeof options / sizeof options[0] };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    if (init.key_path == NULL) {
        return jt_usage_error(self, "--operator-key is missing");
    }
    if (!jt_client_id_valid(init.operator_id) || jt_name_is_cardlike(init.operator_id)) {
        return jt_usage_error(
            self, "--operator must be 1 to 32 of a-z 0-9 - and start with a letter, and "
                  "not be such as could be a card number");
    }
    if (init.custodian_texts != NULL &&
        !jt_custodianlist_split(init.custodian_texts, &init.custodians)) {
        return jt_usage_error(self, "--custodians must be 2 to 16 texts of custodians with "
                                    "different names and keys, as jeton custodian key prints them");
    }
    init.config = cli->config;
    code = jt_load_conf(cli, &init.conf);
    if (code != JT_EXIT_OK) {
        return code;
    }
    code = run(&init);
    stop_keeper(&init);
    jt_db_free(init.db);
    jt_conf_clear(&init.conf);
    jt_wipe(&init.credential, sizeof init.credential);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `jeton keys restore`: a keeper's directory that was lost, from a backup and the master key.
 *
 * As `jeton client recover` it is an act of this machine: it runs a keeper of its own on the
 * directory, whose lock a running keeper holds. The keeper fills nothing but a directory that has a
 * master key alone, or one that an earlier run of this began with the same file; so a run that was
 * cut off is repeated. The database is asked afterwards: what it knows that the file does not have
 * is named. Where it cannot be reached, the directory is restored all the same.
 */
#include "cli/database.h"
#include "cli/exit.h"
#include "cli/keeper_process.h"
#include "cli/local.h"
#include "cli/localtrail.h"
#include "cli/newfile.h"
#include "cli/options.h"
#include "cli/unsealing.h"
#include "keyclient/nodes.h"
#include "store/audit.h"
#include "store/generations.h"
#include "store/migrate.h"
#include "store/ring.h"

#include <stdlib.h>
#include <string.h>

#define KEEPER_TIMEOUT_MS 10000

struct restore {
    const char *config, *path;
    char actor[JT_ACTOR_MAX + 1];
    struct jt_conf conf;
    struct jt_escrow_file file;
    struct jt_escrow_report report;
    struct jt_keyclient *kc;
    struct jt_db *db;
    struct jt_localtrail trail;
};

static int read_file(struct restore *r)
{
    struct jt_buf bytes;
    jt_buf_init(&bytes, JT_ESCROW_MAX);
    int code = jt_newfile_read(r->path, &bytes);
    if (code == JT_EXIT_OK && bytes.len > 0) {
        memcpy(r->file.bytes, bytes.data, bytes.len);
        r->file.len = bytes.len;
    }
    jt_buf_clear(&bytes);
    return code;
}

static int complain(const struct restore *r, enum jt_err err)
{
    switch (err) {
    case JT_ERR_KEEPER_AWAY:
        jt_complain("jeton-keeper did not start, or ended: see what it says above; it must not run "
                    "already, and the directory needs its master.key, and nothing else");
        break;
    case JT_ERR_KEY_THERE:
        jt_complain("%s has keys already: a backup fills only a directory that has master.key and "
                    "nothing else; nothing was changed",
                    r->conf.keeper_directory);
        break;
    case JT_ERR_MASTER_OTHER:
        jt_complain("%s: made under another master key than %s/master.key; nothing was changed",
                    r->path, r->conf.keeper_directory);
        break;
    case JT_ERR_FILE_ALTERED:
        jt_complain("%s: the file was altered or cut, or is no backup; nothing was changed",
                    r->path);
        break;
    case JT_ERR_FILE_FOREIGN:
        jt_complain("%s: of another environment; nothing was changed", r->path);
        break;
    default: jt_complain("%s: %s; repeat the command", r->path, jt_err_str(err)); break;
    }
    return JT_EXIT_FAILED;
}

/* Fills the directory, and has the keeper compare what it holds now with the file. */
static int fill(struct restore *r)
{
    enum jt_err err = jt_keyclient_wait_escrow_restore(r->kc, &r->file);
    if (err == JT_OK) {
        err = jt_keyclient_wait_escrow_check(r->kc, &r->file, &r->report);
    }
    for (size_t i = 0; i < r->report.n && err == JT_OK; i++) {
        err = r->report.keys[i].verdict;
    }
    if (err != JT_OK) {
        return complain(r, err);
    }
    printf("Restored to %s: the service root, and the keys of generations ",
           r->conf.keeper_directory);
    for (size_t i = 0; i < r->report.n; i++) {
        printf("%s%llu", i == 0 ? "" : ", ", (unsigned long long)r->report.keys[i].number);
    }
    printf("%s\n", r->report.n == 0 ? "- (none)" : "");
    return JT_EXIT_OK;
}

/* --- what the database knows --- */

static void tell_missing(const struct jt_generation_row *row)
{
    jt_complain("generation %llu, %s, is not in the file: its key must come from another node, "
                "else what is under it is lost",
                (unsigned long long)row->number,
                jt_generation_state_name((enum jt_generation_state)row->state));
}

/* The generations that the database has and this keeper has not. A forged row is nobody's. */
static enum jt_err compare(struct restore *r)
{
    static struct jt_generation_rows rows;
    enum jt_err verdicts[JT_GENERATIONS_MAX];
    enum jt_err err = jt_generations_read(r->db, &rows);
    if (err == JT_OK) {
        err = jt_keyclient_wait_generation_held(r->kc, rows.rows, rows.n, verdicts);
    }
    for (size_t i = 0; i < rows.n && err == JT_OK; i++) {
        if (verdicts[i] == JT_ERR_KEY_MISSING || verdicts[i] == JT_ERR_KEY_WRONG) {
            tell_missing(&rows.rows[i]);
        }
    }
    return err;
}

/*
 * The database's ring, which the keeper takes if it is one of its service root, not an earlier one
 * than it was at the backup, and all keys of live generations are here; else those come from other
 * nodes, and the ring with them.
 */
static enum jt_err show_ring(struct restore *r)
{
    struct jt_ring_row ring;
    bool joined;
    enum jt_err err = jt_ring_read(r->db, &ring);
    if (err == JT_OK) {
        err = jt_keyclient_wait_ring_accept(r->kc, &ring, &joined);
    }
    if (err == JT_OK) {
        printf("The database's ring is good: epoch %llu, that of the backup is %llu\n",
               (unsigned long long)ring.epoch, (unsigned long long)r->report.epoch);
    }
    return err == JT_ERR_KEY_MISSING ? JT_OK : err;
}

static enum jt_err look(struct restore *r)
{
    int ignored;
    const struct jt_act act = { .node = "", .actor = r->actor };
    r->trail = (struct jt_localtrail){ r->db, r->kc };
    jt_localtrail(&r->trail);
    enum jt_err err = jt_migrate_check(r->db, &ignored);
    if (err == JT_OK) {
        err = show_ring(r);
    }
    if (err == JT_OK) {
        err = compare(r);
    }
    return err == JT_OK ? jt_audit_record(r->db, &act, JT_AUDIT_KEYS_RESTORE, "") : err;
}

/* No failure of it undoes what was restored. */
static void look_at_database(struct restore *r)
{
    if (jt_open_database(&r->conf, &r->db) != JT_EXIT_OK) {
        jt_complain("so it is not known whether keys are missing: jetond tells when it starts");
        return;
    }
    enum jt_err err = look(r);
    if (err == JT_ERR_WENT_BACK) {
        jt_complain(
            "the database is older than the backup: its ring is an earlier one, and no node "
            "serves it before two custodians have recovered it: see jeton recover");
    } else if (err == JT_ERR_FORGED) {
        jt_complain("the database is not the one that this backup belongs to");
    } else if (err != JT_OK) {
        jt_complain("the database could not be compared: %s", jt_err_str(err));
    }
}

static int run(struct restore *r)
{
    struct jt_keeper_process keeper;
    int code = jt_keeper_process_start(r->config, JT_KEEPER_FOR_COMMAND, &keeper);
    if (code != JT_EXIT_OK) {
        return code;
    }
    enum jt_err err = jt_keyclient_open(NULL, keeper.fd, KEEPER_TIMEOUT_MS, &r->kc);
    if (err == JT_OK) {
        keeper.fd = -1; /* the client closes it */
        code = jt_unseal_by_people(r->kc, r->config, NULL);
        code = code == JT_EXIT_OK ? fill(r) : code;
    } else {
        code = complain(r, err);
    }
    if (code == JT_EXIT_OK) {
        look_at_database(r);
    }
    jt_keyclient_free(r->kc);
    jt_keeper_process_stop(&keeper);
    return code;
}

int jt_cmd_keys_restore(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    static struct restore r;
    struct jt_parse parse = { NULL, 0, &r.path, 1, 1, 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    r.config = cli->config;
    code = jt_load_conf(cli, &r.conf);
    if (code != JT_EXIT_OK) {
        return code;
    }
    jt_local_actor(r.actor);
    code = read_file(&r);
    if (code == JT_EXIT_OK) {
        code = run(&r);
    }
    jt_db_free(r.db);
    jt_conf_clear(&r.conf);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `jeton client recover`: an operator who has lost the key gets back in.
 *
 * It is an act of this machine, never of REST: it runs a keeper of its own on the keeper's
 * directory, whose lock a running keeper holds, and writes to the database. So it takes who may
 * read the key files, which neither the front's user nor the database's owner may. The keeper makes
 * the row by the rules of sets (keeper/setrule.h), and the audit trail names the user of the
 * machine and the reason.
 */
#include "base/secmem.h"
#include "cli/database.h"
#include "cli/exit.h"
#include "cli/keeper_process.h"
#include "cli/keyfile.h"
#include "cli/local.h"
#include "cli/localtrail.h"
#include "cli/options.h"
#include "cli/unsealing.h"
#include "vault/client_change.h"

#include <stdio.h>
#include <string.h>

#define REASON_MAX 127

struct recover {
    const char *config, *name, *key_path, *reason;
    char actor[JT_ACTOR_MAX + 1];
    struct jt_conf conf;
    struct jt_vault vault;
    struct jt_work_ctx ctx;
    struct jt_localtrail trail;
};

static int complain(struct recover *r, enum jt_err err)
{
    char line[JT_FAULT_LINE_LEN];
    switch (err) {
    case JT_ERR_CLIENT_REVOKED:
        jt_complain("client %s was removed for good: choose another name", r->name);
        return JT_EXIT_FAILED;
    case JT_ERR_CARDLIKE:
        jt_complain("the name could be a card number: choose another one");
        return JT_EXIT_FAILED;
    case JT_ERR_SETS_UNVERIFIED:
        jt_complain("the clients in the database are not those that the keeper vouches for; nobody "
                    "was let in");
        return JT_EXIT_FAILED;
    default:
        jt_complain("cannot let %s in: %s", r->name, jt_fault_line(&r->ctx.fault, err, line));
        return JT_EXIT_FAILED;
    }
}

static int let_in(struct recover *r, struct jt_keyfile *file)
{
    struct jt_credential credential;
    char key[JT_API_KEY_MAX + 1];
    int code = jt_local_database(r->ctx.db, r->ctx.keeper);
    if (code != JT_EXIT_OK) {
        return code;
    }
    r->trail = (struct jt_localtrail){ r->ctx.db, r->ctx.keeper };
    jt_localtrail(&r->trail);
    enum jt_err err = jt_client_recover(&r->ctx, r->name, r->actor, r->reason, &credential);
    if (err != JT_OK) {
        return complain(r, err);
    }
    jt_credential_format(&credential, key);
    code = jt_keyfile_store(file, key);
    jt_wipe(key, sizeof key);
    jt_wipe(&credential, sizeof credential);
    return code;
}

static int with_keeper(struct recover *r, struct jt_keyfile *file)
{
    struct jt_keeper_process keeper;
    int code = jt_keeper_process_start(r->config, JT_KEEPER_FOR_COMMAND, &keeper);
    if (code != JT_EXIT_OK) {
        return code;
    }
    enum jt_err err = jt_keyclient_open(NULL, keeper.fd, JT_KEEPER_TIMEOUT_MS, &r->ctx.keeper);
    if (err == JT_OK) {
        keeper.fd = -1; /* the client closes it */
        jt_keyclient_note_into(r->ctx.keeper, &r->ctx.fault);
        code = jt_unseal_by_people(r->ctx.keeper, r->config, NULL);
        code = code == JT_EXIT_OK ? let_in(r, file) : code;
    } else {
        jt_complain("jeton-keeper: %s", jt_err_str(err));
        code = JT_EXIT_FAILED;
    }
    jt_keyclient_free(r->ctx.keeper);
    r->ctx.keeper = NULL;
    jt_keeper_process_stop(&keeper);
    return code;
}

static int run(struct recover *r)
{
    struct jt_keyfile file;
    int code = jt_open_database(&r->conf, &r->ctx.db);
    if (code != JT_EXIT_OK) {
        return code;
    }
    jt_db_note_into(r->ctx.db, &r->ctx.fault);
    code = jt_keyfile_reserve(r->key_path, &file);
    if (code != JT_EXIT_OK) {
        return code;
    }
    code = with_keeper(r, &file);
    if (code == JT_EXIT_OK) {
        printf("Operator %s is in again; the API key is in %s\n", r->name, r->key_path);
    } else {
        jt_keyfile_abandon(&file);
    }
    return code;
}

/* What is recorded: short, in one line. */
static bool reason_valid(const char *reason)
{
    size_t len = strlen(reason);
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)reason[i] < ' ' || reason[i] == 0x7f) {
            return false;
        }
    }
    return len > 0 && len <= REASON_MAX;
}

int jt_cmd_client_recover(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    struct recover r = { .name = NULL };
    const struct jt_option options[] = {
        JT_TEXT("key-file-out", "FILE", &r.key_path,
                "new file, mode 0600, that receives the fresh API key (required)"),
        JT_TEXT("reason", "REASON", &r.reason, "why; it is recorded (required)"),
    };
    struct jt_parse parse = { options, sizeof options / sizeof options[0], &r.name, 1, 1, 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    if (r.key_path == NULL || r.reason == NULL) {
        return jt_usage_error(self, "--%s is missing",
                              r.key_path == NULL ? "key-file-out" : "reason");
    }
    if (!jt_client_id_valid(r.name) || !reason_valid(r.reason)) {
        return jt_usage_error(self, "NAME is 1 to 32 of a-z 0-9 - and starts with a letter, REASON "
                                    "1 to 127 bytes without control characters");
    }
    r.config = cli->config;
    code = jt_load_conf(cli, &r.conf);
    if (code != JT_EXIT_OK) {
        return code;
    }
    jt_local_actor(r.actor);
    jt_sets_init(&r.vault.sets);
    r.vault.conf = &r.conf;
    r.ctx.vault = &r.vault;
    code = run(&r);
    jt_sets_clear(&r.vault.sets);
    jt_db_free(r.ctx.db);
    jt_conf_clear(&r.conf);
    return code;
}

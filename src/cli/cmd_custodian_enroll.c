/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `jeton custodian enroll`: the first custodians of an installation that has none.
 *
 * It is an act of this machine, never of REST: it runs a keeper of its own on the keeper's
 * directory, whose lock a running keeper holds. So whoever names the first custodians is somebody
 * who may read the key files, and a front never is.
 */
#include "cli/custodianlist.h"
#include "cli/database.h"
#include "cli/enroll.h"
#include "cli/exit.h"
#include "cli/keeper_process.h"
#include "cli/local.h"
#include "cli/localtrail.h"
#include "cli/options.h"
#include "cli/unsealing.h"
#include "vault/vault.h"

#include <stdio.h>

struct enroll {
    const char *config;
    struct jt_custodian_set set;
    struct jt_conf conf;
    struct jt_db *db;
    struct jt_keyclient *kc;
    struct jt_localtrail trail;
};

static int with_keeper(struct enroll *e)
{
    char actor[JT_ACTOR_MAX + 1];
    struct jt_keeper_process keeper;
    int code = jt_keeper_process_start(e->config, JT_KEEPER_FOR_COMMAND, &keeper);
    if (code != JT_EXIT_OK) {
        return code;
    }
    enum jt_err err = jt_keyclient_open(NULL, keeper.fd, JT_KEEPER_TIMEOUT_MS, &e->kc);
    if (err == JT_OK) {
        keeper.fd = -1; /* the client closes it */
        code = jt_unseal_by_people(e->kc, e->config, NULL);
        code = code == JT_EXIT_OK ? jt_local_database(e->db, e->kc) : code;
    } else {
        jt_complain("jeton-keeper: %s", jt_err_str(err));
        code = JT_EXIT_FAILED;
    }
    if (code == JT_EXIT_OK) {
        e->trail = (struct jt_localtrail){ e->db, e->kc };
        jt_localtrail(&e->trail);
        jt_local_actor(actor);
        code = jt_enroll(e->db, e->kc, &e->set, actor);
    }
    jt_keyclient_free(e->kc);
    jt_keeper_process_stop(&keeper);
    return code;
}

int jt_cmd_custodian_enroll(const struct jt_command *self, struct jt_cli *cli, int argc,
                            char **argv)
{
    const char *texts[JT_CUSTODIANS_MAX];
    struct enroll e = { .kc = NULL };
    struct jt_parse parse = { NULL, 0, texts, JT_CUSTODIANS_MIN, JT_CUSTODIANS_MAX, 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    if (!jt_custodianlist_parse(texts, parse.n_arguments, &e.set)) {
        return jt_usage_error(self, "TEXT is a line that jeton custodian key prints, jcp_...; "
                                    "names and keys must be different ones");
    }
    e.config = cli->config;
    code = jt_load_conf(cli, &e.conf);
    if (code != JT_EXIT_OK) {
        return code;
    }
    code = jt_open_database(&e.conf, &e.db);
    if (code == JT_EXIT_OK) {
        code = with_keeper(&e);
    }
    if (code == JT_EXIT_OK) {
        printf("%u custodians are enrolled; two of them approve what ends for good\n", e.set.n);
    }
    jt_db_free(e.db);
    jt_conf_clear(&e.conf);
    return code;
}

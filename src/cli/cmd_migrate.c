/* SPDX-License-Identifier: Apache-2.0 */
/* `jeton migrate` */
#include "cli/database.h"
#include "cli/exit.h"
#include "cli/options.h"
#include "store/migrate.h"

#include <stdio.h>

static void print_applied(void *arg, int number, const char *name)
{
    int *n = arg;
    (*n)++;
    printf("applied %04d %s\n", number, name);
    fflush(stdout); /* a later one may fail */
}

static int apply(struct jt_db *db)
{
    int n = 0;
    enum jt_err err = jt_migrate_run(db, print_applied, &n);
    bool format_1 = false;
    if (err == JT_ERR_MIGRATION_FOREIGN && jt_migrate_is_format_1(db, &format_1) == JT_OK &&
        format_1) {
        jt_complain("the database holds development data of stored format 1, which cannot be "
                    "converted: drop its schema jeton and the "
                    "keeper's directory, then begin anew with jeton migrate");
        return JT_EXIT_FAILED;
    }
    if (err == JT_ERR_MIGRATION_FOREIGN) {
        jt_complain("the database's tables are not those of this program (newest migration here: "
                    "%d): is it an older version?",
                    jt_migrate_newest());
        return JT_EXIT_FAILED;
    }
    if (err != JT_OK) {
        return jt_database_complain(db, "migrate", err);
    }
    if (n == 0) {
        printf("nothing to apply: the database is at migration %d\n", jt_migrate_newest());
    }
    return JT_EXIT_OK;
}

static int compare(struct jt_db *db)
{
    int found = 0;
    enum jt_err err = jt_migrate_check(db, &found);
    if (err == JT_ERR_MIGRATION_FOREIGN) {
        jt_complain("the database is at migration %d, this program at %d", found,
                    jt_migrate_newest());
        return JT_EXIT_FAILED;
    }
    if (err != JT_OK) {
        return jt_database_complain(db, "migrate", err);
    }
    printf("the database is at migration %d, as this program\n", found);
    return JT_EXIT_OK;
}

int jt_cmd_migrate(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    bool only_check = false;
    const struct jt_option options[] = {
        JT_FLAG("check", &only_check,
                "apply nothing; end with exit code 1 unless the database is up to date"),
    };
    struct jt_parse parse = { .options = options, .n_options = sizeof options / sizeof options[0] };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    struct jt_conf conf;
    code = jt_load_conf(cli, &conf);
    if (code != JT_EXIT_OK) {
        return code;
    }
    struct jt_db *db = NULL;
    code = jt_open_database(&conf, &db);
    if (code == JT_EXIT_OK) {
        code = only_check ? compare(db) : apply(db);
    }
    jt_db_free(db);
    jt_conf_clear(&conf);
    return code;
}

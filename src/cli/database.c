/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/database.h"

#include "cli/exit.h"

#define STATEMENT_MS 30000 /* migrations set their own bound: store/migrate.h */

int jt_load_conf(const struct jt_cli *cli, struct jt_conf *out)
{
    char message[400];
    if (jt_conf_load(cli->config, out, message, sizeof message) != JT_OK) {
        jt_complain("%s", message);
        return JT_EXIT_CONFIG;
    }
    return JT_EXIT_OK;
}

int jt_database_complain(const struct jt_db *db, const char *what, enum jt_err err)
{
    const struct jt_fault nothing = { 0 };
    char line[JT_FAULT_LINE_LEN];
    jt_complain("%s: %s", what, jt_fault_line(db == NULL ? &nothing : jt_db_fault(db), err, line));
    return jt_err_class(err) == JT_CLASS_REPEAT || err == JT_ERR_IN_DOUBT ? JT_EXIT_UNAVAILABLE
                                                                          : JT_EXIT_FAILED;
}

int jt_open_database(const struct jt_conf *conf, struct jt_db **out)
{
    enum jt_err err = jt_db_new(conf->database_conninfo, "jeton", STATEMENT_MS, out);
    if (err == JT_ERR_BAD_CONNINFO) {
        jt_complain("%s", jt_err_str(err));
        return JT_EXIT_CONFIG;
    }
    if (err == JT_OK) {
        err = jt_db_ensure(*out);
    }
    if (err == JT_OK) {
        return JT_EXIT_OK;
    }
    int code = jt_database_complain(*out, "cannot use the database", err);
    jt_db_free(*out);
    *out = NULL;
    return code;
}

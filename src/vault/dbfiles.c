/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/dbfiles.h"

#include "store/connfiles.h"

enum jt_err jt_vault_db_files(const struct jt_conf *conf, void (*each)(void *arg, const char *path),
                              void *arg)
{
    return jt_conn_files(conf->database_conninfo, each, arg);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The files that a front's connections to the database may read. */
#ifndef JETON_VAULT_DBFILES_H
#define JETON_VAULT_DBFILES_H

#include "options/conf.h"

/* Gives `each` their paths, as store/connfiles.h has them. JT_ERR_BAD_CONNINFO, JT_ERR_NOMEM. */
enum jt_err jt_vault_db_files(const struct jt_conf *conf, void (*each)(void *arg, const char *path),
                              void *arg) JT_CHECKED;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The files that libpq may read for a connection: password, certificates, service. */
#ifndef JETON_STORE_CONNFILES_H
#define JETON_STORE_CONNFILES_H

#include "base/err.h"

/*
 * Gives `each` the path of every file or directory that a connection string, the environment or
 * libpq's defaults name (libpq, "Connection Parameters", "Environment Variables"); there need not
 * be anything by that name. JT_ERR_BAD_CONNINFO, JT_ERR_NOMEM.
 */
enum jt_err jt_conn_files(const char *conninfo, void (*each)(void *arg, const char *path),
                          void *arg) JT_CHECKED;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/connfiles.h"

#include "store/session.h"

#include <libpq-fe.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const keywords[] = { "passfile",    "sslcert", "sslkey",
                                        "sslrootcert", "sslcrl",  "sslcrldir" };

/* Where libpq looks by itself, below the home directory. */
static const char *const homely[] = { ".pgpass", ".postgresql", ".pg_service.conf" };

static void named_by(const PQconninfoOption *options, void (*each)(void *, const char *), void *arg)
{
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++) {
        for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++) {
            if (o->val != NULL && o->val[0] == '/' && strcmp(o->keyword, keywords[i]) == 0) {
                each(arg, o->val);
            }
        }
    }
}

enum jt_err jt_conn_files(const char *conninfo, void (*each)(void *arg, const char *path),
                          void *arg)
{
    PQconninfoOption *given;
    enum jt_err err = jt_session_parse_conninfo(conninfo, &given);
    if (err != JT_OK) {
        return err;
    }
    named_by(given, each, arg);
    PQconninfoFree(given);
    PQconninfoOption *defaults = PQconndefaults();
    if (defaults == NULL) {
        return JT_ERR_NOMEM;
    }
    named_by(defaults, each, arg);
    PQconninfoFree(defaults);
    const char *const by_environment[] = { getenv("PGSERVICEFILE"), getenv("PGSYSCONFDIR") };
    for (size_t i = 0; i < sizeof by_environment / sizeof by_environment[0]; i++) {
        if (by_environment[i] != NULL) {
            each(arg, by_environment[i]);
        }
    }
    const char *home = getenv("HOME");
    for (size_t i = 0; home != NULL && i < sizeof homely / sizeof homely[0]; i++) {
        char path[4096];
        int n = snprintf(path, sizeof path, "%s/%s", home, homely[i]);
        if (n > 0 && (size_t)n < sizeof path) {
            each(arg, path);
        }
    }
    return JT_OK;
}

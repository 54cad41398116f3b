/* SPDX-License-Identifier: Apache-2.0 */
#include "store/session.h"

#include "base/secmem.h"
#include "store/sql.h"
#include "store/timeouts.h"

#include <stdbool.h>
#include <string.h>

void jt_session_connect_params(const char *conninfo, const char *application,
                               struct jt_connect_params *out)
{
    *out = (struct jt_connect_params){
        .keywords = { "connect_timeout", "keepalives_idle", "keepalives_interval",
                      "keepalives_count", "tcp_user_timeout", "client_encoding", "dbname",
                      "application_name", NULL },
        .values = { JT_SQL_NUMBER(JT_CONNECT_TIMEOUT_S), JT_SQL_NUMBER(JT_TCP_KEEPALIVE_IDLE_S),
                    JT_SQL_NUMBER(JT_TCP_KEEPALIVE_INTERVAL_S),
                    JT_SQL_NUMBER(JT_TCP_KEEPALIVE_COUNT), JT_SQL_NUMBER(JT_TCP_USER_TIMEOUT_MS),
                    "UTF8", conninfo, application, NULL },
    };
}

enum jt_err jt_session_parse_conninfo(const char *conninfo, PQconninfoOption **out)
{
    char *message = NULL; /* may quote a password */
    *out = PQconninfoParse(conninfo, &message);
    bool wrong = message != NULL; /* else there was no memory: libpq's "Connection Status" */
    if (wrong) {
        jt_wipe(message, strlen(message));
        PQfreemem(message);
    }
    return *out != NULL ? JT_OK : wrong ? JT_ERR_BAD_CONNINFO : JT_ERR_NOMEM;
}

enum jt_err jt_session_check_conninfo(const char *conninfo)
{
    PQconninfoOption *options;
    enum jt_err err = jt_session_parse_conninfo(conninfo, &options);
    PQconninfoFree(options);
    return err;
}

static void ignore_notice(void *arg, const char *message)
{
    (void)arg;
    (void)message;
}

void jt_session_quieten(PGconn *conn)
{
    (void)PQsetErrorVerbosity(conn, PQERRORS_TERSE);
    (void)PQsetErrorContextVisibility(conn, PQSHOW_CONTEXT_NEVER);
    (void)PQsetNoticeProcessor(conn, ignore_notice, NULL);
}

/* SQL is laid out by hand. */
/* clang-format off */
#define PIN(name, value)  "set_config('" name "', '" value "', false), "
#define PIN_MS(name, ms)  PIN(name, JT_SQL_NUMBER(ms) "ms")
#define PIN_N(name, n)    PIN(name, JT_SQL_NUMBER(n))

const char jt_session_settings[] = "SELECT "
    /* pg_temp last: a temporary table must not stand in front of ours */
    PIN("search_path", "jeton, pg_temp")
    PIN("client_encoding", "UTF8")
    PIN("client_min_messages", "error")
    /* parameters carry envelopes and fingerprints */
    PIN("log_parameter_max_length_on_error", "0")
    /* for reads outside of a block; writers name it in BEGIN */
    PIN("default_transaction_isolation", "read committed")
    PIN("default_transaction_read_only", "off")
    PIN("default_transaction_deferrable", "off")
    PIN_MS("idle_in_transaction_session_timeout", JT_IDLE_IN_TRANSACTION_MS)
    PIN_MS("client_connection_check_interval", JT_CLIENT_CHECK_MS)
    PIN_N("tcp_keepalives_idle", JT_TCP_KEEPALIVE_IDLE_S)
    PIN_N("tcp_keepalives_interval", JT_TCP_KEEPALIVE_INTERVAL_S)
    PIN_N("tcp_keepalives_count", JT_TCP_KEEPALIVE_COUNT)
    PIN_MS("tcp_user_timeout", JT_TCP_USER_TIMEOUT_MS)
    PIN("lock_timeout", "0")
    /* a policy that would hide rows is an error: no proof of zero is to be had that way */
    PIN("row_security", "off")
    /*
     * Every statement on `card` is written so that its index is the only sensible path; these keep
     * the planner from reasoning otherwise on a table that is empty, that was never analysed, or
     * whose statistics are old (tests/db/test_plans.c).
     */
    PIN("plan_cache_mode", "force_generic_plan")
    PIN("enable_seqscan", "off")
    PIN("enable_bitmapscan", "off")
    PIN("enable_hashjoin", "off")
    PIN("enable_mergejoin", "off")
    PIN("enable_material", "off")
    PIN("enable_memoize", "off")
    PIN("enable_sort", "off")
    PIN("max_parallel_workers_per_gather", "0")
    PIN("jit", "off")
    /*
     * An acknowledged token must survive a crash (I1). What waits for a standby as well is the
     * operator's choice and left alone.
     */
    "set_config('synchronous_commit', CASE WHEN current_setting('synchronous_commit') IN ('off', "
    "'local') THEN 'on' ELSE current_setting('synchronous_commit') END, false), "
    "set_config('statement_timeout', $1, false)";
/* clang-format on */

/* SPDX-License-Identifier: Apache-2.0 */
#include "store/session.h"

void jt_session_connect_params(const char *conninfo, const char *application,
                               struct jt_connect_params *out)
{
    *out = (struct jt_connect_params){
        .keywords = { "connect_timeout", "keepalives_idle", "keepalives_interval",
                      "keepalives_count", "tcp_user_timeout", "client_encoding", "dbname",
                      "application_name", NULL },
        .values = { "5", "10", "5", "3", "15000", "UTF8", conninfo, application, NULL },
    };
}

enum jt_err jt_session_check_conninfo(const char *conninfo)
{
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
    if (options == NULL) {
        return JT_ERR_BAD_CONNINFO;
    }
    PQconninfoFree(options);
    return JT_OK;
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

#define PIN(name, value) "set_config('" name "', '" value "', false), "

const char jt_session_settings[] = "SELECT "
    /* pg_temp last: a temporary table must not stand in front of ours */
    PIN("search_path", "jeton, pg_temp") PIN("client_encoding", "UTF8")
        PIN("client_min_messages", "error")
            PIN("log_parameter_max_length_on_error",
                "0") /* parameters carry envelopes and fingerprints */
    /* for reads outside of a block; writers name it in BEGIN */
    PIN("default_transaction_isolation", "read committed")
        PIN("default_transaction_read_only", "off") PIN("default_transaction_deferrable", "off")
    /* a stopped front must not hold the ring lock for ever */
    PIN("idle_in_transaction_session_timeout", "10s") PIN(
        "client_connection_check_interval", "2s") /* nor a long statement whose client is gone */
    /*
     * When the network is cut, the server must miss us within 30 s: the session it still sees holds
     * the node lock. On a Unix socket these mean nothing.
     */
    PIN("tcp_keepalives_idle", "10") PIN("tcp_keepalives_interval", "5")
        PIN("tcp_keepalives_count", "3") PIN("tcp_user_timeout", "15000") PIN("lock_timeout", "0")
    /* a policy that would hide rows is an error: no proof of zero is to be had that way */
    PIN("row_security", "off")
    /*
     * Every statement on `card` is written so that its index is the only sensible path; these keep
     * the planner from reasoning otherwise on a table that is empty, that was never analysed, or
     * whose statistics are old (tests/db/test_plans.c).
     */
    PIN("plan_cache_mode", "force_generic_plan") PIN("enable_seqscan", "off")
        PIN("enable_bitmapscan", "off") PIN("enable_hashjoin", "off") PIN("enable_mergejoin", "off")
            PIN("enable_material", "off") PIN("enable_memoize", "off") PIN("enable_sort", "off")
                PIN("max_parallel_workers_per_gather", "0") PIN("jit", "off")
    /*
     * An acknowledged token must survive a crash (I1). What waits for a standby as well is the
     * operator's choice and left alone.
     */
    "set_config('synchronous_commit', CASE WHEN current_setting('synchronous_commit') IN ('off', "
    "'local') THEN 'on' "
    "ELSE current_setting('synchronous_commit') END, false), "
    "set_config('statement_timeout', $1, false)";

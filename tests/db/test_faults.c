/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libpq failing at every call in turn, beneath an act of an operator and beneath a batch of cards.
 * What was answered with success is in the database with its audit row; what was refused is not;
 * and the next one goes through.
 *
 * The functions below stand before the real ones by the linker's --wrap. They fail for everybody in
 * this program, so nothing else speaks with the database while one may.
 */
#include "tests/db/fixture.h"

#include <stdatomic.h>
#include <stdio.h>

#define MANY  2000 /* more calls than either has */
#define NEVER (-1)

static _Atomic int fail_at = NEVER, n_calls;
static _Atomic(const char *) failed; /* the function */

static bool fails(const char *name)
{
    int at = atomic_load(&fail_at);
    if (at == NEVER || atomic_fetch_add(&n_calls, 1) != at) {
        return false;
    }
    atomic_store(&failed, name);
    return true;
}

static void arm(int n)
{
    atomic_store(&n_calls, 0);
    atomic_store(&failed, NULL);
    atomic_store(&fail_at, n);
}

static void disarm(void)
{
    atomic_store(&fail_at, NEVER);
}

#define WRAP(type, name, bad, parameters, arguments)           \
    type __real_##name parameters;                             \
    type __wrap_##name parameters;                             \
    type __wrap_##name parameters                              \
    {                                                          \
        return fails(#name) ? (bad) : __real_##name arguments; \
    }

/* clang-format off: a line for each */
WRAP(int, PQsendQuery, 0, (PGconn * c, const char *q), (c, q))
WRAP(int, PQsendQueryParams, 0,
     (PGconn * c, const char *q, int n, const Oid *types, const char *const *values, const int *len,
      const int *formats, int format),
     (c, q, n, types, values, len, formats, format))
WRAP(int, PQsendPrepare, 0, (PGconn * c, const char *name, const char *q, int n, const Oid *types),
     (c, name, q, n, types))
WRAP(int, PQsendQueryPrepared, 0,
     (PGconn * c, const char *name, int n, const char *const *values, const int *len,
      const int *formats, int format),
     (c, name, n, values, len, formats, format))
WRAP(int, PQpipelineSync, 0, (PGconn * c), (c))
WRAP(int, PQenterPipelineMode, 0, (PGconn * c), (c))
WRAP(int, PQconsumeInput, 0, (PGconn * c), (c))
WRAP(int, PQflush, -1, (PGconn * c), (c))
WRAP(int, PQsetnonblocking, -1, (PGconn * c, int on), (c, on))
WRAP(PGresult *, PQgetResult, NULL, (PGconn * c), (c))
WRAP(PGconn *, PQconnectdbParams, NULL,
     (const char *const *keys, const char *const *values, int expand), (keys, values, expand))
WRAP(PGconn *, PQconnectStartParams, NULL,
     (const char *const *keys, const char *const *values, int expand), (keys, values, expand))
WRAP(PostgresPollingStatusType, PQconnectPoll, PGRES_POLLING_FAILED, (PGconn * c), (c))
WRAP(ConnStatusType, PQstatus, CONNECTION_BAD, (const PGconn *c), (c))
/* clang-format on */

static int64_t count(struct fx *fx, const char *what)
{
    return fx_number(fx->plain, what);
}

#define OTHERS                                                          \
    " FROM pg_stat_activity WHERE backend_type = 'client backend' AND " \
    "pid <> pg_backend_pid()"

/*
 * Whether it happened, by the database: 0 or 1 each time. What a broken connection has sent may
 * still be under way, or not even be read by a backend that looks idle. So whoever lost the
 * connection has made a new one, and there are as many backends as before: the old one has ended.
 */
static bool happened(struct fx *fx, int64_t n_others, const char *what, const char *audit,
                     int64_t *were, int64_t *audited)
{
    char sql[300];
    (void)snprintf(sql, sizeof sql,
                   "SELECT (count(*) = %lld AND bool_and(state = 'idle'))::int" OTHERS,
                   (long long)n_others);
    fx_await(fx->plain, sql);
    int64_t now = count(fx, what), rows = count(fx, audit);
    bool did = now == *were + 1;
    assert_true(did || now == *were);
    assert_int_equal(rows - *audited, did); /* its audit row with it, or neither */
    *were = now;
    *audited = rows;
    return did;
}

/* A reason of the database's or of this process's; none that blames the rows. */
static void assert_no_blame(enum jt_err err)
{
    assert_true(err == JT_OK || err == JT_ERR_IN_DOUBT || jt_err_class(err) == JT_CLASS_REPEAT ||
                jt_err_class(err) == JT_CLASS_REFRESH);
}

/* An act says whether it was done, or that this is not known. */
static void judge(int n, enum jt_err err, bool did)
{
    if (err != JT_ERR_IN_DOUBT && did != (err == JT_OK)) {
        fail_msg("call %d, %s, failed: %s, and it was %sdone", n, atomic_load(&failed),
                 jt_err_str(err), did ? "" : "not ");
    }
    assert_no_blame(err);
}

static void an_act(void **state)
{
    static const char made[] = "SELECT count(*) FROM generation";
    static const char audit[] = "SELECT count(*) FROM audit";
    struct fx *fx = *state;
    int64_t were = count(fx, made), audited = count(fx, audit);
    int n_doubts = 0;
    assert_int_equal(jt_db_ensure(fx->db), JT_OK);
    int64_t n_others = count(fx, "SELECT count(*)" OTHERS);
    for (int n = 0; n < MANY; n++) {
        const struct jt_generation_row row = { .number = (uint64_t)n + 1,
                                               .key_id = (uint8_t)(n % 250 + 1),
                                               .state = JT_GENERATION_FUTURE,
                                               .mac_epoch = 1 };
        char at[JT_TIME_LEN];
        arm(n);
        enum jt_err err = fx_insert_generation(fx->db, &row, &fx_act, at);
        disarm();
        assert_int_equal(jt_db_ensure(fx->db), JT_OK);
        bool did = happened(fx, n_others, made, audit, &were, &audited);
        if (atomic_load(&failed) == NULL) {
            assert_int_equal(err, JT_OK);
            assert_true(did && n > 5);
            print_message("an act: %d calls, %d in doubt\n", n, n_doubts);
            return;
        }
        judge(n, err, did);
        n_doubts += err == JT_ERR_IN_DOUBT;
    }
    fail_msg("no end");
}

/*
 * A batch of cards says that it was stored, or that nobody knows; who sends it again gets the one
 * row that there is.
 */
static void cards(void **state)
{
    static const char stored[] = "SELECT count(*) FROM card";
    static const char audit[] = "SELECT count(*) FROM audit WHERE action = 1";
    static struct fx_result result; /* large */
    struct fx *fx = *state;
    fx_create_generation(fx, 1);
    fx_activate(fx, 1);
    struct fx_lane *lane = fx_lane_new(fx_conninfo(), &fx->node, 10000);
    fx_lane_may_refuse(lane);
    fx_lane_wait_up(lane);
    int64_t were = 0, audited = 0, n_others = count(fx, "SELECT count(*)" OTHERS);
    for (int n = 0; n < MANY; n++) {
        struct fx_card card = fx_card(1, (uint64_t)n, 1);
        fx_lane_wait_ready(lane);
        arm(n);
        fx_tokenize(lane, fx->epoch, 1, NULL, 0, &card, 1, &result);
        disarm();
        enum jt_err err = result.err;
        const char *name = atomic_load(&failed);
        fx_lane_wait_ready(lane);
        bool did = happened(fx, n_others, stored, audit, &were, &audited);
        assert_true(did || err != JT_OK);
        assert_no_blame(err);
        if (name == NULL) {
            assert_int_equal(err, JT_OK);
            assert_true(did && n > 5);
            print_message("cards: %d calls\n", n);
            fx_lane_free(lane);
            return;
        }
        uint64_t first = card.id;
        card = fx_card(1, (uint64_t)n, 1);
        fx_lane_wait_ready(lane);
        fx_tokenize(lane, fx->epoch, 1, NULL, 0, &card, 1, &result);
        assert_int_equal(result.err, JT_OK);
        assert_true(result.ids[0] == (did ? first : card.id));
        were += !did;
        audited++;
        assert_int_equal(count(fx, stored), were);
        assert_int_equal(count(fx, audit), audited);
        assert_int_equal(count(fx, "SELECT sum(written) FROM tally"), were);
    }
    fail_msg("no end");
}

int main(void)
{
    (void)fx_conninfo();
    const struct CMUnitTest tests[] = {
        fx_vault_test(an_act),
        fx_vault_test(cards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

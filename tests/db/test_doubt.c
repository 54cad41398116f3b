/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection breaks at COMMIT: what became of the act is asked of the server and answered, and
 * only where that cannot be had does anybody hear that it is unknown. A proxy stands between and
 * breaks off where it is told to.
 */
#include "tests/db/fixture.h"
#include "tests/db/proxy.h"

#include "base/clock.h"
#include "base/container.h"
#include "store/db.h"

#include <poll.h>
#include <stdatomic.h>
#include <string.h>

enum cut {
    CUT_NOT,
    CUT_BEFORE,   /* the COMMIT does not arrive */
    CUT_AFTER,    /* it arrives; its answer does not */
    CUT_AT_ONCE,  /* it arrives; the server is still at it when the connection breaks */
    CUT_FOR_GOOD, /* the same as CUT_AFTER, and nobody connects again */
};

struct cutting {
    struct fx_proxy proxy;
    _Atomic int cut;
};

static bool pass(struct fx_proxy *proxy, int to, unsigned char *bytes, size_t n, bool to_server)
{
    struct cutting *cutting = jt_container_of(proxy, struct cutting, proxy);
    int cut = atomic_load(&cutting->cut);
    if (!to_server || cut == CUT_NOT || memmem(bytes, n, "COMMIT", 7) == NULL) {
        return fx_proxy_send(to, bytes, n);
    }
    atomic_store(&cutting->cut, CUT_NOT);
    if (cut == CUT_FOR_GOOD) {
        fx_proxy_close(proxy);
    }
    if (cut != CUT_BEFORE) {
        (void)fx_proxy_send(to, bytes, n);
    }
    if (cut != CUT_BEFORE && cut != CUT_AT_ONCE) {
        /* The server's word, which nobody hears. */
        struct pollfd word = { .fd = to, .events = POLLIN };
        (void)poll(&word, 1, -1);
    }
    return false;
}

static struct jt_db *cutting_start(struct cutting *cutting, PGconn *plain)
{
    struct jt_db *db;
    *cutting = (struct cutting){ .proxy = { .pass = pass } };
    fx_proxy_start(&cutting->proxy, plain);
    assert_int_equal(jt_db_new(cutting->proxy.conninfo, "jetond worker", 2000, &db), JT_OK);
    fx_chain(db);
    return db;
}

static void cutting_stop(struct cutting *cutting, struct jt_db *db)
{
    jt_db_free(db);
    fx_proxy_stop(&cutting->proxy);
}

static enum jt_err create(struct jt_db *db, uint64_t number)
{
    const struct jt_generation_row row = {
        .number = number, .key_id = (uint8_t)number, .state = JT_GENERATION_FUTURE, .mac_epoch = 1
    };
    char at[JT_TIME_LEN];
    return fx_insert_generation(db, &row, &fx_act, at);
}

static int64_t n_generations(struct fx *fx)
{
    return fx_number(fx->plain, "SELECT count(*) FROM generation");
}

static void an_act_whose_answer_was_lost_is_success(void **state)
{
    struct fx *fx = *state;
    struct cutting cutting;
    struct jt_db *db = cutting_start(&cutting, fx->plain);
    assert_int_equal(create(db, 1), JT_OK);
    atomic_store(&cutting.cut, CUT_AFTER);
    assert_int_equal(create(db, 2), JT_OK);
    assert_int_equal(n_generations(fx), 2);
    assert_int_equal(create(db, 3), JT_OK);
    cutting_stop(&cutting, db);
}

static void an_act_that_never_arrived_is_known_not_to_have_happened(void **state)
{
    struct fx *fx = *state;
    struct cutting cutting;
    struct jt_db *db = cutting_start(&cutting, fx->plain);
    atomic_store(&cutting.cut, CUT_BEFORE);
    assert_int_equal(create(db, 1), JT_ERR_DB_PASSING);
    assert_int_equal(n_generations(fx), 0);
    assert_int_equal(create(db, 1), JT_OK);
    cutting_stop(&cutting, db);
}

static void an_act_that_is_still_under_way_is_waited_for(void **state)
{
    struct fx *fx = *state;
    struct cutting cutting;
    struct jt_db *db = cutting_start(&cutting, fx->plain);
    fx_exec(fx->plain, "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                       "PERFORM pg_sleep(0.4); "
                       "RETURN NULL; END $$; CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON "
                       "generation "
                       "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()");
    atomic_store(&cutting.cut, CUT_AT_ONCE);
    assert_int_equal(create(db, 1), JT_OK);
    assert_int_equal(n_generations(fx), 1);
    cutting_stop(&cutting, db);
}

static void only_where_nobody_can_be_asked_is_it_unknown(void **state)
{
    struct fx *fx = *state;
    struct cutting cutting;
    struct jt_db *db = cutting_start(&cutting, fx->plain);
    atomic_store(&cutting.cut, CUT_FOR_GOOD);
    int64_t started_ms = jt_clock_ms();
    assert_int_equal(create(db, 1), JT_ERR_IN_DOUBT);
    assert_in_range(jt_clock_ms() - started_ms, 3000, 15000);
    assert_int_equal(n_generations(fx), 1); /* it was done */
    cutting_stop(&cutting, db);
}

/* A transaction that wrote nothing leaves no doubt. */
static void a_look_is_never_in_doubt(void **state)
{
    struct fx *fx = *state;
    struct cutting cutting;
    struct jt_db *db = cutting_start(&cutting, fx->plain);
    bool unused;
    atomic_store(&cutting.cut, CUT_AFTER);
    assert_int_equal(jt_generation_is_unused(db, 9, &unused), JT_ERR_DB_AWAY);
    cutting_stop(&cutting, db);
}

int main(void)
{
    (void)fx_conninfo();
    const struct CMUnitTest tests[] = {
        fx_vault_test(an_act_whose_answer_was_lost_is_success),
        fx_vault_test(an_act_that_never_arrived_is_known_not_to_have_happened),
        fx_vault_test(an_act_that_is_still_under_way_is_waited_for),
        fx_vault_test(only_where_nobody_can_be_asked_is_it_unknown),
        fx_vault_test(a_look_is_never_in_doubt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

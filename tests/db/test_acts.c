/* SPDX-License-Identifier: Apache-2.0 */
/* Administrative acts and their audit rows: never the one without the other. */
#include "tests/db/fixture.h"

#include "store/clients.h"
#include "store/fields.h"
#include "store/retirements.h"
#include "store/ring.h"
#include "model/certificate.h"

#include <stdio.h>

static const struct jt_act alice = { .node = "node-7", .actor = "alice" };

static enum jt_err add_client(struct fx *fx)
{
    const struct jt_client_change change = {
        .row = { .spec = { .id = "app-1", .permissions = JT_MAY_TOKENIZE },
                 .state = JT_ROW_ACTIVE,
                 .revision = 2 },
        .set = { .kind = JT_SET_CLIENTS, .version = 2, .n = 2 },
    };
    return jt_client_insert(fx->db, &change, &alice, change.row.spec.id);
}

static enum jt_err revoke_client(struct fx *fx)
{
    const struct jt_client_change change = {
        .row = { .spec = { .id = "app-1", .permissions = JT_MAY_TOKENIZE },
                 .state = JT_ROW_REVOKED,
                 .revision = 3 },
        .set = { .kind = JT_SET_CLIENTS, .version = 3, .n = 2 },
    };
    return jt_client_update(fx->db, &change, &alice, JT_AUDIT_CLIENT_REVOKE, "app-1");
}

static enum jt_err add_field(struct fx *fx)
{
    const struct jt_field_change change = {
        .row = { .spec = { .id = 9, .name = "cards.pan", .kind = JT_FIELD_PAN },
                 .state = JT_ROW_ACTIVE,
                 .revision = 1 },
        .set = { .kind = JT_SET_FIELDS, .version = 1, .n = 1 },
    };
    return jt_field_insert(fx->db, &change, &alice);
}

static enum jt_err create_generation(struct fx *fx)
{
    const struct jt_generation_row row = {
        .number = 5, .key_id = 5, .state = JT_GENERATION_FUTURE, .mac_epoch = 1
    };
    char at[JT_TIME_LEN];
    return fx_insert_generation(fx->db, &row, &alice, at);
}

static enum jt_err abandon_generation(struct fx *fx)
{
    const struct jt_generation_row row = {
        .number = 5, .key_id = 5, .state = JT_GENERATION_FUTURE, .mac_epoch = 1
    };
    char at[JT_TIME_LEN];
    return jt_generation_abandon(fx->db, &row, &alice, at);
}

static enum jt_err activate(struct fx *fx)
{
    bool busy;
    return fx_try_activate(fx, fx->db, 3, 2, &busy);
}

static enum jt_err open_retirement(struct fx *fx)
{
    return jt_retirement_open(fx->db, 1, &alice);
}

static enum jt_err retire(struct fx *fx)
{
    bool busy;
    struct jt_retirement_facts facts = { .node = "node-1" };
    return fx_try_retire(fx, 1, &facts, &busy);
}

/*
 * In the order in which they can be done on a vault whose generation 1 drains, 2 is active and 3
 * waits.
 */
static const struct {
    enum jt_err (*run)(struct fx *fx);
    enum jt_err again;   /* what doing it a second time comes to */
    const char *audited; /* the row it leaves */
} acts[] = {
    { add_client, JT_ERR_SET_OLD,
      "action = 4 AND client = 'alice' AND object = 'app-1' AND field = 0" },
    { revoke_client, JT_ERR_SET_OLD,
      "action = 20 AND client = 'alice' AND object = 'app-1' AND field = 0" },
    { add_field, JT_ERR_SET_OLD,
      "action = 3 AND client = 'alice' AND object = 'cards.pan' AND "
      "field = 9" },
    { create_generation, JT_ERR_KEY_ID_TAKEN,
      "action = 5 AND client = 'alice' AND object = '5' AND field = 0" },
    { abandon_generation, JT_ERR_WRONG_STATE,
      "action = 10 AND client = 'alice' AND object = '5' AND field = 0" },
    { open_retirement, JT_OK, "action = 7 AND client = 'alice' AND object = '1' AND field = 0" },
    { retire, JT_ERR_WRONG_STATE,
      "action = 8 AND client = 'tester' AND object = '1' AND field = 0" },
    { activate, JT_ERR_WRONG_STATE,
      "action = 6 AND client = 'tester' AND object = '3' AND field = 0" },
};
#define N_ACTS (sizeof acts / sizeof acts[0])

static void stand_up(struct fx *fx)
{
    for (uint64_t number = 1; number <= 3; number++) {
        fx_create_generation(fx, number);
    }
    fx_activate(fx, 1);
    fx_activate(fx, 2);
}

/* A number that any change of any row changes. */
static int64_t all_rows(struct fx *fx)
{
    return fx_number(
        fx->plain,
        "SELECT hashtext(string_agg(t, '|' ORDER BY t)) FROM ("
        "SELECT c::text AS t FROM client c UNION ALL SELECT s::text FROM row_set s UNION ALL "
        "SELECT f::text FROM field f UNION ALL "
        "SELECT g::text FROM generation g UNION ALL SELECT r::text FROM ring r UNION ALL "
        "SELECT j::text FROM retirement j UNION ALL SELECT a::text FROM audit a) AS everything");
}

static void each_act_leaves_one_audit_row(void **state)
{
    struct fx *fx = *state;
    stand_up(fx);
    for (size_t i = 0; i < N_ACTS; i++) {
        int64_t before = fx_number(fx->plain, "SELECT count(*) FROM audit");
        assert_int_equal(acts[i].run(fx), JT_OK);
        assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM audit"), before + 1);
        char sql[300];
        (void)snprintf(sql, sizeof sql,
                       "SELECT count(*) FROM audit WHERE %s AND n_items = 1 AND n_done = 1 AND "
                       "ids = ''",
                       acts[i].audited);
        assert_int_equal(fx_number(fx->plain, sql), 1);
    }
}

static void an_act_that_is_refused_leaves_no_audit_row(void **state)
{
    struct fx *fx = *state;
    stand_up(fx);
    for (size_t i = 0; i < N_ACTS; i++) {
        assert_int_equal(acts[i].run(fx), JT_OK);
        int64_t before = all_rows(fx);
        assert_int_equal(acts[i].run(fx), acts[i].again);
        assert_int_equal(all_rows(fx), before);
    }
}

/* Each way in which the server may refuse the audit row, or drop it without a word. */
static void an_act_whose_audit_row_fails_leaves_nothing(void **state)
{
    static const char *const refusals[][2] = {
        { "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'full'; END "
          "$$; "
          "CREATE TRIGGER refuse BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION refuse()",
          "DROP FUNCTION refuse CASCADE" },
        { "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END "
          "$$; "
          "CREATE TRIGGER refuse BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION refuse()",
          "DROP FUNCTION refuse CASCADE" },
        { "ALTER TABLE audit ADD CONSTRAINT refuse CHECK (false) NOT VALID",
          "ALTER TABLE audit DROP CONSTRAINT refuse" },
        { "REVOKE INSERT ON audit FROM current_user", "GRANT INSERT ON audit TO current_user" },
        { "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'late'; END "
          "$$; "
          "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON audit DEFERRABLE INITIALLY DEFERRED "
          "FOR EACH ROW EXECUTE "
          "FUNCTION refuse()",
          "DROP FUNCTION refuse CASCADE" },
    };
    struct fx *fx = *state;
    stand_up(fx);
    for (size_t i = 0; i < N_ACTS; i++) {
        int64_t before = all_rows(fx);
        for (size_t r = 0; r < sizeof refusals / sizeof refusals[0]; r++) {
            fx_exec(fx->plain, refusals[r][0]);
            enum jt_err err = acts[i].run(fx);
            assert_true(err == JT_ERR_DB_FAULT || err == JT_ERR_DB_UNTRUE);
            assert_int_equal(all_rows(fx), before);
            fx_exec(fx->plain, refusals[r][1]);
        }
        assert_int_equal(acts[i].run(fx), JT_OK);
        assert_true(all_rows(fx) != before);
    }
}

static void a_retirement_that_is_open_already_is_not_told_twice(void **state)
{
    struct fx *fx = *state;
    stand_up(fx);
    const struct jt_act bob = { .node = "node-8", .actor = "bob" };
    assert_int_equal(jt_retirement_open(fx->db, 1, &alice), JT_OK);
    assert_int_equal(jt_retirement_open(fx->db, 1, &bob), JT_OK);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM audit WHERE action = 7"), 1);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM audit WHERE client = 'bob'"), 0);
}

static void the_first_operator_is_told_with_the_first_ring(void **state)
{
    struct fx *fx = *state;
    assert_int_equal(
        fx_number(fx->plain, "SELECT count(*) FROM audit WHERE action = 4 AND client = 'init' AND "
                             "object = 'first'"),
        1);
    fx_exec(fx->plain,
            "DELETE FROM ring; DELETE FROM client; DELETE FROM row_set; DELETE FROM audit; "
            "REVOKE INSERT ON audit FROM current_user");
    const struct jt_ring_row ring = { .epoch = 1, .body_len = 20 };
    const struct jt_client_change first = {
        .row = { .spec = { .id = "first", .permissions = JT_MAY_ALL }, .state = 1, .revision = 1 },
        .set = { .kind = JT_SET_CLIENTS, .version = 1, .n = 1 }
    };
    assert_int_equal(jt_ring_first(fx->db, &ring, &first), JT_ERR_DB_FAULT);
    assert_int_equal(
        fx_number(fx->plain, "SELECT (SELECT count(*) FROM ring) + (SELECT count(*) FROM client)"),
        0);
}

int main(void)
{
    (void)fx_conninfo();
    const struct CMUnitTest tests[] = {
        fx_vault_test(each_act_leaves_one_audit_row),
        fx_vault_test(an_act_that_is_refused_leaves_no_audit_row),
        fx_vault_test(an_act_whose_audit_row_fails_leaves_nothing),
        fx_vault_test(a_retirement_that_is_open_already_is_not_told_twice),
        fx_vault_test(the_first_operator_is_told_with_the_first_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

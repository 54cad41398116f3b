/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shape of the tables: what the migrations make passes, under every owner that the manual
 * allows; each thing that a stranger can do to a table is told by its name.
 */
#include "tests/db/fixture.h"

#include "store/migrate.h"
#include "store/rehearsal.h"
#include "store/shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct jt_shape shape;
static char message[JT_SHAPE_MESSAGE];

static PGconn *admin(void)
{
    PGconn *conn = PQconnectdb(getenv("JETON_TEST_ADMIN"));
    assert_int_equal(PQstatus(conn), CONNECTION_OK);
    fx_exec(conn, "SET search_path = jeton");
    return conn;
}

static void what_the_migrations_made_is_in_shape(void **state)
{
    struct fx *fx = *state;
    int64_t before = fx_number(fx->plain, "SELECT count(*) FROM pg_class");
    assert_int_equal(jt_shape_learn(fx->db, &shape), JT_OK);
    assert_int_equal(jt_shape_check(fx->db, &shape, message), JT_OK);
    assert_string_equal(message, "");
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM "
                                          "pg_class"),
                     before); /* the model left nothing behind */
    /* Every table of the schema is in it but the record of the migrations. */
    PGresult *res = PQexec(fx->plain, "SELECT relname FROM pg_class WHERE relnamespace = "
                                      "'jeton'::regnamespace AND "
                                      "relkind = 'r' AND NOT relispartition AND relname <> "
                                      "'schema_migration'");
    assert_true(PQntuples(res) >= 10);
    for (int i = 0; i < PQntuples(res); i++) {
        char line[100];
        const char *name = PQgetvalue(res, i, 0);
        bool passing = strcmp(name, "adoption") == 0 || strcmp(name, "parcel") == 0;
        (void)snprintf(line, sizeof line, "table %s: r %s heap f f f", name, passing ? "u" : "p");
        if (strstr(shape.text, line) == NULL) {
            fail_msg("no \"%s\"", line);
        }
    }
    PQclear(res);
    jt_shape_clear(&shape);
}

/* Of the audit's; its name tells a month. */
#define OF_A_PARTITION(how)                                   \
    "DO $$ BEGIN EXECUTE (SELECT format('ALTER TABLE %s " how \
    "', max(h.inhrelid::regclass::text)) "                    \
    "FROM pg_inherits h WHERE h.inhparent = 'audit'::regclass); END $$"

/* Each with a word that the message must hold. */
static const struct {
    const char *spoil, *undo, *says;
} spoilings[] = {
    { "ALTER TABLE card SET UNLOGGED", "ALTER TABLE card SET LOGGED", "table card" },
    { OF_A_PARTITION("SET UNLOGGED"), OF_A_PARTITION("SET LOGGED"), "partitions audit: r u f" },
    { OF_A_PARTITION("ENABLE ROW LEVEL SECURITY"), OF_A_PARTITION("DISABLE ROW LEVEL SECURITY"),
      "partitions audit: r p t" },
    { "ALTER TABLE tally ENABLE ROW LEVEL SECURITY",
      "ALTER TABLE tally DISABLE ROW LEVEL "
      "SECURITY",
      "table tally" },
    { "CREATE FUNCTION public.stranger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; "
      "END $$; "
      "CREATE TRIGGER stranger AFTER INSERT ON ring FOR EACH ROW EXECUTE FUNCTION "
      "public.stranger()",
      "DROP FUNCTION public.stranger CASCADE", "trigger ring: stranger" },
    { "CREATE RULE stranger AS ON DELETE TO node DO ALSO NOTHING",
      "DROP RULE stranger ON "
      "node",
      "rule node: stranger" },
    { "CREATE POLICY stranger ON client", "DROP POLICY stranger ON client",
      "policy client: "
      "stranger" },
    { "DROP INDEX card_fingerprint; CREATE INDEX card_fingerprint ON card (key_id, bucket, field, "
      "fp)",
      "DROP INDEX card_fingerprint; CREATE UNIQUE INDEX card_fingerprint ON card (key_id, bucket, "
      "field, fp)",
      "missing: index card: CREATE UNIQUE INDEX card_fingerprint" },
    { "CREATE UNIQUE INDEX stranger ON card (field)", "DROP INDEX stranger",
      "not of the schema: "
      "index card" },
    { "CREATE INDEX stranger ON card (abs(field))", "DROP INDEX stranger",
      "not of the schema: "
      "index card" },
    { "ALTER TABLE generation ALTER mac DROP NOT NULL",
      "ALTER TABLE generation ALTER mac SET NOT "
      "NULL",
      "column generation: mac bytea" },
    { "ALTER TABLE key_ack ALTER node SET DEFAULT 'x'",
      "ALTER TABLE key_ack ALTER node DROP "
      "DEFAULT",
      "column key_ack: node" },
    { "ALTER TABLE field ADD COLUMN stranger text",
      "ALTER TABLE field DROP COLUMN "
      "stranger",
      "column field: stranger" },
    { "ALTER TABLE audit ADD CONSTRAINT stranger CHECK (n_items < 9) NOT VALID",
      "ALTER TABLE audit DROP CONSTRAINT stranger", "constraint audit: CHECK (n_items < 9)" },
    { "CREATE TABLE stranger () INHERITS (card)", "DROP TABLE stranger",
      "parent of card: "
      "stranger" },
    { "CREATE FUNCTION count(int2, int2) RETURNS int8 LANGUAGE sql AS 'SELECT 1::int8'",
      "DROP FUNCTION count(int2, int2)", "function count" },
    { "ALTER TABLE ring RENAME TO kept; CREATE VIEW ring AS SELECT * FROM kept",
      "DROP VIEW ring; ALTER TABLE kept RENAME TO ring", "table ring: v" },
    { "ALTER TABLE retirement RENAME TO kept",
      "ALTER TABLE kept RENAME TO "
      "retirement",
      "missing: table retirement" },
    { "REVOKE INSERT ON audit FROM current_user", "GRANT INSERT ON audit TO current_user",
      "no right to INSERT on table audit" },
    { "REVOKE UPDATE ON card FROM current_user", "GRANT UPDATE ON card TO current_user",
      "no right to UPDATE on table card" },
};

static void each_thing_that_a_stranger_does_is_told(void **state)
{
    struct fx *fx = *state;
    assert_int_equal(jt_shape_learn(fx->db, &shape), JT_OK);
    for (size_t i = 0; i < sizeof spoilings / sizeof spoilings[0]; i++) {
        fx_exec(fx->plain, spoilings[i].spoil);
        enum jt_err err = jt_shape_check(fx->db, &shape, message);
        if (err != JT_ERR_OUT_OF_SHAPE || strstr(message, spoilings[i].says) == NULL) {
            fail_msg("%s: %s: %s", spoilings[i].spoil, jt_err_str(err), message);
        }
        fx_exec(fx->plain, spoilings[i].undo);
        err = jt_shape_check(fx->db, &shape, message);
        if (err != JT_OK) {
            fail_msg("%s: %s: %s", spoilings[i].undo, jt_err_str(err), message);
        }
    }
    jt_shape_clear(&shape);
}

/*
 * docs/operating.md: the audit may have another owner; indexes for reports, storage parameters are
 * the operator's.
 */
static void what_operators_may_choose_is_no_difference(void **state)
{
    struct fx *fx = *state;
    PGconn *dba = admin();
    assert_int_equal(jt_shape_learn(fx->db, &shape), JT_OK);
    fx_exec(dba, "ALTER TABLE audit OWNER TO dba; REVOKE ALL ON audit FROM jeton; "
                 "GRANT SELECT, INSERT ON audit TO jeton; CREATE INDEX report ON audit (client); "
                 "ALTER TABLE card SET (autovacuum_vacuum_cost_delay = 5); CREATE TABLE notes (id "
                 "int8); "
                 "ALTER TABLE card ALTER COLUMN envelope SET STATISTICS 10");
    assert_int_equal(jt_shape_check(fx->db, &shape, message), JT_OK);
    fx_exec(dba, "ALTER TABLE audit OWNER TO jeton");
    PQfinish(dba);
    jt_shape_clear(&shape);
}

/* A stranger's type or function of the same name as one of PostgreSQL's is not taken for it. */
static void a_type_that_only_sounds_right_is_told(void **state)
{
    struct fx *fx = *state;
    assert_int_equal(jt_shape_learn(fx->db, &shape), JT_OK);
    fx_exec(fx->plain, "CREATE DOMAIN jeton.uuid AS pg_catalog.uuid; ALTER TABLE card ALTER fp "
                       "TYPE jeton.uuid");
    assert_int_equal(jt_shape_check(fx->db, &shape, message), JT_ERR_OUT_OF_SHAPE);
    assert_non_null(strstr(message, "column card: fp"));
    jt_shape_clear(&shape);
}

static void without_the_right_to_make_temporary_tables_the_reason_is_told(void **state)
{
    struct fx *fx = *state;
    PGconn *dba = admin();
    fx_exec(dba, "REVOKE TEMPORARY ON DATABASE jeton FROM public; REVOKE TEMPORARY ON DATABASE "
                 "jeton FROM jeton");
    assert_int_equal(jt_shape_learn(fx->db, &shape), JT_ERR_DB_FAULT);
    assert_non_null(strstr(jt_db_fault(fx->db)->cause, "temporary"));
    fx_exec(dba, "GRANT TEMPORARY ON DATABASE jeton TO public; GRANT TEMPORARY ON DATABASE jeton "
                 "TO jeton");
    PQfinish(dba);
}

/* --- rehearsals --- */

static enum jt_err rehearse(struct fx *fx, uint64_t generation)
{
    const struct jt_keyref active = generation == 0 ? (struct jt_keyref){ 0 } : fx_key(generation);
    return jt_rehearse(fx->db, &fx->node, fx->epoch, &active);
}

static void a_rehearsal_leaves_nothing_and_tells_what_a_request_would_meet(void **state)
{
    struct fx *fx = *state;
    assert_int_equal(rehearse(fx, 0), JT_OK);
    fx_create_generation(fx, 1);
    fx_activate(fx, 1);
    assert_int_equal(rehearse(fx, 1), JT_OK);
    static const struct {
        enum jt_err err;
        const char *spoil, *undo;
    } refusals[] = {
        { JT_ERR_DB_UNTRUE,
          "CREATE FUNCTION stranger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; "
          "END $$; "
          "CREATE TRIGGER stranger BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION stranger()",
          "DROP FUNCTION stranger CASCADE" },
        { JT_ERR_DB_UNTRUE,
          "CREATE FUNCTION stranger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; "
          "END $$; "
          "CREATE TRIGGER stranger BEFORE INSERT ON card FOR EACH ROW EXECUTE FUNCTION stranger()",
          "DROP FUNCTION stranger CASCADE" },
        { JT_ERR_DB_FAULT, "REVOKE INSERT ON audit FROM current_user",
          "GRANT INSERT ON audit TO current_user" },
    };
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        fx_exec(fx->plain, refusals[i].spoil);
        assert_int_equal(rehearse(fx, 1), refusals[i].err);
        assert_string_not_equal(jt_db_fault(fx->db)->cause, "");
        fx_exec(fx->plain, refusals[i].undo);
        assert_int_equal(rehearse(fx, 1), JT_OK);
    }
    fx->epoch++;
    assert_int_equal(rehearse(fx, 1), JT_ERR_RING_MOVED);
    fx->epoch--;
    fx_exec(fx->plain, "UPDATE generation SET state = 3 WHERE number = 1");
    assert_int_equal(rehearse(fx, 1), JT_ERR_RING_CONTRADICTED);
    assert_int_equal(fx_number(fx->plain, "SELECT (SELECT count(*) FROM card) + (SELECT count(*) "
                                          "FROM tally) + "
                                          "(SELECT count(*) FROM audit WHERE client = "
                                          "'rehearsal')"),
                     0);
}

int main(void)
{
    (void)fx_conninfo();
    const struct CMUnitTest tests[] = {
        fx_vault_test(what_the_migrations_made_is_in_shape),
        fx_vault_test(each_thing_that_a_stranger_does_is_told),
        fx_vault_test(what_operators_may_choose_is_no_difference),
        fx_vault_test(a_type_that_only_sounds_right_is_told),
        fx_vault_test(without_the_right_to_make_temporary_tables_the_reason_is_told),
        fx_vault_test(a_rehearsal_leaves_nothing_and_tells_what_a_request_would_meet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

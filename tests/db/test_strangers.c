/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables under somebody else's hand: triggers that swallow or change what is written, rules, row
 * security, rights that were taken away. Whatever the server answers, a write that did not happen
 * as it was sent is no success, and nothing of its transaction stands.
 */
#include "tests/db/fixture.h"

#include <stdio.h>
#include <string.h>

static struct fx_result result;

/* One way to spoil a table, and how it is undone. Several statements may stand in each. */
struct spoiling {
    const char *what, *spoil, *undo;
};

#define TRIGGER(events, table, body)                                                            \
    "CREATE FUNCTION stranger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN " body " END $$; " \
    "CREATE TRIGGER stranger BEFORE " events " ON " table " FOR EACH ROW "                      \
    "EXECUTE FUNCTION stranger()"
#define NO_TRIGGER "DROP FUNCTION stranger CASCADE"
#define POLICY(table, checks)                                                                 \
    "ALTER TABLE " table " ENABLE ROW LEVEL SECURITY; ALTER TABLE " table " FORCE ROW LEVEL " \
    "SECURITY; "                                                                              \
    "CREATE POLICY stranger ON " table " " checks
#define NO_POLICY(table)                                                                     \
    "DROP POLICY stranger ON " table "; ALTER TABLE " table " NO FORCE ROW LEVEL SECURITY; " \
    "ALTER TABLE " table " DISABLE ROW LEVEL SECURITY"

#define AUDIT_SPOILINGS                                                                     \
    { "audit rows are swallowed", TRIGGER("INSERT", "audit", "RETURN NULL;"), NO_TRIGGER }, \
        { "the client in the audit is changed",                                             \
          TRIGGER("INSERT", "audit",                                                        \
                  "NEW.client = 'nobody'; "                                                 \
                  "RETURN NEW;"),                                                           \
          NO_TRIGGER },                                                                     \
        { "the count in the audit is changed",                                              \
          TRIGGER("INSERT", "audit",                                                        \
                  "NEW.n_done = 0; RETURN "                                                 \
                  "NEW;"),                                                                  \
          NO_TRIGGER },                                                                     \
        { "the ids in the audit are changed",                                               \
          TRIGGER("INSERT", "audit",                                                        \
                  "NEW.ids = '\\xff'; RETURN "                                              \
                  "NEW;"),                                                                  \
          NO_TRIGGER },                                                                     \
        { "the start in the audit is changed",                                              \
          TRIGGER("INSERT", "audit",                                                        \
                  "NEW.start = 7; RETURN "                                                  \
                  "NEW;"),                                                                  \
          NO_TRIGGER },                                                                     \
        { "the time in the audit is changed",                                               \
          TRIGGER("INSERT", "audit",                                                        \
                  "NEW.at = '2001-01-01'; "                                                 \
                  "RETURN NEW;"),                                                           \
          NO_TRIGGER },                                                                     \
        { "audit rows are refused",                                                         \
          TRIGGER("INSERT", "audit",                                                        \
                  "RAISE 'full'; RETURN "                                                   \
                  "NEW;"),                                                                  \
          NO_TRIGGER },                                                                     \
        { "a rule stands in for the audit",                                                 \
          "CREATE RULE stranger AS ON INSERT TO audit DO INSTEAD "                          \
          "NOTHING",                                                                        \
          "DROP RULE stranger ON audit" },                                                  \
        { "a policy hides audit rows",                                                      \
          POLICY("audit", "FOR ALL USING (false) WITH CHECK "                               \
                          "(true)"),                                                        \
          NO_POLICY("audit") },                                                             \
        { "a policy refuses audit rows",                                                    \
          POLICY("audit", "FOR ALL USING (true) WITH CHECK (false)"), NO_POLICY("audit") }, \
    {                                                                                       \
        "the right to audit is gone", "REVOKE INSERT ON audit FROM current_user",           \
            "GRANT INSERT ON audit TO current_user"                                         \
    }

#define TALLY_SPOILINGS(write)                                                                     \
    { "tallies are swallowed", TRIGGER("INSERT OR UPDATE", "tally", "RETURN NULL;"), NO_TRIGGER }, \
        { "tallies are changed",                                                                   \
          TRIGGER("INSERT OR UPDATE", "tally",                                                     \
                  "NEW.written = 0; NEW.moved_in = 0; NEW.moved_out = "                            \
                  "0; RETURN NEW;"),                                                               \
          NO_TRIGGER },                                                                            \
        { "tallies go to another writer",                                                          \
          TRIGGER("INSERT", "tally",                                                               \
                  "NEW.writer = 999; RETURN "                                                      \
                  "NEW;"),                                                                         \
          NO_TRIGGER },                                                                            \
    {                                                                                              \
        "the right to tally is gone", "REVOKE " write " ON tally FROM current_user",               \
            "GRANT " write " ON tally TO current_user"                                             \
    }

static const struct spoiling of_tokenize[] = {
    AUDIT_SPOILINGS,
    { "cards are swallowed", TRIGGER("INSERT", "card", "RETURN NULL;"), NO_TRIGGER },
    { "buckets have another default", "ALTER TABLE card ALTER bucket SET DEFAULT 7",
      "ALTER TABLE card ALTER bucket SET DEFAULT 0" },
    TALLY_SPOILINGS("INSERT"),
    { "envelopes are changed on their way",
      TRIGGER("INSERT", "card",
              "NEW.envelope = set_byte(NEW.envelope, 5, 255 - "
              "get_byte(NEW.envelope, 5)); RETURN NEW;"),
      NO_TRIGGER },
    { "fingerprints are changed on their "
      "way",
      TRIGGER("INSERT", "card", "NEW.fp = gen_random_uuid(); RETURN NEW;"), NO_TRIGGER },
    { "ids are changed on their way",
      TRIGGER("INSERT", "card",
              "NEW.id = NEW.id + 1000; RETURN "
              "NEW;"),
      NO_TRIGGER },
    { "fields are changed on their way",
      TRIGGER("INSERT", "card",
              "NEW.field = 77; RETURN "
              "NEW;"),
      NO_TRIGGER },
    { "buckets are changed on their way",
      TRIGGER("INSERT", "card",
              "NEW.bucket = 7; RETURN "
              "NEW;"),
      NO_TRIGGER },
    { "one card of the batch is changed",
      TRIGGER("INSERT", "card",
              "IF NEW.field = 2 THEN NEW.envelope = set_byte(NEW.envelope, 5, "
              "255 - get_byte(NEW.envelope, 5)); END IF; RETURN NEW;"),
      NO_TRIGGER },
    { "a rule stands in for the card",
      "CREATE RULE stranger AS ON INSERT TO card DO INSTEAD "
      "NOTHING",
      "DROP RULE stranger ON card" },
    { "the right to write cards is gone", "REVOKE INSERT ON card FROM current_user",
      "GRANT INSERT ON card TO current_user" },
};

static const struct spoiling of_moves[] = {
    TALLY_SPOILINGS("UPDATE"),
    { "moves are swallowed", TRIGGER("UPDATE", "card", "RETURN NULL;"), NO_TRIGGER },
    { "moves are undone on their way", TRIGGER("UPDATE", "card", "RETURN OLD;"), NO_TRIGGER },
    { "fingerprints are changed on their way",
      TRIGGER("UPDATE", "card",
              "NEW.fp = OLD.fp; RETURN "
              "NEW;"),
      NO_TRIGGER },
    { "a rule stands in for the move",
      "CREATE RULE stranger AS ON UPDATE TO card DO INSTEAD "
      "NOTHING",
      "DROP RULE stranger ON card" },
};

static const struct spoiling of_audits[] = { AUDIT_SPOILINGS };

#define N_OF(spoilings) (sizeof spoilings / sizeof spoilings[0])

/* Cards, tally and audit as one number. */
static int64_t books(struct fx *fx)
{
    return fx_number(fx->plain, "SELECT hashtext(coalesce(string_agg(t, '|' ORDER BY t), '')) FROM "
                                "("
                                "SELECT c::text AS t FROM card c UNION ALL SELECT t::text FROM "
                                "tally t UNION ALL "
                                "SELECT a::text FROM audit a) AS everything");
}

static void tell(const struct spoiling *s)
{
    print_message("  %s\n", s->what);
}

static struct fx_lane *lane_of(struct fx *fx)
{
    struct fx_lane *lane = fx_lane_new(fx_conninfo(), &fx->node, 10000);
    fx_lane_wait_up(lane);
    return lane;
}

/*
 * As tokenize is told it by the database: the server's error is no constraint of ours and no
 * passing one, except where a stranger's own constraint refuses.
 */
static void must_have_failed(struct fx_lane *lane)
{
    assert_true(result.err == JT_ERR_DB_FAULT || result.err == JT_ERR_DB_UNTRUE ||
                result.err == JT_ERR_DB_REFUSED);
    char message[256];
    fx_lane_message(lane, message, sizeof message);
    assert_string_not_equal(message, "");
}

static void a_card_that_is_not_stored_as_it_was_sent_is_no_success(void **state)
{
    struct fx *fx = *state;
    fx_create_generation(fx, 1);
    fx_activate(fx, 1);
    struct fx_lane *lane = lane_of(fx);
    uint64_t number = 1;
    for (size_t i = 0; i < N_OF(of_tokenize); i++) {
        const struct spoiling *s = &of_tokenize[i];
        tell(s);
        int64_t before = books(fx);
        fx_exec(fx->plain, s->spoil);
        const struct fx_card cards[] = { fx_card(1, number, 1), fx_card(2, number, 1),
                                         fx_card(2, number + 1, 1) };
        fx_tokenize(lane, fx->epoch, 1, NULL, 0, cards, 3, &result);
        must_have_failed(lane);
        fx_exec(fx->plain, s->undo);
        assert_int_equal(books(fx), before);
        fx_lane_wait_ready(lane);
        fx_tokenize(lane, fx->epoch, 1, NULL, 0, cards, 3, &result);
        assert_int_equal(result.err, JT_OK);
        assert_true(result.written[0] && result.written[1] && result.written[2]);
        assert_true(books(fx) != before);
        number += 2;
    }
    fx_lane_free(lane);
}

/*
 * A trigger that leaves all as it is may be another one in a moment; one that is gone is in
 * nobody's way.
 */
static void triggers_are_no_part_of_the_schema(void **state)
{
    struct fx *fx = *state;
    fx_create_generation(fx, 1);
    fx_activate(fx, 1);
    fx_exec(fx->plain, TRIGGER("INSERT", "card", "RETURN NEW;"));
    struct fx_lane *lane = lane_of(fx);
    const struct fx_card card = fx_card(1, 1, 1);
    fx_tokenize(lane, fx->epoch, 1, NULL, 0, &card, 1, &result);
    must_have_failed(lane);
    fx_exec(fx->plain, NO_TRIGGER);
    fx_lane_wait_ready(lane);
    fx_tokenize(lane, fx->epoch, 1, NULL, 0, &card, 1, &result);
    assert_int_equal(result.err, JT_OK);
    assert_true(result.written[0]);
    fx_lane_free(lane);
}

/* The proof of zero under a policy that hides every card: an error, and no proof. */
static void a_policy_fakes_no_zero(void **state)
{
    struct fx *fx = *state;
    fx_create_generation(fx, 1);
    fx_activate(fx, 1);
    struct fx_lane *lane = lane_of(fx);
    const struct fx_card card = fx_card(1, 1, 1);
    fx_tokenize(lane, fx->epoch, 1, NULL, 0, &card, 1, &result);
    assert_int_equal(result.err, JT_OK);
    fx_exec(fx->plain, POLICY("card", "FOR ALL USING (false) WITH CHECK (true)"));
    bool unused = true;
    assert_int_equal(jt_generation_is_unused(fx->db, 1, &unused), JT_ERR_DB_FAULT);
    assert_false(unused);
    const uint8_t live[] = { 1 };
    fx_read(lane, &card.id, 1, live, 1, &result);
    must_have_failed(lane); /* and "there is no such card" is not said either */
    fx_exec(fx->plain, NO_POLICY("card"));
    assert_int_equal(jt_generation_is_unused(fx->db, 1, &unused), JT_OK);
    assert_false(unused);
    fx_lane_free(lane);
}

static void no_audit_no_detokenize_whatever_the_server_answers(void **state)
{
    struct fx *fx = *state;
    struct fx_lane *lane = lane_of(fx);
    const uint64_t ids[] = { 1, 2, 3 };
    const struct jt_audit_row rows[] = {
        { .action = JT_AUDIT_DETOKENIZE,
          .client = "a",
          .field = 1,
          .n_items = 3,
          .n_done = 3,
          .ids = ids,
          .n_ids = 3 },
        { .action = JT_AUDIT_DETOKENIZE,
          .client = "b",
          .field = 1,
          .n_items = 1,
          .n_done = 1,
          .ids = ids,
          .n_ids = 1 },
    };
    for (size_t i = 0; i < N_OF(of_audits); i++) {
        tell(&of_audits[i]);
        int64_t before = books(fx);
        fx_exec(fx->plain, of_audits[i].spoil);
        fx_audit(lane, rows, 2, &result);
        must_have_failed(lane);
        fx_exec(fx->plain, of_audits[i].undo);
        assert_int_equal(books(fx), before);
        fx_lane_wait_ready(lane);
        fx_audit(lane, rows, 2, &result);
        assert_int_equal(result.err, JT_OK);
        assert_true(books(fx) != before);
    }
    fx_lane_free(lane);
}

static void a_move_that_did_not_happen_is_no_success(void **state)
{
    struct fx *fx = *state;
    fx_create_generation(fx, 1);
    fx_create_generation(fx, 2);
    fx_activate(fx, 1);
    struct fx_lane *lane = lane_of(fx);
    struct fx_card old[2] = { fx_card(1, 1, 1), fx_card(1, 2, 1) };
    fx_tokenize(lane, fx->epoch, 1, NULL, 0, old, 2, &result);
    assert_int_equal(result.err, JT_OK);
    fx_activate(fx, 2);
    struct jt_card_row rows[2] = { fx_row(&old[0]), fx_row(&old[1]) };
    struct fx_card new[2] = { fx_card(1, 1, 2), fx_card(1, 2, 2) };
    struct jt_card_move moves[2];
    for (int i = 0; i < 2; i++) {
        moves[i] = (struct jt_card_move){ .old = &rows[i],
                                          .envelope = new[i].envelope,
                                          .envelope_len = sizeof new[i].envelope,
                                          .fingerprint = new[i].fingerprint };
    }
    struct jt_move_txn txn = {
        .epoch = fx->epoch, .from = fx_key(1), .to = fx_key(2), .writer = 3, .moves = moves, .n = 2
    };
    /* The rows of the tally, so that the transaction updates them. */
    fx_exec(fx->plain, "INSERT INTO tally (generation, writer) VALUES (1, 3), (2, 3)");
    for (size_t i = 0; i < N_OF(of_moves); i++) {
        const struct spoiling *s = &of_moves[i];
        if (strcmp(s->what, "tallies go to another writer") == 0) {
            continue; /* a trigger before INSERT alone has no hold on an update of these */
        }
        tell(s);
        int64_t before = books(fx);
        fx_exec(fx->plain, s->spoil);
        fx_move(lane, &txn, &result);
        must_have_failed(lane);
        fx_exec(fx->plain, s->undo);
        assert_int_equal(books(fx), before);
        fx_lane_wait_ready(lane);
    }
    fx_move(lane, &txn, &result);
    assert_int_equal(result.err, JT_OK);
    assert_int_equal(result.n_moved, 2);
    fx_lane_free(lane);
}

/*
 * A view that takes inserts and keeps none of them: what a stranger can put in the place of a
 * table. A session that begins later does not come up at all, because a view has no partitions.
 */
static void a_view_in_place_of_the_audit_keeps_nothing_and_is_no_success(void **state)
{
    struct fx *fx = *state;
    struct fx_lane *lane = lane_of(fx);
    fx_exec(fx->plain, "ALTER TABLE audit RENAME TO kept; CREATE VIEW audit AS SELECT * FROM kept "
                       "WHERE false; "
                       "CREATE FUNCTION stranger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                       "RETURN NULL; END $$; "
                       "CREATE TRIGGER stranger INSTEAD OF INSERT ON audit FOR EACH ROW EXECUTE "
                       "FUNCTION stranger()");
    const struct jt_audit_row row = {
        .action = JT_AUDIT_DETOKENIZE, .client = "a", .n_items = 1, .n_done = 1
    };
    fx_audit(lane, &row, 1, &result);
    must_have_failed(lane);
    fx_lane_free(lane);
}

int main(void)
{
    (void)fx_conninfo();
    const struct CMUnitTest tests[] = {
        fx_vault_test(a_card_that_is_not_stored_as_it_was_sent_is_no_success),
        fx_vault_test(triggers_are_no_part_of_the_schema),
        fx_vault_test(a_policy_fakes_no_zero),
        fx_vault_test(no_audit_no_detokenize_whatever_the_server_answers),
        fx_vault_test(a_move_that_did_not_happen_is_no_success),
        fx_vault_test(a_view_in_place_of_the_audit_keeps_nothing_and_is_no_success),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The tables guess and honey: counts of all nodes add up, old days go, one row is one row. */
#include "tests/db/fixture.h"

#include "store/guesses.h"
#include "store/honey.h"

#include <string.h>

#define DAY 20000

static struct jt_guess_count count_of(uint32_t day, uint8_t which, uint32_t n)
{
    return (struct jt_guess_count){ .class_mac = { which, 1, 2, 3 }, .day = day, .n = n };
}

static void counts_of_several_nodes_add_up(void **state)
{
    struct fx *fx = *state;
    struct jt_guess_count one[3] = { count_of(DAY, 9, 5), count_of(DAY, 1, 7),
                                     count_of(DAY + 1, 9, 1) };
    struct jt_guess_count other[2] = { count_of(DAY, 1, 10), count_of(DAY, 4, 2) };
    assert_int_equal(jt_guesses_add(fx->db, one, 3), JT_OK);
    assert_int_equal(jt_guesses_add(fx->db, other, 2), JT_OK);
    for (size_t i = 0; i < 2; i++) { /* in any order: each says how many there are now */
        assert_int_equal(other[i].n, other[i].class_mac[0] == 1 ? 17 : 2);
    }
    assert_int_equal(fx_number(fx->plain, "SELECT count(*)::int8 FROM guess"), 4);
    struct jt_guess_count much[1] = { count_of(DAY, 1, 1000000000) };
    assert_int_equal(jt_guesses_add(fx->db, much, 1), JT_OK); /* cannot run over */
    assert_int_equal(much[0].n, 1000000000);
}

struct seen {
    size_t n;
    struct jt_guess_count counts[8];
};

static void note(void *arg, const struct jt_guess_count *count)
{
    struct seen *seen = arg;
    assert_true(seen->n < 8);
    seen->counts[seen->n++] = *count;
}

static void a_day_is_read_from_the_highest_on(void **state)
{
    struct fx *fx = *state;
    struct seen seen = { .n = 0 };
    struct jt_guess_count some[4] = { count_of(DAY, 1, 3), count_of(DAY, 2, 30),
                                      count_of(DAY, 3, 300), count_of(DAY - 1, 4, 3000) };
    assert_int_equal(jt_guesses_add(fx->db, some, 4), JT_OK);
    assert_int_equal(jt_guesses_of_day(fx->db, DAY, 2, note, &seen), JT_OK);
    assert_int_equal(seen.n, 2);
    assert_int_equal(seen.counts[0].n, 300);
    assert_int_equal(seen.counts[0].class_mac[0], 3);
    assert_int_equal(seen.counts[1].n, 30);
}

static void days_of_before_yesterday_go(void **state)
{
    struct fx *fx = *state;
    uint64_t n;
    struct jt_guess_count some[4] = { count_of(DAY, 1, 3), count_of(DAY - 1, 2, 30),
                                      count_of(DAY - 2, 3, 300), count_of(DAY - 9, 4, 3000) };
    assert_int_equal(jt_guesses_add(fx->db, some, 4), JT_OK);
    assert_int_equal(jt_guesses_prune(fx->db, DAY, &n), JT_OK);
    assert_int_equal(n, 2);
    assert_int_equal(fx_number(fx->plain, "SELECT min(day)::int8 FROM guess"), DAY - 1);
}

static void what_a_database_of_another_hand_says_is_not_believed(void **state)
{
    struct fx *fx = *state;
    fx_exec(fx->plain, "CREATE FUNCTION less() RETURNS trigger LANGUAGE plpgsql AS "
                       "'BEGIN NEW.n := 0; RETURN NEW; END'; "
                       "CREATE TRIGGER less BEFORE INSERT ON guess FOR EACH ROW "
                       "EXECUTE FUNCTION less()");
    struct jt_guess_count one[1] = { count_of(DAY, 1, 5) };
    assert_int_equal(jt_guesses_add(fx->db, one, 1), JT_ERR_DB_UNTRUE);
}

/* A day to come would be counted on, and push out what was counted on this one. */
static void a_row_of_another_day_is_none_of_this_one(void **state)
{
    struct fx *fx = *state;
    struct seen seen = { .n = 0 };
    struct jt_guess_count one[1] = { count_of(DAY, 1, 3) };
    assert_int_equal(jt_guesses_add(fx->db, one, 1), JT_OK);
    /* once the day that is asked for, and then the one after it */
    fx_exec(fx->plain,
            "CREATE SEQUENCE asked; "
            "CREATE FUNCTION lie(day int4) RETURNS int4 STABLE LANGUAGE plpgsql SECURITY DEFINER "
            "AS 'BEGIN RETURN day + (nextval(''jeton.asked'') - 1) % 2; END'; "
            "ALTER TABLE guess RENAME TO real; "
            "CREATE VIEW guess AS SELECT lie(day) AS day, class, n FROM real");
    assert_int_equal(jt_guesses_of_day(fx->db, DAY, 8, note, &seen), JT_ERR_DB_FAULT);
    assert_int_equal(seen.n, 0);
}

/* --- honey --- */

static struct jt_honey_sealed shown;

static enum jt_err next(void *arg, const struct jt_honey_sealed *now, struct jt_honey_sealed *then)
{
    shown = *now;
    *then = *now;
    then->len = JT_HONEY_SEALED_LEN;
    then->bytes[0]++;
    return *(enum jt_err *)arg;
}

static void a_change_of_marks_and_its_audit_row_are_one(void **state)
{
    struct fx *fx = *state;
    static struct jt_honey_sealed stands;
    bool there;
    enum jt_err result = JT_OK;
    const struct jt_audit_row row = {
        .action = JT_AUDIT_HONEY_ADD, .client = "operator", .object = "", .n_items = 1
    };
    const char *n_rows = "SELECT count(*)::int8 FROM audit WHERE action = 49";
    assert_int_equal(jt_honey_read(fx->db, &stands, &there), JT_OK);
    assert_true(there && stands.len == 0);
    assert_int_equal(jt_honey_change_row(fx->db, &row, next, &result), JT_OK);
    assert_int_equal(jt_honey_change_row(fx->db, &row, next, &result), JT_OK);
    assert_true(shown.len == JT_HONEY_SEALED_LEN && shown.bytes[0] == 1);
    assert_int_equal(jt_honey_read(fx->db, &stands, &there), JT_OK);
    assert_true(there && stands.bytes[0] == 2);
    assert_int_equal(fx_number(fx->plain, n_rows), 2);
    result = JT_ERR_HONEY_THERE;
    assert_int_equal(jt_honey_change_row(fx->db, &row, next, &result), JT_ERR_HONEY_THERE);
    assert_int_equal(fx_number(fx->plain, n_rows), 2);
    assert_int_equal(jt_honey_read(fx->db, &stands, &there), JT_OK);
    assert_int_equal(stands.bytes[0], 2);
}

static void a_row_that_is_gone_or_of_no_form_is_told_and_put_back(void **state)
{
    struct fx *fx = *state;
    static struct jt_honey_sealed good = { .len = JT_HONEY_SEALED_LEN, .bytes = { 7 } }, stands;
    static const char *const acts[] = {
        "DELETE FROM honey",
        "UPDATE honey SET sealed = 'short'",
        "UPDATE honey SET sealed = repeat('x', 1000000)::bytea",
    };
    bool there;
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        fx_exec(fx->plain, acts[i]);
        assert_int_equal(jt_honey_read(fx->db, &stands, &there), JT_OK);
        assert_true(!there && stands.len == 0);
        assert_int_equal(jt_honey_write(fx->db, &good), JT_OK);
        assert_int_equal(jt_honey_read(fx->db, &stands, &there), JT_OK);
        assert_true(there);
        assert_memory_equal(&stands, &good, sizeof good);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) fx_vault_test(name)
        TEST(counts_of_several_nodes_add_up),
        TEST(a_day_is_read_from_the_highest_on),
        TEST(days_of_before_yesterday_go),
        TEST(what_a_database_of_another_hand_says_is_not_believed),
        TEST(a_row_of_another_day_is_none_of_this_one),
        TEST(a_change_of_marks_and_its_audit_row_are_one),
        TEST(a_row_that_is_gone_or_of_no_form_is_told_and_put_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

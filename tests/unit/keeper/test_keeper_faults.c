/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first and the last step of a keeper, with each call failing: a master key is made once and
 * stays, a passphrase opens it or says why not, and what is saved at the end is saved.
 */
#include "failing.h"
#include "inside.h"
#include "rotating.h"

#include "keeper/keydir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

static char parent[64], keys[128];

static int setup(void **state)
{
    (void)state;
    (void)snprintf(parent, sizeof parent, "/tmp/jeton-start-XXXXXX");
    assert_non_null(mkdtemp(parent));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[120];
    (void)snprintf(command, sizeof command, "rm -r %s", parent);
    return system(command);
}

static enum jt_err start(const char *phrase, bool ceremony, struct jt_fault *fault)
{
    struct jt_keeper *k = NULL;
    const struct jt_keeper_source source = {
        .directory = keys, .development = true, .phrase = phrase, .ceremony = ceremony
    };
    *fault = (struct jt_fault){ 0 };
    enum jt_err err = jt_keeper_load(&source, &k, fault);
    assert_true((k != NULL) == (err == JT_OK));
    if (k != NULL) {
        assert_true(k->sealed == (phrase == NULL && k->unsealing != NULL));
    }
    jt_keeper_free(k);
    return err;
}

/* Whether it was made or not, the next one tells; a master key that is there is never made again.
 */
static void made_with_every_call_failing(const char *phrase)
{
    for (int number = 0; number < FAILING_MANY; number++) {
        struct jt_fault fault = { 0 }, next = { 0 };
        (void)snprintf(keys, sizeof keys, "%s/keys-%d", parent, number);
        failing_from(number);
        enum jt_err err = jt_keeper_init(keys, true, phrase, &fault);
        const char *failed = failing_end();
        if (err != JT_OK && (failed == NULL || !failing_says_so(err, failed))) {
            fail_msg("call %d, %s: %s", number, failed, jt_err_str(err));
        }
        enum jt_err again = jt_keeper_init(keys, true, phrase, &next);
        assert_int_equal(again, err == JT_OK ? JT_ERR_FILE_EXISTS : again);
        assert_true(again == JT_OK || again == JT_ERR_FILE_EXISTS);
        assert_int_equal(start(phrase, false, &fault), JT_OK);
        if (failed == NULL) {
            assert_true(number > 20);
            return;
        }
    }
    fail_msg("no end");
}

static void a_master_key_is_made_once(void **state)
{
    (void)state;
    made_with_every_call_failing(NULL);
}

static void a_sealed_master_key_is_made_once(void **state)
{
    (void)state;
    made_with_every_call_failing(PHRASE);
}

static void a_passphrase_has_its_bounds(void **state)
{
    (void)state;
    struct jt_fault fault = { 0 };
    char longest[JT_MASTER_PHRASE_MAX + 2];
    (void)snprintf(keys, sizeof keys, "%s/keys", parent);
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(jt_keeper_init(keys, true, "short", &fault), JT_ERR_INVALID);
    assert_non_null(strstr(fault.cause, "characters"));
    assert_int_equal(jt_keeper_init(keys, true, longest, &fault), JT_ERR_INVALID);
    longest[JT_MASTER_PHRASE_MAX] = '\0';
    assert_int_equal(jt_keeper_init(keys, true, longest, &fault), JT_OK);
    assert_int_equal(start(longest, false, &fault), JT_OK);
    longest[0] = 'y';
    assert_int_equal(start(longest, false, &fault), JT_ERR_PHRASE_WRONG);
    assert_non_null(strstr(fault.cause, "the passphrase does not open"));
    assert_null(strstr(fault.cause, longest));
}

/* With keys in it, a directory without a master key is one that has lost it. */
static void a_lost_master_key_is_not_made_anew(void **state)
{
    (void)state;
    struct jt_fault fault = { 0 };
    struct jt_keeper *k = NULL;
    char master[160];
    (void)snprintf(keys, sizeof keys, "%s/keys", parent);
    assert_int_equal(jt_keeper_init(keys, true, NULL, &fault), JT_OK);
    (void)snprintf(master, sizeof master, "%s/" JT_KEYDIR_MASTER, keys);
    assert_int_equal(
        jt_keeper_load(&(struct jt_keeper_source){ .directory = keys, .development = true }, &k,
                       &fault),
        JT_OK);
    assert_int_equal(jt_keeper_make_root(k), JT_OK);
    jt_keeper_free(k);
    assert_int_equal(unlink(master), 0);
    assert_int_equal(jt_keeper_init(keys, true, NULL, &fault), JT_ERR_FILE_EXISTS);
    assert_non_null(strstr(fault.cause, "holds keys but no master key"));
    assert_int_equal(start(NULL, true, &fault), JT_ERR_FILE_EXISTS);
    assert_int_equal(start(NULL, false, &fault), JT_ERR_NO_FILE);
}

/* --- of one with keys --- */

static void a_start_with_a_passphrase_says_what_failed(void **state)
{
    struct inside *in = *state;
    struct jt_fault fault = { 0 };
    (void)snprintf(keys, sizeof keys, "%s", in->files.keys);
    jt_keeper_free(in->k);
    in->k = NULL;
    for (int number = 0; number < FAILING_MANY; number++) {
        failing_from(number);
        enum jt_err err = start(PHRASE, false, &fault);
        const char *failed = failing_end();
        if (failed == NULL) {
            assert_int_equal(err, JT_OK);
            assert_true(number > 100);
            return;
        }
        if (err != JT_OK && !failing_says_so(err, failed)) {
            fail_msg("call %d, %s: %s", number, failed, jt_err_str(err));
        }
    }
    fail_msg("no end");
}

/* The check value in the file is authentic; one that does not agree was altered behind the seal. */
static void a_check_value_that_does_not_agree_keeps_it_sealed(void **state)
{
    struct inside *in = *state;
    rotating_load(in);
    in->k->unsealing->file.check_value[0] ^= 1;
    assert_int_not_equal(rotating_give_all(in, JT_VERB_UNSEAL, &rotating_by_phrase), JT_OK);
    assert_true(in->k->sealed && in->k->master == NULL && in->k->root == NULL);
    static const uint8_t key[JT_MASTER_KEY_LEN] = { 7 }; /* nor does another key */
    struct jt_fault fault = { 0 };
    assert_int_equal(jt_keeper_unseal(in->k, key, &fault), JT_ERR_FILE_ALTERED);
    assert_true(in->k->sealed && in->k->master == NULL && in->k->root == NULL);
    assert_int_equal(jt_keeper_settle(in->k), JT_OK); /* of a sealed one there is nothing to save */
    rotating_open(in, &rotating_by_phrase);
}

static void what_is_counted_is_saved_at_the_end(void **state)
{
    struct inside *in = *state;
    for (int number = 0; number < FAILING_MANY; number++) {
        in->k->ceiling.opened.ever++;
        in->k->destructions.n = 1;
        in->k->destructions.all[0] = (struct jt_destruction){ .generation = 77, .grace_s = 1000 };
        failing_from(number);
        enum jt_err err = jt_keeper_settle(in->k);
        const char *failed = failing_end();
        assert_true(err == JT_OK || (failed != NULL && failing_says_so(err, failed)));
        assert_int_equal(jt_keeper_settle(in->k), JT_OK);
        assert_true(in->k->state.opened.ever == in->k->ceiling.opened.ever);
        if (failed == NULL) {
            assert_true(number > 20);
            return;
        }
    }
    fail_msg("no end");
}

#define HERE(test)    cmocka_unit_test_setup_teardown(test, setup, teardown)
#define OF_KEYS(test) cmocka_unit_test_setup_teardown(test, rotating_setup, inside_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HERE(a_master_key_is_made_once),
        HERE(a_sealed_master_key_is_made_once),
        HERE(a_passphrase_has_its_bounds),
        HERE(a_lost_master_key_is_not_made_anew),
        OF_KEYS(a_start_with_a_passphrase_says_what_failed),
        OF_KEYS(a_check_value_that_does_not_agree_keeps_it_sealed),
        OF_KEYS(what_is_counted_is_saved_at_the_end),
    };
    return cmocka_run_group_tests_name("keeper/keeper_faults", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificate of a retirement: when it is given, what it says, and what it cannot be made to
 * say.
 */
#include "world.h"

#include "crypto/sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>

static struct jt_retirement_facts sample_facts(const struct world *w)
{
    return (struct jt_retirement_facts){
        .generation = 1,
        .rows_written = 12,
        .rows_moved_in = 0,
        .rows_moved_out = 12,
        .rows_deleted = 4,
        .rows_left = 0,
        .lsn = 0x16B374D48,
        .timeline = 1,
        .system_identifier = 7300000000000000001,
        .epoch = w->ring.epoch,
        .started_at = "2026-11-21T08:00:00Z",
        .retired_at = "2026-11-21T09:00:00Z",
        .node = "node1",
        .actor = "operator",
    };
}

/* Of a retirement without cards that were written off: those are in test_op_writeoff.c. */
static enum jt_err certify(struct world *w, const struct jt_retirement_facts *facts,
                           struct jt_certificate *out)
{
    static struct jt_certify request;
    request = (struct jt_certify){ .facts = *facts };
    return jt_keyclient_wait_certify(w->kc, &request, out);
}

static void a_retirement_is_certified_only_when_it_has_happened(void **state)
{
    struct world *w = *state;
    static struct jt_certificate c;
    struct jt_generation_row a = world_create(w);
    struct jt_generation_row b = world_create(w);
    world_step(w, &a, JT_GENERATION_ACTIVE, NULL);
    struct jt_retirement_facts facts = sample_facts(w);
    assert_int_equal(certify(w, &facts, &c), JT_ERR_WRONG_STATE);
    world_step(w, &b, JT_GENERATION_ACTIVE, &a);
    facts = sample_facts(w);
    assert_int_equal(certify(w, &facts, &c), JT_ERR_WRONG_STATE);
    world_step(w, &a, JT_GENERATION_RETIRED, NULL);
    facts = sample_facts(w);
    assert_int_equal(certify(w, &facts, &c), JT_OK);

    assert_int_equal(jt_sign_verify(c.public_key, c.text, c.text_len, c.signature), JT_OK);
    assert_int_equal(strncmp(c.text, "jeton retirement certificate v1\n", 32), 0);
    char check[2 * JT_CHECK_VALUE_LEN + 16] = "check-value: ";
    for (size_t i = 0; i < JT_CHECK_VALUE_LEN; i++) {
        snprintf(check + 13 + 2 * i, 3, "%02x", a.check_value[i]);
    }
    const char *const lines[] = { "\ngeneration: 1\n",
                                  "\nkey-id: 1\n",
                                  "\nrows-written-off: 0\nrows-left: 0\n",
                                  "\nlsn: 1/6B374D48\n",
                                  "\nepoch: 4\n",
                                  "\nnode: node1\n",
                                  "\nactor: operator\n",
                                  "\nenvironment: development\n",
                                  check };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_non_null(strstr(c.text, lines[i]));
    }
    c.text[40] ^= 1;
    assert_int_equal(jt_sign_verify(c.public_key, c.text, c.text_len, c.signature),
                     JT_ERR_BAD_SIGNATURE);

    facts.generation = 2;
    assert_int_equal(certify(w, &facts, &c), JT_ERR_WRONG_STATE);
    facts = sample_facts(w);
    facts.rows_left = 1;
    assert_int_equal(certify(w, &facts, &c), JT_ERR_INVALID);
    facts = sample_facts(w);
    facts.epoch++;
    assert_int_equal(certify(w, &facts, &c), JT_ERR_INVALID);
}

static void facts_cannot_forge_lines_of_a_certificate(void **state)
{
    struct world *w = *state;
    static struct jt_certificate c;
    struct jt_generation_row a = world_create(w);
    struct jt_generation_row b = world_create(w);
    world_step(w, &a, JT_GENERATION_ACTIVE, NULL);
    world_step(w, &b, JT_GENERATION_ACTIVE, &a);
    world_step(w, &a, JT_GENERATION_RETIRED, NULL);
    const char *const bad[] = { "", "x\nrows-left: 9", "tab\there", "caf\xc3\xa9", "\x7f" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct jt_retirement_facts facts = sample_facts(w);
        snprintf(facts.actor, sizeof facts.actor, "%s", bad[i]);
        assert_int_equal(certify(w, &facts, &c), JT_ERR_INVALID);
        facts = sample_facts(w);
        snprintf(facts.node, sizeof facts.node, "%s", bad[i]);
        assert_int_equal(certify(w, &facts, &c), JT_ERR_INVALID);
        facts = sample_facts(w);
        snprintf(facts.started_at, sizeof facts.started_at, "%s", bad[i]);
        assert_int_equal(certify(w, &facts, &c), JT_ERR_INVALID);
        facts = sample_facts(w);
        snprintf(facts.retired_at, sizeof facts.retired_at, "%s", bad[i]);
        assert_int_equal(certify(w, &facts, &c), JT_ERR_INVALID);
    }
}

static void certificates_of_all_runs_carry_one_public_key(void **state)
{
    struct world *w = *state;
    static struct jt_certificate first;
    static struct jt_certificate second;
    struct jt_generation_row a = world_create(w);
    struct jt_generation_row b = world_create(w);
    world_step(w, &a, JT_GENERATION_ACTIVE, NULL);
    world_step(w, &b, JT_GENERATION_ACTIVE, &a);
    world_step(w, &a, JT_GENERATION_RETIRED, NULL);
    struct jt_retirement_facts facts = sample_facts(w);
    assert_int_equal(certify(w, &facts, &first), JT_OK);
    world_restart(w, SIGTERM);
    assert_int_equal(certify(w, &facts, &second), JT_OK);
    assert_memory_equal(first.public_key, second.public_key, sizeof first.public_key);
    assert_string_equal(first.text, second.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(a_retirement_is_certified_only_when_it_has_happened),
        IN_A_WORLD(facts_cannot_forge_lines_of_a_certificate),
        IN_A_WORLD(certificates_of_all_runs_carry_one_public_key),
    };
    return cmocka_run_group_tests_name("keeper/certify", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nodes put into the database for each other: questions and answers about keys, parcels, and
 * the news that there is some; and that no generation becomes active past a node.
 */
#include "tests/db/fixture.h"

#include "base/clock.h"
#include "store/acks.h"
#include "store/news.h"
#include "store/parcels.h"
#include "store/ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* --- questions and answers --- */

static const uint8_t keeper[JT_INCARNATION_LEN] = { 7 };

static size_t open_for(struct fx *fx, const char *node, struct jt_adoption *after)
{
    static struct jt_adoption found[JT_ADOPTIONS_MAX];
    size_t n;
    assert_int_equal(jt_adoptions_open(fx->db, node, keeper, after, found, &n), JT_OK);
    *after = n == 0 ? (struct jt_adoption){ .generation = 0 } : found[n - 1];
    return n;
}

static void a_question_is_open_until_this_run_has_answered_this_challenge(void **state)
{
    struct fx *fx = *state;
    struct jt_adoption after = { .generation = 0 };
    struct jt_ack ack = { .node = "b", .challenge = { 1 } };
    memcpy(ack.incarnation, keeper, sizeof keeper);
    fx_create_generation(fx, 1);
    assert_int_equal(jt_adoption_ask(fx->db, 1, "a", (const uint8_t[JT_CHALLENGE_LEN]){ 1 }),
                     JT_OK);
    assert_int_equal(open_for(fx, "b", &after), 1);
    assert_string_equal(after.asker, "a");
    assert_int_equal(after.challenge[0], 1);
    assert_int_equal(jt_ack_insert(fx->db, 1, "a", &ack), JT_OK);
    after = (struct jt_adoption){ .generation = 0 };
    assert_int_equal(open_for(fx, "b", &after), 0);
    assert_int_equal(open_for(fx, "c", &after), 1); /* of each node its own answer */
    /* asked anew */
    assert_int_equal(jt_adoption_ask(fx->db, 1, "a", (const uint8_t[JT_CHALLENGE_LEN]){ 2 }),
                     JT_OK);
    after = (struct jt_adoption){ .generation = 0 };
    assert_int_equal(open_for(fx, "b", &after), 1);
    /* another run of the keeper has answered nothing yet */
    fx_exec(fx->plain, "UPDATE key_ack SET challenge = decode('02' || repeat('00', 15), 'hex')");
    after = (struct jt_adoption){ .generation = 0 };
    assert_int_equal(open_for(fx, "b", &after), 0);
    fx_exec(fx->plain, "UPDATE key_ack SET incarnation = gen_random_uuid()");
    assert_int_equal(open_for(fx, "b", &after), 1);
    /* nobody waits for an answer for longer than a minute */
    fx_exec(fx->plain, "UPDATE adoption SET at = now() - interval '2 minutes'");
    after = (struct jt_adoption){ .generation = 0 };
    assert_int_equal(open_for(fx, "b", &after), 0);
    assert_int_equal(jt_adoptions_sweep(fx->db), JT_OK);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM adoption"), 0);
    /* nor is an answer kept for longer than the generation is of interest */
    int n_acks = fx_number(fx->plain, "SELECT count(*) FROM key_ack");
    assert_true(n_acks > 0);
    fx_exec(fx->plain, "UPDATE generation SET state = 5, destroyed_at = now(), destroyed_by = 'x'");
    assert_int_equal(jt_adoptions_sweep(fx->db), JT_OK);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM key_ack"), 0);
}

static void a_flood_of_questions_is_looked_at_in_turns(void **state)
{
    struct fx *fx = *state;
    struct jt_adoption after = { .generation = 0 };
    fx_create_generation(fx, 1);
    fx_exec(fx->plain, "INSERT INTO adoption SELECT 1, 'n' || lpad(n::text, 4, '0'), "
                       "decode(repeat('00', 16), 'hex') FROM generate_series(1, 70) n");
    fx_exec(fx->plain,
            "INSERT INTO adoption VALUES (1, repeat('x', 64), "
            "decode(repeat('00', 16), 'hex')), (1, '', decode(repeat('00', 16), 'hex'))");
    assert_int_equal(open_for(fx, "b", &after), JT_ADOPTIONS_MAX);
    assert_int_equal(open_for(fx, "b", &after), JT_ADOPTIONS_MAX);
    assert_int_equal(open_for(fx, "b", &after), 70 - 2 * JT_ADOPTIONS_MAX);
}

struct seen {
    size_t n, n_answered;
    struct jt_ack last;
};

static void note(void *arg, const struct jt_ack_seen *ack)
{
    struct seen *seen = arg;
    seen->n++;
    seen->n_answered += ack->answered;
    seen->last = ack->ack;
}

static void the_asker_sees_every_node_with_its_answer_to_him(void **state)
{
    struct fx *fx = *state;
    struct seen seen = { .n = 0 };
    struct jt_ack ack = { .node = "node-1", .challenge = { 5 } };
    fx_create_generation(fx, 1);
    assert_int_equal(jt_acks_read(fx->db, 1, "node-1", note, &seen), JT_OK);
    assert_int_equal(seen.n, 1);
    assert_int_equal(seen.n_answered, 0);
    assert_int_equal(jt_ack_insert(fx->db, 1, "node-2", &ack), JT_OK);
    assert_int_equal(jt_acks_read(fx->db, 1, "node-1", note, &seen), JT_OK);
    assert_int_equal(seen.n_answered, 0); /* that was for another asker */
    assert_int_equal(jt_ack_insert(fx->db, 1, "node-1", &ack), JT_OK);
    assert_int_equal(jt_acks_read(fx->db, 1, "node-1", note, &seen), JT_OK);
    assert_int_equal(seen.n_answered, 1);
    assert_int_equal(seen.last.challenge[0], 5);
}

static void count_standing(void *arg, uint64_t generation, const char *node, bool stands)
{
    size_t *n = arg;
    assert_int_equal(generation, 1);
    assert_string_equal(node, "node-1");
    n[stands]++;
}

static void what_stands_is_of_the_present_run_of_a_nodes_keeper(void **state)
{
    struct fx *fx = *state;
    size_t n[2] = { 0, 0 };
    uint64_t numbers[4];
    size_t n_wanted;
    struct jt_ack ack = { .node = "node-1" };
    fx_create_generation(fx, 1);
    assert_int_equal(jt_ack_insert(fx->db, 1, "node-1", &ack), JT_OK);
    assert_int_equal(jt_acks_standing(fx->db, count_standing, n), JT_OK);
    assert_true(n[0] == 1 && n[1] == 0);
    assert_int_equal(jt_acks_wanted(fx->db, "node-1", fx->node.incarnation, numbers, 4, &n_wanted),
                     JT_OK);
    assert_int_equal(n_wanted, 1);
    memcpy(ack.incarnation, fx->node.incarnation, sizeof ack.incarnation); /* the fixture's both */
    assert_int_equal(jt_ack_insert(fx->db, 1, "node-1", &ack), JT_OK);
    assert_int_equal(jt_acks_standing(fx->db, count_standing, n), JT_OK);
    assert_true(n[0] == 1 && n[1] == 1);
    assert_int_equal(jt_acks_wanted(fx->db, "node-1", fx->node.incarnation, numbers, 4, &n_wanted),
                     JT_OK);
    assert_int_equal(n_wanted, 0);
}

/* --- the change of the ring --- */

static void no_generation_becomes_active_past_a_node(void **state)
{
    struct fx *fx = *state;
    bool busy;
    fx_create_generation(fx, 1);
    static const char *const edits[] = {
        "INSERT INTO node SELECT 'late', 2, gen_random_uuid(), now(), 0, mac, gen_random_uuid(), "
        "0, "
        "now() - interval '1 day', now() FROM node",
        "UPDATE node SET incarnation = gen_random_uuid() WHERE name = 'node-1'",
        "UPDATE node SET keeper_incarnation = gen_random_uuid() WHERE name = 'node-1'",
    };
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        fx_exec(fx->plain, "CREATE TABLE before AS TABLE node");
        fx_exec(fx->plain, edits[i]);
        assert_int_equal(fx_try_activate(fx, fx->db, 1, 0, &busy), JT_ERR_NODES_MISSING);
        assert_int_equal(fx_number(fx->plain, "SELECT state FROM generation"), 1);
        fx_exec(fx->plain, "DELETE FROM node; INSERT INTO node TABLE before; DROP TABLE before");
    }
    /* one that left is nobody to wait for */
    fx_exec(fx->plain, "DELETE FROM node");
    assert_int_equal(fx_try_activate(fx, fx->db, 1, 0, &busy), JT_OK);
}

/* --- parcels --- */

static struct jt_parcel_row parcel(const char *node, uint64_t generation, uint8_t byte)
{
    struct jt_parcel_row row = { .generation = generation, .bytes = { byte }, .bytes_len = 1 };
    (void)snprintf(row.node, sizeof row.node, "%s", node);
    return row;
}

static struct jt_parcel_row rows[JT_PARCELS_MAX];

static size_t begin_for(struct jt_db *db, const char *node, const struct jt_parcel_row *after)
{
    const struct jt_parcel_row none = { .generation = 0 };
    size_t n;
    assert_int_equal(jt_parcels_begin(db, node, after == NULL ? &none : after, rows, &n), JT_OK);
    return n;
}

static void a_request_is_answered_once_and_taken(void **state)
{
    struct fx *fx = *state;
    struct jt_parcel_row request = parcel("b", 3, 1), answer = parcel("b", 3, 9);
    bool fresh;
    size_t n;
    assert_int_equal(jt_db_ensure(fx->db), JT_OK);
    assert_int_equal(jt_parcel_post(fx->db, &request, &fresh), JT_OK);
    assert_true(fresh);
    assert_int_equal(jt_parcel_post(fx->db, &request, &fresh), JT_OK);
    assert_false(fresh);
    assert_int_equal(begin_for(fx->db, "b", NULL), 0); /* nobody answers himself */
    assert_int_equal(jt_parcels_end(fx->db, JT_OK), JT_OK);
    assert_int_equal(begin_for(fx->db, "a", NULL), 1);
    assert_int_equal(rows[0].generation, 3);
    assert_int_equal(rows[0].bytes[0], 1);
    assert_int_equal(jt_parcel_answer(fx->db, &answer), JT_OK);
    assert_int_equal(jt_parcel_answer(fx->db, &answer), JT_ERR_NO_CHANGE);
    assert_int_equal(jt_parcels_end(fx->db, JT_OK), JT_OK);
    assert_int_equal(begin_for(fx->db, "c", NULL), 0);
    assert_int_equal(jt_parcels_end(fx->db, JT_OK), JT_OK);
    /* saying again that it waits does not lose the answer */
    fx_exec(fx->plain, "UPDATE parcel SET at = now() - interval '30 seconds'");
    assert_int_equal(jt_parcel_post(fx->db, &request, &fresh), JT_OK);
    assert_int_equal(jt_parcels_answered(fx->db, "b", rows, &n), JT_OK);
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].bytes[0], 9);
    /* one that is no good is answered anew */
    assert_int_equal(jt_parcel_reject(fx->db, &answer), JT_OK);
    assert_int_equal(begin_for(fx->db, "c", NULL), 1);
    assert_int_equal(jt_parcels_end(fx->db, JT_OK), JT_OK);
    assert_int_equal(jt_parcel_delete(fx->db, "b", 3), JT_OK);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM parcel"), 0);
}

static void two_nodes_do_not_answer_the_same_request(void **state)
{
    struct fx *fx = *state;
    struct jt_parcel_row request = parcel("b", 3, 1);
    struct jt_db *second;
    bool fresh;
    assert_int_equal(jt_db_new(fx_conninfo(), "other_db", 30000, &second), JT_OK);
    assert_int_equal(jt_db_ensure(fx->db), JT_OK);
    assert_int_equal(jt_parcel_post(fx->db, &request, &fresh), JT_OK);
    assert_int_equal(begin_for(fx->db, "a", NULL), 1);
    assert_int_equal(begin_for(second, "c", NULL), 0);
    assert_int_equal(jt_parcels_end(second, JT_OK), JT_OK);
    assert_int_equal(jt_parcels_end(fx->db, JT_OK), JT_OK);
    assert_int_equal(begin_for(second, "c", NULL), 1);
    assert_int_equal(jt_parcels_end(second, JT_OK), JT_OK);
    jt_db_free(second);
}

static void a_flood_of_requests_is_looked_at_in_turns_and_swept(void **state)
{
    struct fx *fx = *state;
    fx_exec(fx->plain, "INSERT INTO parcel (node, generation, request) SELECT 'n' || "
                       "lpad(n::text, 4, '0'), 1, 'x' FROM generate_series(1, 40) n");
    fx_exec(fx->plain, "INSERT INTO parcel (node, generation, request) VALUES "
                       "('', 1, 'x'), (repeat('y', 64), 1, 'x'), ('a', 1, ''), "
                       "('c', 1, decode(repeat('00', 100000), 'hex'))");
    assert_int_equal(begin_for(fx->db, "b", NULL), JT_PARCELS_MAX);
    assert_int_equal(jt_parcels_end(fx->db, JT_OK), JT_OK);
    const struct jt_parcel_row last = rows[JT_PARCELS_MAX - 1];
    assert_int_equal(begin_for(fx->db, "b", &last), 40 - JT_PARCELS_MAX);
    assert_int_equal(jt_parcels_end(fx->db, JT_OK), JT_OK);
    fx_exec(fx->plain, "UPDATE parcel SET at = now() - interval '2 minutes'");
    assert_int_equal(begin_for(fx->db, "b", NULL), 0);
    assert_int_equal(jt_parcels_end(fx->db, JT_OK), JT_OK);
    assert_int_equal(jt_parcels_sweep(fx->db), JT_OK);
    assert_int_equal(fx_number(fx->plain, "SELECT count(*) FROM parcel"), 0);
}

/* --- news --- */

static void news_come_at_once_and_with_the_commit(void **state)
{
    struct fx *fx = *state;
    struct jt_db *listener;
    bool news;
    int wake_fd = eventfd(0, EFD_NONBLOCK);
    assert_int_equal(jt_db_new(fx_conninfo(), "listener", 30000, &listener), JT_OK);
    /* a new connection may have missed something */
    assert_int_equal(jt_news_wait(listener, wake_fd, 30000, &news), JT_OK);
    assert_true(news);
    assert_int_equal(jt_news_wait(listener, wake_fd, 10, &news), JT_OK);
    assert_false(news);
    assert_int_equal(jt_db_ensure(fx->db), JT_OK);
    jt_news_tell(fx->db);
    assert_int_equal(jt_news_wait(listener, wake_fd, 30000, &news), JT_OK);
    assert_true(news);
    fx_exec(fx->plain, "BEGIN; NOTIFY jeton; ROLLBACK");
    assert_int_equal(jt_news_wait(listener, wake_fd, 10, &news), JT_OK);
    assert_false(news);
    /* and whoever waits can be woken */
    assert_int_equal(eventfd_write(wake_fd, 1), 0);
    assert_int_equal(jt_news_wait(listener, wake_fd, 3600000, &news), JT_OK);
    assert_false(news);
    jt_db_free(listener);
    close(wake_fd);
}

int main(void)
{
    (void)fx_conninfo();
    const struct CMUnitTest tests[] = {
        fx_vault_test(a_question_is_open_until_this_run_has_answered_this_challenge),
        fx_vault_test(a_flood_of_questions_is_looked_at_in_turns),
        fx_vault_test(the_asker_sees_every_node_with_its_answer_to_him),
        fx_vault_test(what_stands_is_of_the_present_run_of_a_nodes_keeper),
        fx_vault_test(no_generation_becomes_active_past_a_node),
        fx_vault_test(a_request_is_answered_once_and_taken),
        fx_vault_test(two_nodes_do_not_answer_the_same_request),
        fx_vault_test(a_flood_of_requests_is_looked_at_in_turns_and_swept),
        fx_vault_test(news_come_at_once_and_with_the_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

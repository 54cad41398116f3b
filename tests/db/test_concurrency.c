/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One token for each card, whatever runs at the same time: several pipes tokenize overlapping cards
 * in overlapping batches, while the ring rolls; on a database whose default isolation level is the
 * usual one, and on one where it is serializable.
 */
#include "tests/db/fixture.h"

#include "base/random.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_LANES   4
#define N_CARDS   600 /* the population that all batches draw from */
#define BATCH     200
#define N_BATCHES 12

/* What the clients' keepers know; and how far the clients are. */
struct ring_view {
    pthread_mutex_t mutex;
    pthread_cond_t progressed, rolled;
    uint64_t epoch, active;
    unsigned n_done; /* batches */
};

struct client {
    struct fx *fx;
    struct fx_lane *lane;
    struct ring_view *ring;
    pthread_t thread;
    uint64_t seed;
    uint64_t *ids; /* N_CARDS; what this client was told */
    bool *known;
    struct fx_result *result;
};

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static void must(bool good, const char *what)
{
    if (!good) {
        (void)fprintf(stderr, "%s\n", what);
        abort();
    }
}

/* Tokenizes these card numbers, sealing again when the ring moved on. */
static void tokenize_all(struct client *c, uint64_t *numbers, size_t n)
{
    for (unsigned round = 0; n > 0; round++) {
        must(round < 10, "a batch does not come to an end");
        pthread_mutex_lock(&c->ring->mutex);
        uint64_t epoch = c->ring->epoch, active = c->ring->active;
        pthread_mutex_unlock(&c->ring->mutex);
        uint64_t draining[8];
        size_t n_draining = 0;
        for (uint64_t g = 1; g < active; g++) {
            draining[n_draining++] = g;
        }
        struct fx_card cards[BATCH];
        for (size_t i = 0; i < n; i++) {
            cards[i] = fx_card(1, numbers[i], active);
        }
        fx_tokenize(c->lane, epoch, active, draining, n_draining, cards, n, c->result);
        must(c->result->err == JT_OK, "a tokenize transaction failed");
        if (c->result->check.epoch != epoch) {
            pthread_mutex_lock(&c->ring->mutex);
            while (c->ring->epoch == epoch) {
                pthread_cond_wait(&c->ring->rolled, &c->ring->mutex);
            }
            pthread_mutex_unlock(&c->ring->mutex);
            continue;
        }
        size_t left = 0;
        for (size_t i = 0; i < n; i++) {
            if (!c->result->found[i]) {
                numbers[left++] = numbers[i];
                continue;
            }
            must(!c->known[numbers[i]] || c->ids[numbers[i]] == c->result->ids[i],
                 "a card changed its id");
            c->ids[numbers[i]] = c->result->ids[i];
            c->known[numbers[i]] = true;
        }
        n = left;
    }
}

static void *run_client(void *arg)
{
    struct client *c = arg;
    for (int b = 0; b < N_BATCHES; b++) {
        uint64_t numbers[BATCH];
        for (size_t i = 0; i < BATCH; i++) {
            numbers[i] = next_random(&c->seed) % N_CARDS;
        }
        tokenize_all(c, numbers, BATCH);
        pthread_mutex_lock(&c->ring->mutex);
        c->ring->n_done++;
        pthread_cond_signal(&c->ring->progressed);
        pthread_mutex_unlock(&c->ring->mutex);
    }
    return NULL;
}

static void start_clients(struct fx *fx, struct ring_view *ring, struct client *clients)
{
    for (uint64_t i = 0; i < N_LANES; i++) {
        struct client *c = &clients[i];
        *c = (struct client){ .fx = fx, .ring = ring, .seed = i + 1 };
        c->ids = calloc(N_CARDS, sizeof *c->ids);
        c->known = calloc(N_CARDS, sizeof *c->known);
        c->result = calloc(1, sizeof *c->result);
        assert_true(c->ids != NULL && c->known != NULL && c->result != NULL);
        c->lane = fx_lane_new(fx_conninfo(), &fx->node, 10000);
        fx_lane_wait_up(c->lane);
    }
    for (size_t i = 0; i < N_LANES; i++) {
        assert_int_equal(pthread_create(&clients[i].thread, NULL, run_client, &clients[i]), 0);
    }
}

static void check_clients_agree(struct client *clients)
{
    for (size_t n = 0; n < N_CARDS; n++) {
        uint64_t id = 0;
        for (size_t i = 0; i < N_LANES; i++) {
            if (clients[i].known[n]) {
                id = id == 0 ? clients[i].ids[n] : id;
                assert_int_equal(id, clients[i].ids[n]);
            }
        }
    }
}

static void finish_clients(struct client *clients)
{
    for (size_t i = 0; i < N_LANES; i++) {
        assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
    }
    check_clients_agree(clients);
    for (size_t i = 0; i < N_LANES; i++) {
        fx_lane_free(clients[i].lane);
        free(clients[i].ids);
        free(clients[i].known);
        free(clients[i].result);
    }
}

static void overlapping_batches_give_one_token_a_card_through_rolls(void **state)
{
    struct fx *fx = *state;
    for (uint64_t g = 1; g <= 3; g++) {
        fx_create_generation(fx, g);
    }
    fx_activate(fx, 1);
    struct ring_view ring = { .mutex = PTHREAD_MUTEX_INITIALIZER,
                              .progressed = PTHREAD_COND_INITIALIZER,
                              .rolled = PTHREAD_COND_INITIALIZER,
                              .epoch = fx->epoch,
                              .active = 1 };
    struct client clients[N_LANES];
    start_clients(fx, &ring, clients);
    for (uint64_t g = 2; g <= 3; g++) {
        pthread_mutex_lock(&ring.mutex);
        while (ring.n_done < (g - 1) * N_LANES * N_BATCHES / 3) {
            pthread_cond_wait(&ring.progressed, &ring.mutex);
        }
        pthread_mutex_unlock(&ring.mutex);
        enum jt_err err;
        bool busy = true;
        while ((err = fx_try_activate(fx, fx->db, g, g - 1, &busy)) == JT_ERR_DB_PASSING && busy) {
        }
        assert_int_equal(err, JT_OK);
        pthread_mutex_lock(&ring.mutex);
        ring.epoch = fx->epoch;
        ring.active = g;
        pthread_cond_broadcast(&ring.rolled);
        pthread_mutex_unlock(&ring.mutex);
    }
    finish_clients(clients);
    int64_t n_cards = fx_number(fx->plain, "SELECT count(*) FROM card");
    assert_true(n_cards > N_CARDS / 2 && n_cards <= N_CARDS);
    assert_int_equal(
        fx_number(fx->plain, "SELECT count(DISTINCT substr(uuid_send(fp), 13)) FROM card"),
        n_cards);
    assert_int_equal(fx_number(fx->plain, "SELECT sum(written) FROM tally"), n_cards);
    assert_int_equal(
        fx_number(fx->plain, "SELECT count(*) FROM (SELECT c.key_id FROM card c GROUP BY 1 HAVING "
                             "count(*) <> "
                             "(SELECT sum(written) FROM tally t WHERE t.generation = c.key_id)) x"),
        0);
}

static void the_same_on_a_database_that_is_serializable_by_default(void **state)
{
    struct fx *fx = *state;
    fx_exec(fx->plain,
            "DO $$ BEGIN "
            "EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = serializable', "
            "current_database()); "
            "EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', "
            "current_database()); END $$");
    overlapping_batches_give_one_token_a_card_through_rolls(state);
    fx_exec(
        fx->plain,
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET ALL', current_database()); END $$");
}

int main(void)
{
    (void)fx_conninfo();
    const struct CMUnitTest tests[] = {
        fx_vault_test(overlapping_batches_give_one_token_a_card_through_rolls),
        fx_vault_test(the_same_on_a_database_that_is_serializable_by_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

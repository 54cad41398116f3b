/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/lanes.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/tally.h"
#include "vault/membership.h"
#include "vault/reencrypt.h"

#define START_MS 2000

_Static_assert(JT_LANES_EACH == 2, "one for small requests and one for large ones");

/*
 * Lanes of a loop that write cards: those that tokenize, and those that delete and re-encrypt. And
 * the one that claims requests, which has a number of its own for its counts.
 */
#define FIRST_WRITER (JT_TALLY_PURGE + 1)
#define WRITERS_EACH (JT_LANES_EACH + 3)
_Static_assert(JT_LOOPS_MAX <= JT_VAULT_LOOPS, "each loop notes its batches");
_Static_assert(FIRST_WRITER + WRITERS_EACH * JT_LOOPS_MAX <= JT_TALLY_WORKERS,
               "each lane that writes has a row of the tally");

/*
 * Counts this loop among those that are up, and tells the operator once of each change and its
 * reason.
 */
static void note_state(struct jt_lanes *lanes, enum jt_lanes_state state)
{
    if (state == lanes->state) {
        return;
    }
    atomic_fetch_add(&lanes->vault->n_loops_up,
                     (state == JT_LANES_UP) - (lanes->state == JT_LANES_UP));
    lanes->state = state;
    char line[JT_FAULT_LINE_LEN];
    if (state == JT_LANES_NO_KEEPER) {
        jt_log(JT_LOG_WARNING, "event loop %d: %s", lanes->index,
               jt_fault_line(jt_keyclient_fault(lanes->keeper), JT_ERR_KEEPER_AWAY, line));
    } else if (state == JT_LANES_NO_DATABASE) {
        jt_log(JT_LOG_WARNING, "event loop %d: %s", lanes->index,
               jt_fault_line(jt_pipe_fault(lanes->tokenize[0]->pipe), JT_ERR_DB_AWAY, line));
    } else {
        jt_log(JT_LOG_INFO, "event loop %d: keeper and database are connected", lanes->index);
    }
}

/* Those that answer somebody; re-encryption is behind the replies. */
static bool all_up(const struct jt_lanes *lanes)
{
    for (size_t i = 0; i < JT_LANES_EACH; i++) {
        if (!jt_lane_up(lanes->tokenize[i]) || !jt_lane_up(lanes->detokenize[i])) {
            return false;
        }
    }
    return jt_lane_up(lanes->lookup) && jt_lane_up(lanes->delete) && jt_lane_up(lanes->held) &&
           jt_lane_up(lanes->recall) && jt_lane_up(lanes->once);
}

static enum jt_lanes_state current_state(const struct jt_lanes *lanes)
{
    bool keeper = jt_keyclient_ready(lanes->keeper);
    if (keeper && all_up(lanes)) {
        return JT_LANES_UP;
    }
    if (lanes->state == JT_LANES_STARTING && jt_clock_ms() < lanes->started_ms + START_MS) {
        return JT_LANES_STARTING; /* connecting takes a moment: no news yet */
    }
    return keeper ? JT_LANES_NO_DATABASE : JT_LANES_NO_KEEPER;
}

/*
 * A server that one connection has reached is there for the others of this loop, and for the node's
 * place, which may have been lost meanwhile.
 */
static void on_up(void *arg, uint32_t events)
{
    (void)events;
    struct jt_lanes *lanes = arg;
    for (size_t i = 0; i < lanes->n; i++) {
        jt_pipe_hurry(lanes->all[i]->pipe);
    }
    if (!atomic_load(&lanes->vault->registered)) {
        jt_membership_nudge(lanes->vault);
    }
}

/*
 * It may wait for a card that another front has written and not committed, because it was stopped
 * in between.
 */
static void on_slow(void *arg, uint32_t events)
{
    (void)events;
    struct jt_lanes *lanes = arg;
    atomic_store(&lanes->vault->held_up, true);
    jt_membership_nudge(lanes->vault);
}

static enum jt_err add_lane(struct jt_lanes *lanes, const struct jt_lane_verb *verb,
                            struct jt_lane **out)
{
    const struct jt_lane_place place = { .vault = lanes->vault,
                                         .loop = lanes->loop,
                                         .keeper = lanes->keeper,
                                         .refresher = lanes->refresher,
                                         .foreground = &lanes->vault->foreground[lanes->index],
                                         .n_foreground =
                                             &lanes->vault->n_foreground[lanes->index] };
    uint32_t n = FIRST_WRITER + WRITERS_EACH * (uint32_t)lanes->index + lanes->n_writers;
    enum jt_err err = jt_lane_new(verb, &place, n, out);
    if (err == JT_OK) {
        jt_pipe_on_up((*out)->pipe, on_up, lanes);
        jt_pipe_on_slow((*out)->pipe, on_slow, lanes);
        lanes->all[lanes->n++] = *out;
        lanes->n_writers += verb->writes;
    }
    return err;
}

/* Re-encryption comes last, and so ends last: reading hands cards to it. */
static enum jt_err add_lanes(struct jt_lanes *lanes)
{
    enum jt_err err = JT_OK;
    for (size_t i = 0; i < JT_LANES_EACH && err == JT_OK; i++) {
        err = add_lane(lanes, &jt_verb_tokenize, &lanes->tokenize[i]);
        if (err == JT_OK) {
            err = add_lane(lanes, &jt_verb_detokenize, &lanes->detokenize[i]);
        }
    }
    if (err == JT_OK) {
        err = add_lane(lanes, &jt_verb_lookup, &lanes->lookup);
    }
    if (err == JT_OK) {
        err = add_lane(lanes, &jt_verb_delete, &lanes->delete);
    }
    if (err == JT_OK) {
        err = add_lane(lanes, &jt_verb_held, &lanes->held);
    }
    if (err == JT_OK) {
        err = add_lane(lanes, &jt_verb_recall, &lanes->recall);
    }
    if (err == JT_OK) {
        err = add_lane(lanes, &jt_verb_once, &lanes->once);
    }
    if (err == JT_OK) {
        err = add_lane(lanes, &jt_verb_reencrypt, &lanes->reencrypt);
    }
    for (size_t i = 0; i < JT_LANES_EACH && err == JT_OK; i++) {
        jt_detokenize_offer_to(lanes->detokenize[i], lanes->reencrypt);
    }
    return err;
}

enum jt_err jt_lanes_init(struct jt_lanes *lanes, struct jt_vault *vault, struct jt_loop *loop,
                          int index)
{
    *lanes = (struct jt_lanes){
        .vault = vault, .loop = loop, .index = index, .started_ms = jt_clock_ms()
    };
    jt_inbox_init(&lanes->inbox, loop);
    enum jt_err err =
        jt_keyclient_new(loop, vault->conf->keeper_socket, JT_KEEPER_TIMEOUT_MS, &lanes->keeper);
    if (err == JT_OK) {
        jt_keyclient_measure(lanes->keeper, &lanes->keeper_us);
        err = jt_refresher_new(vault, &lanes->inbox, &lanes->refresher);
    }
    if (err == JT_OK) {
        err = jt_directory_new(vault, &lanes->inbox, &lanes->directory);
    }
    if (err == JT_OK) {
        err = add_lanes(lanes);
    }
    if (err == JT_OK) {
        jt_pipe_scout(lanes->tokenize[0]->pipe);
    }
    if (err != JT_OK) {
        jt_lanes_clear(lanes);
    }
    return err;
}

void jt_lanes_clear(struct jt_lanes *lanes)
{
    if (lanes->loop == NULL) {
        return;
    }
    lanes->ending = true;
    atomic_fetch_sub(&lanes->vault->n_loops_up, lanes->state == JT_LANES_UP);
    jt_inbox_drain(&lanes->inbox, 0);
    /* first: what waits for the keeper ends and reaches its lane, which still stands */
    jt_keyclient_free(lanes->keeper);
    for (size_t i = 0; i < lanes->n; i++) {
        jt_lane_free(lanes->all[i]);
    }
    jt_directory_free(lanes->directory);
    jt_refresher_free(lanes->refresher);
    jt_inbox_clear(&lanes->inbox);
    *lanes = (struct jt_lanes){ 0 };
}

/* From so many items on a request is a batch by itself, and gains nothing from waiting for others.
 */
#define LARGE 256
/* So long after the last small request its lane does not help; so long batches of large ones are
 * brief. */
#define STAND_BY_MS 50
#define BRIEF_MS    5000

static struct jt_lane *choose(struct jt_lane *const lanes[JT_LANES_EACH], size_t n_items)
{
    return lanes[n_items >= LARGE];
}

static void set_help(struct jt_lane *const lanes[JT_LANES_EACH], int64_t quiet_ms)
{
    lanes[0]->helps = quiet_ms < STAND_BY_MS ? NULL : lanes[1];
    lanes[1]->brief = quiet_ms < BRIEF_MS;
}

/* Small requests of both verbs count for both: keeper, database and this thread are the same. */
static void share_lanes(struct jt_lanes *lanes)
{
    int64_t in = lanes->tokenize[0]->asked_ms, out = lanes->detokenize[0]->asked_ms;
    int64_t quiet_ms = jt_clock_ms() - (in > out ? in : out);
    set_help(lanes->tokenize, quiet_ms);
    set_help(lanes->detokenize, quiet_ms);
}

bool jt_lanes_tokenize(struct jt_lanes *lanes, struct jt_tokenize_request *request)
{
    return jt_tokenize_submit(choose(lanes->tokenize, request->n_items), request);
}

bool jt_lanes_detokenize(struct jt_lanes *lanes, struct jt_detokenize_request *request)
{
    return jt_detokenize_submit(choose(lanes->detokenize, request->n_items), request);
}

bool jt_lanes_delete(struct jt_lanes *lanes, struct jt_delete_request *request)
{
    return jt_delete_submit(lanes->delete, request);
}

bool jt_lanes_held(struct jt_lanes *lanes, struct jt_held_request *request)
{
    return jt_held_submit(lanes->held, request);
}

bool jt_lanes_lookup(struct jt_lanes *lanes, struct jt_lookup_request *request)
{
    return jt_lookup_submit(lanes->lookup, request);
}

bool jt_lanes_recall(struct jt_lanes *lanes, struct jt_recall_request *request)
{
    return !lanes->ending && jt_recall_submit(lanes->recall, request);
}

bool jt_lanes_once(struct jt_lanes *lanes, struct jt_once_request *request)
{
    return lanes->loop != NULL && !lanes->ending && jt_once_submit(lanes->once, request);
}

void jt_lanes_pump(struct jt_lanes *lanes)
{
    note_state(lanes, current_state(lanes));
    share_lanes(lanes);
    for (size_t i = 0; i < lanes->n; i++) {
        jt_lane_pump(lanes->all[i]);
    }
}

bool jt_vault_database_good(const struct jt_vault *vault)
{
    return atomic_load(&vault->in_shape) && !atomic_load(&vault->faulty);
}

bool jt_vault_ready(struct jt_vault *vault)
{
    return !atomic_load(&vault->stopping) && atomic_load(&vault->n_loops_up) == vault->n_loops &&
           atomic_load(&vault->registered) && jt_vault_leased(vault) &&
           atomic_load(&vault->keys_held) && atomic_load(&vault->ring_epoch) != 0 &&
           atomic_load(&vault->mint) == JT_MINT_READY && atomic_load(&vault->sets.all_good) &&
           atomic_load(&vault->directory_good) && jt_vault_database_good(vault);
}

struct jt_readiness jt_vault_readiness(struct jt_vault *vault)
{
    bool all_up = atomic_load(&vault->n_loops_up) == vault->n_loops;
    return (struct jt_readiness){
        .keeper = all_up,
        .database = all_up,
        .registered = atomic_load(&vault->registered),
        .lease = jt_vault_leased(vault),
        .keys = atomic_load(&vault->keys_held),
        .ring = atomic_load(&vault->ring_epoch) != 0,
        .history = jt_front_course_why(vault) == JT_OK,
        .ids = atomic_load(&vault->mint) == JT_MINT_READY,
        .sets = atomic_load(&vault->sets.all_good),
        .directory = atomic_load(&vault->directory_good),
        .numeric = !atomic_load(&vault->numeric.waits),
        .schema = jt_vault_database_good(vault),
    };
}

struct jt_readiness jt_lanes_readiness(const struct jt_lanes *lanes)
{
    struct jt_readiness is = jt_vault_readiness(lanes->vault);
    is.keeper = jt_keyclient_ready(lanes->keeper);
    is.database = jt_pipe_up(lanes->tokenize[0]->pipe);
    return is;
}

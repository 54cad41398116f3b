/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/lanes.h"

#include "base/clock.h"
#include "base/log.h"

#define START_MS 2000

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
               jt_fault_line(jt_tokenizer_fault(lanes->tokenizers[0]), JT_ERR_DB_AWAY, line));
    } else {
        jt_log(JT_LOG_INFO, "event loop %d: keeper and database are connected", lanes->index);
    }
}

static bool all_up(const struct jt_lanes *lanes)
{
    for (size_t i = 0; i < JT_LANES_EACH; i++) {
        if (!jt_tokenizer_up(lanes->tokenizers[i]) || !jt_detokenizer_up(lanes->detokenizers[i])) {
            return false;
        }
    }
    return true;
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

enum jt_err jt_lanes_init(struct jt_lanes *lanes, struct jt_vault *vault, struct jt_loop *loop,
                          int index)
{
    *lanes = (struct jt_lanes){
        .vault = vault, .loop = loop, .index = index, .started_ms = jt_clock_ms()
    };
    jt_inbox_init(&lanes->inbox, loop);
    uint16_t writer = (uint16_t)((JT_LANES_EACH + 1) * index + 1);
    enum jt_err err =
        jt_keyclient_new(loop, vault->conf->keeper_socket, JT_KEEPER_TIMEOUT_MS, &lanes->keeper);
    if (err == JT_OK) {
        err = jt_refresher_new(vault, &lanes->inbox, &lanes->refresher);
    }
    if (err == JT_OK) {
        err = jt_directory_new(vault, &lanes->inbox, &lanes->directory);
    }
    if (err == JT_OK) {
        err = jt_reencrypter_new(vault, loop, lanes->keeper, writer, &lanes->reencrypter);
    }
    for (size_t i = 0; i < JT_LANES_EACH && err == JT_OK; i++) {
        uint16_t its_writer = (uint16_t)(writer + 1 + i);
        err = jt_tokenizer_new(vault, loop, lanes->keeper, lanes->refresher, its_writer,
                               &lanes->tokenizers[i]);
        if (err == JT_OK) {
            err = jt_detokenizer_new(vault, loop, lanes->keeper, lanes->refresher,
                                     lanes->reencrypter, &lanes->detokenizers[i]);
        }
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
    atomic_fetch_sub(&lanes->vault->n_loops_up, lanes->state == JT_LANES_UP);
    jt_inbox_drain(&lanes->inbox, 0);
    /* first: what waits for the keeper ends and reaches its lane, which still stands */
    jt_keyclient_free(lanes->keeper);
    for (size_t i = 0; i < JT_LANES_EACH; i++) {
        jt_tokenizer_free(lanes->tokenizers[i]);
        jt_detokenizer_free(lanes->detokenizers[i]);
    }
    jt_reencrypter_free(lanes->reencrypter);
    jt_directory_free(lanes->directory);
    jt_refresher_free(lanes->refresher);
    jt_inbox_clear(&lanes->inbox);
    *lanes = (struct jt_lanes){ 0 };
}

/*
 * From so many items on a request is a batch by itself, and gains nothing from waiting for others.
 *
 */
#define LARGE 256

void jt_lanes_tokenize(struct jt_lanes *lanes, struct jt_tokenize_request *request)
{
    size_t best = 0;
    for (size_t i = 1; i < JT_LANES_EACH && request->n_items >= LARGE; i++) {
        if (jt_tokenizer_waiting(lanes->tokenizers[i]) <
            jt_tokenizer_waiting(lanes->tokenizers[best])) {
            best = i;
        }
    }
    jt_tokenizer_submit(lanes->tokenizers[best], request);
}

void jt_lanes_detokenize(struct jt_lanes *lanes, struct jt_detokenize_request *request)
{
    size_t best = 0;
    for (size_t i = 1; i < JT_LANES_EACH && request->n_items >= LARGE; i++) {
        if (jt_detokenizer_waiting(lanes->detokenizers[i]) <
            jt_detokenizer_waiting(lanes->detokenizers[best])) {
            best = i;
        }
    }
    jt_detokenizer_submit(lanes->detokenizers[best], request);
}

void jt_lanes_pump(struct jt_lanes *lanes)
{
    note_state(lanes, current_state(lanes));
    for (size_t i = 0; i < JT_LANES_EACH; i++) {
        jt_tokenizer_pump(lanes->tokenizers[i]);
        jt_detokenizer_pump(lanes->detokenizers[i]);
    }
    jt_reencrypter_pump(lanes->reencrypter);
}

bool jt_vault_database_good(const struct jt_vault *vault)
{
    return atomic_load(&vault->in_shape) && !atomic_load(&vault->faulty);
}

bool jt_vault_ready(const struct jt_vault *vault)
{
    return atomic_load(&vault->n_loops_up) == vault->n_loops && atomic_load(&vault->registered) &&
           atomic_load(&vault->ring_epoch) != 0 && atomic_load(&vault->mint) == JT_MINT_READY &&
           atomic_load(&vault->sets.all_good) && atomic_load(&vault->directory_good) &&
           jt_vault_database_good(vault);
}

struct jt_readiness jt_lanes_readiness(const struct jt_lanes *lanes)
{
    return (struct jt_readiness){
        .keeper = jt_keyclient_ready(lanes->keeper),
        .database = jt_tokenizer_connected(lanes->tokenizers[0]),
        .registered = atomic_load(&lanes->vault->registered),
        .ring = atomic_load(&lanes->vault->ring_epoch) != 0,
        .ids = atomic_load(&lanes->vault->mint) == JT_MINT_READY,
        .sets = atomic_load(&lanes->vault->sets.all_good),
        .directory = atomic_load(&lanes->vault->directory_good),
        .schema = jt_vault_database_good(lanes->vault),
    };
}

#include "vault/lanes.h"

#include "base/clock.h"
#include "base/log.h"

#define START_MS 2000

/* Counts this loop among those that are up, and tells the operator once of each change and its reason. */
static void note_state(struct jt_lanes *lanes, enum jt_lanes_state state)
{
    if (state == lanes->state) {
        return;
    }
    atomic_fetch_add(&lanes->vault->n_loops_up, (state == JT_LANES_UP) - (lanes->state == JT_LANES_UP));
    lanes->state = state;
    if (state == JT_LANES_NO_KEEPER) {
        jt_log(JT_LOG_WARNING, "event loop %d: the keeper cannot be reached at %s: %s", lanes->index, lanes->vault->conf->keeper_socket,
               *jt_keyclient_message(lanes->keeper) == '\0' ? "the connection was lost" : jt_keyclient_message(lanes->keeper));
    } else if (state == JT_LANES_NO_DATABASE) {
        jt_log(JT_LOG_WARNING, "event loop %d: the database cannot be reached: %s", lanes->index, jt_tokenizer_message(lanes->tokenizer));
    } else {
        jt_log(JT_LOG_INFO, "event loop %d: keeper and database are connected", lanes->index);
    }
}

static enum jt_lanes_state current_state(const struct jt_lanes *lanes)
{
    bool keeper = jt_keyclient_ready(lanes->keeper);
    if (keeper && jt_tokenizer_up(lanes->tokenizer) && jt_detokenizer_up(lanes->detokenizer)) {
        return JT_LANES_UP;
    }
    if (lanes->state == JT_LANES_STARTING && jt_clock_ms() < lanes->started_ms + START_MS) {
        return JT_LANES_STARTING; /* connecting takes a moment: no news yet */
    }
    return keeper ? JT_LANES_NO_DATABASE : JT_LANES_NO_KEEPER;
}

enum jt_err jt_lanes_init(struct jt_lanes *lanes, struct jt_vault *vault, struct jt_loop *loop, int index)
{
    *lanes = (struct jt_lanes){ .vault = vault, .loop = loop, .index = index, .started_ms = jt_clock_ms() };
    jt_inbox_init(&lanes->inbox, loop);
    uint16_t writer = (uint16_t)(2 * index + 1);
    enum jt_err err = jt_keyclient_new(loop, vault->conf->keeper_socket, JT_KEEPER_TIMEOUT_MS, &lanes->keeper);
    if (err == JT_OK) {
        err = jt_refresher_new(vault, &lanes->inbox, &lanes->refresher);
    }
    if (err == JT_OK) {
        err = jt_directory_new(vault, &lanes->inbox, &lanes->directory);
    }
    if (err == JT_OK) {
        err = jt_tokenizer_new(vault, loop, lanes->keeper, lanes->refresher, writer, &lanes->tokenizer);
    }
    if (err == JT_OK) {
        err = jt_reencrypter_new(vault, loop, lanes->keeper, (uint16_t)(writer + 1), &lanes->reencrypter);
    }
    if (err == JT_OK) {
        err = jt_detokenizer_new(vault, loop, lanes->keeper, lanes->refresher, lanes->reencrypter, &lanes->detokenizer);
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
    jt_keyclient_free(lanes->keeper); /* first: what waits for the keeper ends and reaches its lane, which still stands */
    jt_tokenizer_free(lanes->tokenizer);
    jt_detokenizer_free(lanes->detokenizer);
    jt_reencrypter_free(lanes->reencrypter);
    jt_directory_free(lanes->directory);
    jt_refresher_free(lanes->refresher);
    jt_inbox_clear(&lanes->inbox);
    *lanes = (struct jt_lanes){ 0 };
}

void jt_lanes_pump(struct jt_lanes *lanes)
{
    note_state(lanes, current_state(lanes));
    jt_tokenizer_pump(lanes->tokenizer);
    jt_detokenizer_pump(lanes->detokenizer);
    jt_reencrypter_pump(lanes->reencrypter);
}

bool jt_vault_ready(const struct jt_vault *vault)
{
    return atomic_load(&vault->n_loops_up) == vault->n_loops && atomic_load(&vault->registered) && atomic_load(&vault->ring_epoch) != 0 &&
           atomic_load(&vault->mint) == JT_MINT_READY;
}

struct jt_readiness jt_lanes_readiness(const struct jt_lanes *lanes)
{
    return (struct jt_readiness){
        .keeper = jt_keyclient_ready(lanes->keeper),
        .database = jt_tokenizer_connected(lanes->tokenizer),
        .registered = atomic_load(&lanes->vault->registered),
        .ring = atomic_load(&lanes->vault->ring_epoch) != 0,
        .ids = atomic_load(&lanes->vault->mint) == JT_MINT_READY,
    };
}

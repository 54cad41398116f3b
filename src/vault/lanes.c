#include "vault/lanes.h"

static void note_up(struct jt_lanes *lanes, bool up)
{
    if (up != lanes->up) {
        lanes->up = up;
        atomic_fetch_add(&lanes->vault->n_loops_up, up ? 1 : -1);
    }
}

enum jt_err jt_lanes_init(struct jt_lanes *lanes, struct jt_vault *vault, struct jt_loop *loop, int index)
{
    *lanes = (struct jt_lanes){ .vault = vault, .loop = loop };
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
    note_up(lanes, false);
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
    note_up(lanes, jt_tokenizer_up(lanes->tokenizer) && jt_detokenizer_up(lanes->detokenizer));
    jt_tokenizer_pump(lanes->tokenizer);
    jt_detokenizer_pump(lanes->detokenizer);
    jt_reencrypter_pump(lanes->reencrypter);
}

bool jt_vault_ready(const struct jt_vault *vault)
{
    return atomic_load(&vault->n_loops_up) == vault->n_loops && atomic_load(&vault->registered) && atomic_load(&vault->ring_epoch) != 0;
}

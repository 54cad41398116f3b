/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/strays.h"

#include "base/log.h"
#include "store/cards.h"
#include "store/ring.h"

#include <stdio.h>
#include <string.h>

#define MAX_TRIES 5

static enum jt_err read_ring(struct jt_work_ctx *ctx, struct jt_ring *ring)
{
    struct jt_ring_row row;
    enum jt_err err = jt_ring_read(ctx->db, &row);
    return err == JT_OK ? jt_ring_decode(row.body, row.body_len, ring) : err;
}

/* The key ids that cards have, and the ring at that time: RING_MOVED when it moved meanwhile. */
static enum jt_err look_once(struct jt_work_ctx *ctx, uint8_t key_ids[static JT_KEY_ID_SET_LEN],
                             struct jt_ring *ring)
{
    struct jt_ring before;
    enum jt_err err = read_ring(ctx, &before);
    if (err == JT_OK) {
        err = jt_cards_key_ids(ctx->db, key_ids);
    }
    if (err == JT_OK) {
        err = read_ring(ctx, ring);
    }
    return err == JT_OK && before.epoch != ring->epoch ? JT_ERR_RING_MOVED : err;
}

static void remove_live(const struct jt_ring *ring, uint8_t key_ids[static JT_KEY_ID_SET_LEN])
{
    for (size_t i = 0; i < ring->n; i++) {
        const struct jt_ring_entry *e = &ring->entries[i];
        if (e->state == JT_GENERATION_ACTIVE || e->state == JT_GENERATION_DRAINING) {
            jt_key_id_set_remove(key_ids, e->key_id);
        }
    }
}

static void tell(const uint8_t key_ids[static JT_KEY_ID_SET_LEN])
{
    char list[256] = "";
    size_t len = 0;
    for (unsigned id = 1; id <= 255 && len < sizeof list - 8; id++) {
        if (jt_key_id_set_has(key_ids, (uint8_t)id)) {
            len += (size_t)snprintf(list + len, sizeof list - len, " %u", id);
        }
    }
    bool more = len >= sizeof list - 8;
    if (len == 0) {
        jt_log(JT_LOG_INFO, "no card is left under a key id that is not live");
    } else {
        jt_log(JT_LOG_ERROR,
               "alarm: cards stand under key ids of no live generation:%s%s. They were "
               "planted, restored or replayed; these key ids are not used again before they are "
               "gone (docs/operations.md)",
               list, more ? " and more" : "");
    }
}

/* Notes them; whether that is news. */
static bool note(struct jt_vault *vault, const uint8_t key_ids[static JT_KEY_ID_SET_LEN])
{
    bool news = false;
    for (size_t i = 0; i < JT_KEY_ID_SET_LEN; i++) {
        news = atomic_exchange(&vault->strays[i], key_ids[i]) != key_ids[i] || news;
    }
    return news;
}

enum jt_err jt_strays_look(struct jt_work_ctx *ctx, uint8_t *used)
{
    uint8_t key_ids[JT_KEY_ID_SET_LEN];
    struct jt_ring ring;
    enum jt_err err = JT_ERR_RING_MOVED;
    for (int i = 0; i < MAX_TRIES && err == JT_ERR_RING_MOVED; i++) {
        err = look_once(ctx, key_ids, &ring);
    }
    if (err != JT_OK) {
        return err;
    }
    if (used != NULL) {
        memcpy(used, key_ids, sizeof key_ids);
    }
    remove_live(&ring, key_ids);
    if (note(ctx->vault, key_ids)) {
        tell(key_ids);
    }
    return JT_OK;
}

uint8_t jt_strays_known(const struct jt_vault *vault, uint8_t *key_ids, size_t max)
{
    uint8_t n = 0;
    for (unsigned byte = 0; byte < JT_KEY_ID_SET_LEN; byte++) {
        uint8_t bits = atomic_load_explicit(&vault->strays[byte], memory_order_relaxed);
        for (unsigned bit = 0; bits != 0 && bit < 8; bit++) {
            if ((bits >> bit & 1) != 0 && n < max) {
                key_ids[n++] = (uint8_t)(8 * byte + bit);
            }
        }
    }
    return n;
}

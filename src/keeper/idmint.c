/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/idmint.h"

#include "model/card_id.h"

#define NODE_BITS  JT_CARD_ID_NODE_BITS
#define COUNT_BITS JT_CARD_ID_COUNT_BITS

void jt_idmint_init(struct jt_idmint *m, uint64_t mark_ms, jt_idmint_save_fn *save, void *arg)
{
    *m = (struct jt_idmint){
        .last_ms = mark_ms > 0 ? mark_ms + 1 : 0,
        .mark_ms = mark_ms,
        .used_ms = mark_ms,
        .save = save,
        .arg = arg,
    };
}

void jt_idmint_pass(struct jt_idmint *m, uint64_t ms)
{
    if (ms >= m->last_ms) {
        m->last_ms = ms + 1;
        m->count = 0;
    }
    m->mark_ms = ms > m->mark_ms ? ms : m->mark_ms;
    m->used_ms = ms > m->used_ms ? ms : m->used_ms;
}

uint64_t jt_idmint_ms_of(uint64_t id)
{
    return jt_card_id_ms(id);
}

/* Sees to it that ids up to `ms` may be given out. */
static enum jt_err cover(struct jt_idmint *m, uint64_t ms)
{
    if (ms <= m->mark_ms && m->mark_ms - ms >= JT_IDMINT_RENEW_MS) {
        return JT_OK;
    }
    enum jt_err err = m->save(m->arg, ms + JT_IDMINT_AHEAD_MS);
    if (err == JT_OK) {
        m->mark_ms = ms + JT_IDMINT_AHEAD_MS;
    }
    return ms <= m->mark_ms ? JT_OK : err; /* renewed too early to matter, if it failed */
}

enum jt_err jt_idmint_ahead(struct jt_idmint *m, uint64_t now_ms)
{
    uint64_t ms = now_ms > m->last_ms ? now_ms : m->last_ms;
    return ms < JT_IDMINT_END_MS ? cover(m, ms) : JT_OK; /* where none is left, none comes */
}

enum jt_err jt_idmint_take(struct jt_idmint *m, uint8_t node, uint64_t now_ms, uint64_t *ids,
                           size_t n)
{
    if (n == 0) {
        return JT_OK;
    }
    uint64_t ms = m->last_ms;
    uint64_t count = m->count;
    if (now_ms > ms) {
        ms = now_ms;
        count = 0;
    }
    uint64_t end_ms = ms + (count + n - 1) / JT_IDMINT_COUNTS;
    if (end_ms >= JT_IDMINT_END_MS) {
        return JT_ERR_IDS_SPENT;
    }
    enum jt_err err = cover(m, end_ms);
    if (err != JT_OK) {
        return err;
    }
    for (size_t i = 0; i < n; i++) {
        if (count == JT_IDMINT_COUNTS) {
            ms++;
            count = 0;
        }
        ids[i] = ms << (NODE_BITS + COUNT_BITS) | (uint64_t)node << COUNT_BITS | count++;
    }
    m->last_ms = ms;
    m->count = (uint32_t)count;
    m->used_ms = ms;
    return JT_OK;
}

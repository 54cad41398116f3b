/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/guessing.h"

#include <string.h>

bool jt_guessing_begin(struct jt_guessing *g, const struct jt_lane *lane, enum jt_guess_act act)
{
    g->act = act;
    g->on = jt_brakes_on(lane->vault->brakes, act);
    g->day = jt_brakes_today();
    g->err = JT_OK;
    g->n = 0;
    return g->on;
}

void jt_guessing_add(struct jt_guessing *g, const struct jt_lane *lane, uint32_t entry,
                     const uint8_t *packed, size_t packed_len)
{
    /* entries of one request are neighbours */
    const char *client = lane->entries[entry].request->client;
    bool same = g->n > 0 && g->items[g->n - 1].client == client;
    size_t len = same ? g->items[g->n - 1].client_len : strlen(client);
    g->items[g->n] = (struct jt_guess_item){ .client = client,
                                             .client_len = (uint8_t)len,
                                             .packed = packed,
                                             .packed_len = (uint8_t)packed_len };
    g->tries[g->n] = (struct jt_guess_try){ .macs = &g->macs[g->n] };
    g->at[g->n++] = entry;
}

void jt_guessing_ask(const struct jt_guessing *g, struct jt_lane *lane, jt_guess_fn *done,
                     void *arg)
{
    const struct jt_guess_request request = {
        .act = g->act, .day = g->day, .items = g->items, .n = g->n
    };
    jt_keyclient_guess(lane->keeper, &request, done, arg);
}

void jt_guessing_take(struct jt_guessing *g, struct jt_lane *lane, enum jt_err err,
                      const struct jt_guess_reply *reply)
{
    g->err = err;
    if (err == JT_OK) {
        memcpy(g->macs, reply->results, reply->n * sizeof reply->results[0]);
        jt_brakes_hold(lane->vault->brakes, g->act, g->day, g->tries, g->n);
    }
}

void jt_guessing_count(struct jt_guessing *g, struct jt_lane *lane)
{
    if (g->on && g->n > 0 && g->err == JT_OK) {
        jt_brakes_count(lane->vault->brakes, g->act, g->day, g->tries, g->n);
    }
}

void jt_guessing_tell(struct jt_guessing *g, struct jt_lane *lane)
{
    size_t i = 0;
    while (g->on && i < g->n) {
        const struct jt_lane_request *request = lane->entries[g->at[i]].request;
        size_t n = 0;
        while (i < g->n && lane->entries[g->at[i]].request == request) {
            n += g->tries[i++].held;
        }
        if (n > 0) {
            jt_brakes_tell(lane->vault->brakes, g->act, request->client, request->origin, n);
        }
    }
}

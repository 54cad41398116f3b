/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/locate.h"

#include "pan/numeric.h"

#include <string.h>

static struct jt_located *item_of(const struct jt_lane_entry *e)
{
    return e->item;
}

void jt_locate_settle(struct jt_lane_entry *entry, enum jt_err err)
{
    item_of(entry)->err = err;
    entry->settled = true;
}

void jt_locate_settle_rest(struct jt_lane *lane, enum jt_err err)
{
    for (size_t i = 0; i < lane->n; i++) {
        if (!lane->entries[i].settled) {
            jt_locate_settle(&lane->entries[i], err);
        }
    }
}

static void hand_over(struct jt_locator *l, size_t n)
{
    l->n = n;
    l->found(l->lane);
}

/* --- the third step: tokens that were issued and have no row under a live key id --- */

static bool is_live(const struct jt_locator *l, uint8_t key_id)
{
    return memchr(l->live, key_id, l->n_live) != NULL;
}

/*
 * Sorts the missing out: deleted cards, mostly, or ones whose transaction never ended; but a row
 * under a key id that is not live is a card that somebody hid, and whoever asks for it must not
 * hear that there is none. False when one of them has come to light under a live key id meanwhile.
 */
static bool take_strays(struct jt_locator *l, const uint16_t *stranded, size_t n, size_t *n_open)
{
    size_t n_stranded = 0, next = 0;
    bool all_settled = true;
    for (size_t i = 0; i < l->lane->n; i++) {
        struct jt_lane_entry *e = &l->lane->entries[i];
        if (e->settled) {
            continue;
        }
        if (!e->missing) {
            /* in the order of take_read: its row is rows[*n_open] */
            l->lane->sent[(*n_open)++] = (uint32_t)i;
            continue;
        }
        uint16_t found = next < n ? stranded[next++] : 0;
        bool stray = found != 0 && found != JT_STRAY_QUARANTINED;
        if (stray && is_live(l, (uint8_t)found)) {
            all_settled = false;
            continue;
        }
        if (found == JT_STRAY_QUARANTINED && l->takes_lost) {
            l->lost[l->n_lost++] = (uint32_t)i;
            continue;
        }
        jt_locate_settle(e, stray        ? JT_ERR_STRANDED
                            : found != 0 ? JT_ERR_WRITTEN_OFF
                                         : JT_ERR_NO_TOKEN);
        n_stranded += stray;
    }
    jt_lane_alarm(l->lane, n_stranded, "cards stand in rows under key ids of no live generation");
    return all_settled;
}

static void on_strays(void *arg, enum jt_err err, const uint16_t *stranded, size_t n)
{
    struct jt_locator *l = arg;
    if (err != JT_OK) {
        jt_lane_end_untrue(l->lane, l->lane->verb->name, err);
        return;
    }
    size_t n_open = 0;
    if (!take_strays(l, stranded, n, &n_open)) {
        jt_lane_again(l->lane);
    } else {
        hand_over(l, n_open);
    }
}

static void look_for_strays(struct jt_locator *l)
{
    size_t n = 0;
    for (size_t i = 0; i < l->lane->n; i++) {
        if (!l->lane->entries[i].settled && l->lane->entries[i].missing) {
            l->ids[n++] = item_of(&l->lane->entries[i])->id;
        }
    }
    enum jt_err err = jt_cards_strays(l->lane->pipe, l->ids, n, on_strays, l);
    if (err != JT_OK) {
        jt_lane_end(l->lane, err);
    }
}

/* --- the second step: reading --- */

/* Whether the row is that of the numeric token which was asked for: its envelope is bound to it. */
static bool same_digits(const struct jt_located *item, const struct jt_card_row *row)
{
    uint8_t token[JT_TOKEN_LEN];
    jt_numeric_to_token(row->digits.packed, row->digits.packed_len, token);
    return memcmp(token, item->token, sizeof token) == 0;
}

/* Takes the rows; how many are to be opened, and whether any is missing. */
static size_t take_read(struct jt_locator *l, const struct jt_read_result *result,
                        bool *any_missing)
{
    size_t n_open = 0, n_odd = 0;
    for (size_t i = 0; i < result->n; i++) {
        struct jt_lane_entry *e = &l->lane->entries[l->lane->sent[i]];
        const struct jt_card_found *card = &result->cards[i];
        if (l->numeric[i]) {
            item_of(e)->id = card->id;
        }
        e->missing = card->n_rows == 0;
        if (e->missing) {
            *any_missing = true;
        } else if (card->n_rows > 1 || card->row.field != e->request->field ||
                   card->row.id != item_of(e)->id ||
                   (l->numeric[i] && !same_digits(item_of(e), &card->row))) {
            jt_locate_settle(e, JT_ERR_DECRYPT);
            n_odd++;
        } else {
            l->rows[n_open] = card->row;
            l->lane->sent[n_open++] = l->lane->sent[i];
        }
    }
    jt_lane_alarm(
        l->lane, n_odd,
        "ids stand in two rows, or in a row of another token or field: the database was tampered "
        "with");
    return n_open;
}

static void on_read(void *arg, enum jt_err err, const struct jt_read_result *result)
{
    struct jt_locator *l = arg;
    if (err != JT_OK) {
        jt_lane_end_untrue(l->lane, l->lane->verb->name, err);
        return;
    }
    if (result->epoch != l->epoch) {
        /* the live key ids that were asked for were not the database's: nothing counts */
        jt_lane_refresh(l->lane);
        return;
    }
    bool any_missing = false;
    size_t n_open = take_read(l, result, &any_missing);
    if (any_missing) {
        look_for_strays(l);
    } else {
        hand_over(l, n_open);
    }
}

/* --- the first step: tokens to ids --- */

static void on_identified(void *arg, enum jt_err err, const struct jt_identify_reply *reply)
{
    struct jt_locator *l = arg;
    if (jt_err_class(err) == JT_CLASS_REFRESH) {
        jt_lane_refresh(l->lane);
        return;
    }
    if (err != JT_OK) {
        jt_lane_end(l->lane, err);
        return;
    }
    l->epoch = reply->epoch;
    l->n_live = reply->n_live;
    memcpy(l->live, reply->live, sizeof l->live);
    size_t n = 0, n_toks = 0;
    for (size_t i = 0; i < l->n_asked; i++) {
        struct jt_lane_entry *e = &l->lane->entries[l->lane->sent[i]];
        l->numeric[n] = false;
        if (l->by_id) {
            l->ids[n++] = item_of(e)->id;
            continue;
        }
        if (reply->results[i].err != JT_OK) {
            jt_locate_settle(e, JT_ERR_NO_TOKEN); /* made up, or of another field */
            continue;
        }
        item_of(e)->id = l->ids[n] = reply->results[i].id;
        l->numeric[n] = reply->results[i].id == 0;
        if (l->numeric[n]) {
            l->toks[n_toks++] = (struct jt_tok_wanted){ .place = (uint32_t)n,
                                                        .field = e->request->field,
                                                        .tok = reply->results[i].tok };
        }
        l->lane->sent[n++] = l->lane->sent[i];
    }
    if (n == 0) {
        hand_over(l, 0);
        return;
    }
    err = jt_cards_read_toks(l->lane->pipe, l->ids, n, reply->live, reply->n_live, l->toks, n_toks,
                             on_read, l);
    if (err != JT_OK) {
        jt_lane_end(l->lane, err);
    }
}

void jt_locate(struct jt_locator *l, struct jt_lane *lane)
{
    l->lane = lane;
    size_t n = jt_lane_open(lane);
    l->n_asked = n;
    l->n_lost = 0;
    l->by_id = false;
    for (size_t i = 0; i < n; i++) {
        const struct jt_lane_entry *e = &lane->entries[lane->sent[i]];
        l->identify[i] =
            (struct jt_identify_item){ .field = e->request->field, .token = item_of(e)->token };
    }
    jt_keyclient_identify(lane->keeper, l->identify, n, on_identified, l);
}

void jt_locate_ids(struct jt_locator *l, struct jt_lane *lane)
{
    l->lane = lane;
    l->n_asked = jt_lane_open(lane);
    l->n_lost = 0;
    l->by_id = true;
    jt_keyclient_identify(lane->keeper, l->identify, 0, on_identified, l);
}

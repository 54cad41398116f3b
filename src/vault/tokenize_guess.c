/* SPDX-License-Identifier: Apache-2.0 */
/* Guess brakes on tokenize (vault/guessing.h): what is held, and what counts as a try. */
#include "vault/tokenizer.h"

/* The answer comes before the one with the sealed cards: both are asked for at once. */
static void on_guessed(void *arg, enum jt_err err, const struct jt_guess_reply *reply)
{
    struct jt_tokenizer *t = arg;
    struct jt_guessing *g = &t->guessing;
    jt_guessing_take(g, &t->lane, err, reply);
    for (size_t i = 0; i < g->n && err == JT_OK; i++) {
        if (g->tries[i].held) {
            struct jt_lane_entry *e = &t->lane.entries[g->at[i]];
            ((struct jt_tokenize_item *)e->item)->err = JT_ERR_GUESS_BRAKE;
            e->settled = true;
            t->n_held++;
        }
    }
    t->held_now = t->n_held > 0;
    if (t->held_now) {
        jt_guessing_tell(g, &t->lane);
    }
}

/*
 * What is sealed already is stored by nobody, and those that are not held are sealed once more:
 * that is rare, and so costs nothing where nothing is held.
 */
void jt_tokenizer_leave_held(struct jt_tokenizer *t)
{
    t->held_now = false;
    if (jt_lane_open(&t->lane) > 0) {
        jt_lane_again(&t->lane);
        return;
    }
    t->lane.told = true; /* the brakes did */
    jt_lane_end(&t->lane, JT_ERR_GUESS_BRAKE);
}

void jt_tokenizer_ask_brakes(struct jt_tokenizer *t, size_t n)
{
    struct jt_guessing *g = &t->guessing;
    if (t->lane.rounds > 1) {
        return;
    }
    t->n_held = 0;
    t->held_now = false;
    if (!jt_guessing_begin(g, &t->lane, JT_GUESS_TOKENIZE)) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t at = t->lane.sent[i];
        const struct jt_lane_entry *e = &t->lane.entries[at];
        const struct jt_tokenize_item *item = e->item;
        if (jt_tokenize_request_of(e)->dedup) {
            t->try_of[at] = (uint32_t)g->n;
            jt_guessing_add(g, &t->lane, at, item->pan.packed, item->pan.packed_len);
        }
    }
    if (g->n > 0) {
        jt_guessing_ask(g, &t->lane, on_guessed, t);
    }
}

/* New cards of fields that link equal ones are tries at a number. */
void jt_tokenizer_count_written(struct jt_tokenizer *t, const struct jt_tokenize_result *result)
{
    size_t n = 0;
    for (size_t i = 0; i < result->n && t->guessing.on; i++) {
        uint32_t at = t->lane.sent[i];
        if (result->cards[i].kind == JT_CARD_WRITTEN &&
            jt_tokenize_request_of(&t->lane.entries[at])->dedup) {
            t->written[n++] =
                (struct jt_guess_try){ .macs = &t->guessing.macs[t->try_of[at]], .counts = true };
        }
    }
    if (n > 0) {
        jt_brakes_count(t->lane.vault->brakes, JT_GUESS_TOKENIZE, t->guessing.day, t->written, n);
    }
}

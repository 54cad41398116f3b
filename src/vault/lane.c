/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/lane.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/notice.h"
#include "base/secmem.h"
#include "vault/verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *item_at(const struct jt_lane *lane, const struct jt_lane_request *request, size_t i)
{
    return (char *)request->items + i * lane->verb->item_size;
}

static bool has_ended(const struct jt_lane_request *request)
{
    return request->n_open == 0 && request->n_taken == request->n_items;
}

/* --- the batch under way --- */

size_t jt_lane_open(struct jt_lane *lane)
{
    size_t n = 0;
    for (size_t i = 0; i < lane->n; i++) {
        if (!lane->entries[i].ended && !lane->entries[i].settled) {
            lane->sent[n++] = (uint32_t)i;
        }
    }
    return n;
}

void jt_lane_end_item(struct jt_lane *lane, struct jt_lane_entry *entry, enum jt_err err)
{
    struct jt_lane_request *request = entry->request;
    lane->verb->end_item(entry->item, err);
    entry->ended = true;
    lane->n_open--;
    jt_turns_end_item(request);
    request->n_open--;
    if (has_ended(request)) {
        lane->verb->done(request);
    }
}

/* Why a batch failed for which no verdict is written. */
static void tell(const struct jt_lane *lane, enum jt_err err)
{
    static struct jt_notice failed = { .what = "batches failed" };
    char line[128];
    (void)snprintf(line, sizeof line, "%s: %s", lane->verb->name, jt_err_str(err));
    jt_notice(&failed, line);
}

void jt_lane_end(struct jt_lane *lane, enum jt_err err)
{
    if (err != JT_OK && err != JT_ERR_STOPPING && !lane->told) {
        tell(lane, err);
    }
    lane->told = false;
    for (size_t i = 0; i < lane->n; i++) {
        if (!lane->entries[i].ended) {
            jt_lane_end_item(lane, &lane->entries[i], err);
        }
    }
    uint64_t us = (uint64_t)(jt_clock_us() - lane->began_us);
    jt_histogram_note(&lane->figures.us, &jt_bounds_us, us);
    if (lane->n_foreground != NULL) {
        jt_figure_add(lane->n_foreground, 1);
    }
    if (lane->foreground != NULL && lane->n <= JT_LANE_BRIEF_BATCH) {
        jt_latency_note(lane->foreground, us);
    }
    lane->n = 0;
    lane->busy = false;
}

void jt_lane_end_untrue(struct jt_lane *lane, const char *act, enum jt_err err)
{
    lane->told = true;
    jt_lane_end(lane, jt_verdict_bad(lane->vault, act, err, jt_pipe_fault(lane->pipe)));
}

/* Why the lane cannot serve; JT_OK: it can. */
static enum jt_err why_down(const struct jt_lane *lane)
{
    return lane->closing                       ? JT_ERR_STOPPING
           : !jt_keyclient_ready(lane->keeper) ? JT_ERR_KEEPER_AWAY
           : !jt_pipe_up(lane->pipe)           ? JT_ERR_DB_AWAY
                                               : JT_OK;
}

/*
 * The same with the lease: a front that was stopped for a while, or that has not heard from the
 * database, must not serve what others may have gone on from (vault/lease.h).
 */
static enum jt_err why_not(const struct jt_lane *lane)
{
    enum jt_err down = why_down(lane);
    enum jt_err course = jt_front_course_why(lane->vault);
    if (course != JT_OK && !lane->verb->unleased && (down == JT_OK || down == JT_ERR_DB_AWAY)) {
        return course; /* and no lane has a connection to it */
    }
    if (down != JT_OK || lane->verb->unleased || jt_vault_leased(lane->vault)) {
        return down;
    }
    /* what does not pass by itself is worth knowing to whoever asks again and again */
    enum jt_err why = (enum jt_err)atomic_load(&lane->vault->unregistered_why);
    return jt_err_class(why) == JT_CLASS_GIVE_UP ? why : JT_ERR_LEASE_OVER;
}

/* --- the chain of the audit trail --- */

static void on_settled(void *arg, enum jt_err err)
{
    struct jt_lane *lane = arg;
    if (err == JT_OK) {
        jt_trail_stands(&lane->vault->trail, &lane->chain);
        jt_lane_again(lane);
    } else {
        jt_lane_end_untrue(lane, "audit trail", err);
    }
}

/* Whether the chain may go on. False: the lane comes again, or has ended. */
static bool may_link(struct jt_lane *lane)
{
    bool begun;
    enum jt_err err = jt_trail_ready(&lane->vault->trail, &lane->chain, lane->connection, &begun);
    if (begun) {
        lane->link_state = JT_LANE_NO_LINK;
    }
    if (err == JT_OK && lane->chain.doubtful) {
        err = jt_chain_settle(lane->pipe, &lane->chain, lane->verb->application, on_settled, lane);
        if (err == JT_OK) {
            return false;
        }
    }
    if (err != JT_OK) {
        jt_lane_end(lane, err);
    }
    return err == JT_OK;
}

static void on_link(void *arg, enum jt_err err, const struct jt_audit_link_reply *reply)
{
    struct jt_lane *lane = arg;
    lane->link_err = err;
    lane->link_state = err == JT_OK ? JT_LANE_LINK_MADE : JT_LANE_NO_LINK;
    if (err == JT_OK) {
        memcpy(lane->link.head, reply->results[0].head, sizeof lane->link.head);
    }
    if (lane->awaits_link) {
        lane->awaits_link = false;
        lane->verb->linked(lane, err);
    }
}

void jt_lane_ask_link(struct jt_lane *lane, size_t n)
{
    struct jt_link link;
    lane->link_err = jt_chain_next(&lane->chain, lane->audit, n, lane->at_us, &link);
    if (lane->link_err != JT_OK) {
        lane->link_state = JT_LANE_NO_LINK;
    } else if (lane->link_state == JT_LANE_NO_LINK ||
               memcmp(link.what.digest, lane->link.what.digest, sizeof link.what.digest) != 0 ||
               link.what.number != lane->link.what.number) {
        lane->link = link;
        lane->link_state = JT_LANE_LINK_ASKED;
        jt_keyclient_audit_link(lane->keeper, &lane->link.what, on_link, lane);
    }
}

void jt_lane_await_link(struct jt_lane *lane, size_t n)
{
    jt_lane_ask_link(lane, n);
    if (lane->link_state == JT_LANE_LINK_ASKED) {
        lane->awaits_link = true;
    } else {
        lane->verb->linked(lane, lane->link_err);
    }
}

struct jt_audit jt_lane_linked(const struct jt_lane *lane, size_t n)
{
    return (struct jt_audit){ .link = n == 0 ? NULL : &lane->link, .rows = lane->audit, .n = n };
}

void jt_lane_link_ended(struct jt_lane *lane, enum jt_err err, bool written)
{
    if (err == JT_OK && written) {
        jt_chain_stands(&lane->chain, &lane->link);
        jt_trail_stands(&lane->vault->trail, &lane->chain);
        lane->link_state = JT_LANE_NO_LINK;
    } else if (err != JT_OK && jt_pipe_unsure(lane->pipe)) {
        jt_chain_doubt(&lane->chain, &lane->link, jt_pipe_backend(lane->pipe));
        lane->link_state = JT_LANE_NO_LINK;
    }
}

/* --- rounds --- */

void jt_lane_again(struct jt_lane *lane)
{
    enum jt_err down = lane->n_open == 0 ? JT_OK : why_not(lane);
    if (lane->n_open == 0 || down != JT_OK) {
        jt_lane_end(lane, down);
    } else if (lane->verb->audits && !may_link(lane)) {
        return;
    } else if (++lane->rounds > JT_LANE_MAX_ROUNDS) {
        lane->verb->give_up(lane, lane->ended);
    } else {
        lane->verb->round(lane);
    }
}

static void on_refreshed(void *arg, enum jt_err err)
{
    struct jt_lane *lane = arg;
    if (err != JT_OK) {
        lane->verb->give_up(lane, err);
    } else {
        jt_lane_again(lane);
    }
}

void jt_lane_refresh(struct jt_lane *lane)
{
    if (lane->closing) {
        jt_lane_end(lane, JT_ERR_STOPPING);
    } else {
        jt_refresher_request(lane->refresher, on_refreshed, lane);
    }
}

/*
 * Whether a request of which entry `i` is the first has one that is open. One that has ended may be
 * gone: its address is compared, and nothing is read there.
 */
static bool is_open(const struct jt_lane *lane, size_t i)
{
    const struct jt_lane_request *request = lane->entries[i].request;
    while (i < lane->n && lane->entries[i].request == request && lane->entries[i].ended) {
        i++;
    }
    return i < lane->n && lane->entries[i].request == request;
}

size_t jt_lane_audit(struct jt_lane *lane, enum jt_audit_action action)
{
    size_t n = 0;
    bool open = false;
    for (size_t i = 0; i < lane->n; i++) {
        struct jt_lane_entry *e = &lane->entries[i];
        bool first = i == 0 || e->request != lane->entries[i - 1].request;
        open = first ? is_open(lane, i) : open;
        if (!open) {
            continue;
        }
        if (first) {
            lane->audit[n++] = (struct jt_audit_row){ .action = action,
                                                      .client = e->request->client,
                                                      .field = e->request->field,
                                                      .object = "",
                                                      .origin = e->request->origin };
        }
        e->audit = (uint32_t)n - 1;
        lane->audit[n - 1].n_items++;
    }
    return n;
}

void jt_lane_alarm(struct jt_lane *lane, size_t n, const char *what)
{
    if (n > 0) {
        jt_count(&lane->vault->counters.row_alarms, n);
        jt_log(JT_LOG_ERROR, "alarm: %s: %zu %s", lane->verb->name, n, what);
    }
}

/* --- the queue --- */

bool jt_lane_submit(struct jt_lane *lane, struct jt_lane_request *request)
{
    lane->asked_ms = jt_clock_ms();
    return jt_turns_put(&lane->turns, request);
}

/* Ends items that are in no batch. */
static void end_turn(const struct jt_lane *lane, const struct jt_turn *turn, enum jt_err err)
{
    for (size_t i = 0; i < turn->n; i++) {
        lane->verb->end_item(item_at(lane, turn->request, turn->first + i), err);
        jt_turns_end_item(turn->request);
    }
    if (has_ended(turn->request)) {
        lane->verb->done(turn->request);
    }
}

/* While several clients wait, no batch is so long that it makes the next ones wait for long. */
static size_t room_for(const struct jt_lane *from)
{
    size_t room = from->verb->batch_max;
    bool brief = from->brief || from->turns.n_owners > 1;
    return brief && room > JT_LANE_BRIEF_BATCH ? JT_LANE_BRIEF_BATCH : room;
}

/* Fills the batch from the queue of `from`: its own, or that of the lane which it helps. */
static void gather(struct jt_lane *lane, struct jt_lane *from)
{
    struct jt_turn turn;
    lane->n = 0;
    jt_turns_begin(&from->turns, room_for(from));
    while (jt_turns_next(&from->turns, &turn)) {
        if (turn.unwanted) {
            end_turn(lane, &turn, JT_ERR_CLIENT_GONE);
            continue;
        }
        for (size_t i = 0; i < turn.n; i++) {
            lane->entries[lane->n++] =
                (struct jt_lane_entry){ .request = turn.request,
                                        .item = item_at(lane, turn.request, turn.first + i) };
        }
        turn.request->n_open += turn.n;
    }
    lane->n_open = lane->n;
}

/* Fails what has gathered and is in no batch. */
static void fail_queue(struct jt_lane *lane, enum jt_err err)
{
    struct jt_turn turn;
    jt_turns_begin(&lane->turns, SIZE_MAX);
    while (jt_turns_next(&lane->turns, &turn)) {
        end_turn(lane, &turn, err);
    }
}

/* The lane whose queue the next batch is of; NULL: there is nothing to do. */
static struct jt_lane *next_queue(struct jt_lane *lane)
{
    struct jt_lane *other = lane->helps;
    return jt_turns_any(&lane->turns)                     ? lane
           : other != NULL && jt_turns_any(&other->turns) ? other
                                                          : NULL;
}

/* Few rows cost hardly less than many: a batch of them each few milliseconds is felt by all. */
static bool still_gathers(const struct jt_lane *lane)
{
    return lane->verb->gather_ms > 0 && lane->turns.waiting < lane->verb->batch_max &&
           jt_clock_us() < lane->began_us + lane->verb->gather_ms * INT64_C(1000);
}

void jt_lane_pump(struct jt_lane *lane)
{
    jt_figure_set(&lane->figures.waiting, lane->turns.waiting);
    struct jt_lane *from = lane->busy ? NULL : next_queue(lane);
    if (from == NULL || still_gathers(lane)) {
        return;
    }
    enum jt_err down = why_not(lane);
    if (down != JT_OK) {
        fail_queue(lane, down);
        return;
    }
    if (!jt_pipe_ready(lane->pipe)) {
        return; /* still rolling back; the next round comes when it has */
    }
    lane->busy = true;
    lane->rounds = 0;
    lane->writer = jt_vault_writer(lane->vault, lane->nth_writer);
    lane->at_us = jt_clock_wall_us();
    lane->ended = JT_ERR_RING_MOVED;
    gather(lane, from);
    lane->began_us = jt_clock_us();
    jt_histogram_note(&lane->figures.items, &jt_bounds_items, lane->n);
    jt_lane_again(lane);
}

bool jt_lane_up(const struct jt_lane *lane)
{
    return why_down(lane) == JT_OK;
}

/* --- life --- */

enum jt_err jt_lane_new(const struct jt_lane_verb *verb, const struct jt_lane_place *place,
                        uint32_t nth_writer, struct jt_lane **out)
{
    *out = NULL;
    struct jt_lane *lane = calloc(1, verb->size);
    if (lane == NULL) {
        return JT_ERR_NOMEM;
    }
    lane->verb = verb;
    lane->vault = place->vault;
    lane->keeper = place->keeper;
    lane->refresher = place->refresher;
    lane->nth_writer = nth_writer;
    lane->foreground = verb->audits ? place->foreground : NULL;
    lane->n_foreground = verb->audits ? place->n_foreground : NULL;
    lane->turns.max = verb->waiting_max;
    enum jt_err err =
        verb->audits ? jt_trail_connect(&place->vault->trail, &lane->connection) : JT_OK;
    if (err != JT_OK) {
        free(lane);
        return err;
    }
    err = jt_pipe_new(place->loop, place->vault->conf->database_conninfo, verb->application,
                      &place->vault->node, JT_TXN_TIMEOUT_MS, &lane->pipe);
    if (err != JT_OK) {
        free(lane);
        return err;
    }
    jt_pipe_guard(lane->pipe, jt_front_course_fits, place->vault);
    jt_pipe_measure(lane->pipe, &lane->figures.database_us);
    *out = lane;
    return JT_OK;
}

void jt_lane_free(struct jt_lane *lane)
{
    if (lane == NULL) {
        return;
    }
    lane->closing = true;
    jt_pipe_free(lane->pipe); /* ends a step under way, and with it the batch */
    if (lane->busy) {
        jt_lane_end(lane, JT_ERR_STOPPING);
    }
    fail_queue(lane, JT_ERR_STOPPING);
    jt_turns_clear(&lane->turns);
    jt_wipe_free(lane);
}

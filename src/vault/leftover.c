/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/leftover.h"

#include "base/clock.h"
#include "base/log.h"
#include "vault/refresh.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NEXT_PASS_MS  200   /* rows that others had locked come with it */
#define REST_FACTOR   4     /* and a pass that took long is not repeated at once */
#define STUCK_MS      2000  /* how often cards that are noted as stuck are tried again: at first, */
#define STUCK_MAX_MS  30000 /* and after nothing has become of it time and again */
#define STUCK_PASS_MS 60000 /* and how often a pass is made where nothing else is left */
#define LOOK_MS       1000

static bool same_counts(const struct jt_stuck_counts *a, const struct jt_stuck_counts *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* "2 corrupt, 1 foreign-bytes" */
static const char *list_causes(const struct jt_stuck_counts *counts, char *out, size_t room)
{
    size_t len = 0;
    out[0] = '\0';
    for (int i = 0; i < JT_N_STUCK_CAUSES && len < room; i++) {
        if (counts->by_cause[i] > 0) {
            len +=
                (size_t)snprintf(out + len, room - len, "%s%" PRIu64 " %s", len == 0 ? "" : ", ",
                                 counts->by_cause[i], jt_stuck_cause_name((enum jt_stuck_cause)i));
        }
    }
    return out;
}

/*
 * What cannot be moved keeps the generation from retiring; the log hears of it when the numbers
 * change.
 */
static void tell_stuck(struct jt_leftover *l, const struct jt_stuck_counts *counts)
{
    char causes[200];
    if (same_counts(&l->told_stuck, counts)) {
        return;
    }
    if (counts->all == 0) {
        jt_log(JT_LOG_INFO,
               "retirement of generation %" PRIu64 ": no row keeps it from retiring any more",
               l->generation);
    } else {
        jt_log(JT_LOG_ERROR,
               "retirement of generation %" PRIu64 ": %" PRIu64 " rows cannot be moved and keep it "
               "from retiring: %s (jeton keys stuck)",
               l->generation, counts->all, list_causes(counts, causes, sizeof causes));
    }
    l->told_stuck = *counts;
    l->stuck_pause_ms = STUCK_MS;
}

/*
 * Cards that are noted as stuck are tried again, some at a time: whoever mends or deletes one does
 * not wait for a pass.
 */
static enum jt_err try_stuck(struct jt_work_ctx *ctx, struct jt_drain *drain, struct jt_leftover *l,
                             const struct jt_retirement *job, bool *more)
{
    const struct jt_keyref from = { .generation = job->generation, .key_id = job->key_id };
    uint64_t n_moved;
    bool end;
    enum jt_err err = jt_ring_refresh(ctx, NULL);
    drain->fresh = err == JT_OK;
    if (err == JT_OK) {
        err = jt_drain_stuck(drain, ctx, &from, &l->stuck_at, &n_moved, &end);
    }
    if (err == JT_OK && end) {
        l->stuck_at = (struct jt_card_cursor){ 0 };
        l->next_stuck_ms = jt_clock_ms() + l->stuck_pause_ms;
        l->stuck_pause_ms =
            l->stuck_pause_ms * 2 > STUCK_MAX_MS ? STUCK_MAX_MS : l->stuck_pause_ms * 2;
    }
    *more = err == JT_OK && !end;
    return err;
}

/*
 * The pass is over and cards are left: those that others had locked, and those that are stuck.
 * Where nothing but stuck ones is left, to walk the index again would find what is known.
 */
enum jt_err jt_leftover_handle(struct jt_work_ctx *ctx, struct jt_drain *drain,
                               struct jt_leftover *l, const struct jt_retirement *job, bool *begun,
                               int *pause_ms)
{
    struct jt_stuck_counts counts;
    struct jt_generation_info info;
    int64_t now_ms = jt_clock_ms();
    bool more = false;
    *begun = false;
    enum jt_err err = jt_stuck_count(ctx->db, job->generation, &counts);
    if (err == JT_OK) {
        tell_stuck(l, &counts);
        err = jt_generation_get(ctx->db, job->generation, &info);
    }
    if (l->next_pass_ms == 0) {
        /* the first one took long because it moved cards; the next are walks over dead entries */
        int64_t rest_ms = l->walks ? (now_ms - l->pass_began_ms) * REST_FACTOR : 0;
        l->walks = true;
        l->next_pass_ms = now_ms + (rest_ms < NEXT_PASS_MS    ? NEXT_PASS_MS
                                    : rest_ms > STUCK_PASS_MS ? STUCK_PASS_MS
                                                              : rest_ms);
        l->next_stuck_ms = now_ms + NEXT_PASS_MS;
    }
    if (err == JT_OK && counts.all > 0 && now_ms >= l->next_stuck_ms) {
        err = try_stuck(ctx, drain, l, job, &more);
    }
    bool known = err == JT_OK && jt_generation_rows(&info) <= counts.all;
    int64_t due_ms = l->next_pass_ms + (known ? STUCK_PASS_MS : 0);
    if (err == JT_OK && now_ms >= due_ms) {
        err = jt_pass_begin(ctx->db, job->generation);
        l->pass_began_ms = now_ms;
        l->next_pass_ms = 0;
        *begun = true;
        return err == JT_ERR_NO_CHANGE ? JT_OK : err; /* another node was quicker */
    }
    *pause_ms = more ? 0 : due_ms - now_ms < LOOK_MS && !known ? NEXT_PASS_MS : LOOK_MS;
    return err;
}

void jt_leftover_retry(struct jt_leftover *l)
{
    l->next_stuck_ms = 0;
    l->stuck_pause_ms = STUCK_MS;
}

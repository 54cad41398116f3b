/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/wanted.h"

#include "base/clock.h"
#include "base/log.h"
#include "keyclient/nodes.h"
#include "store/news.h"
#include "store/parcels.h"
#include "store/ring.h"
#include "vault/membership.h"
#include "wire/frame.h"

#include <stdio.h>
#include <string.h>

#define PATIENCE_MS 10000 /* before the log says that nobody answers */

/* --- the log --- */

struct name {
    char text[48];
};

static struct name name_of(uint64_t generation)
{
    struct name name = { "the service root" };
    if (generation != 0) {
        (void)snprintf(name.text, sizeof name.text, "the key of generation %llu",
                       (unsigned long long)generation);
    }
    return name;
}

static struct jt_wanted_key *entry_of(struct jt_wanted *w, uint64_t generation)
{
    for (size_t i = 0; i < w->n; i++) {
        if (w->keys[i].generation == generation) {
            return &w->keys[i];
        }
    }
    if (w->n == sizeof w->keys / sizeof w->keys[0]) {
        w->n = 0; /* more than there can be at one time: those of before are told anew */
    }
    w->keys[w->n] = (struct jt_wanted_key){ .generation = generation, .since_ms = jt_clock_ms() };
    return &w->keys[w->n++];
}

static void forget(struct jt_wanted *w, uint64_t generation)
{
    for (size_t i = 0; i < w->n; i++) {
        if (w->keys[i].generation == generation) {
            w->keys[i] = w->keys[--w->n];
            return;
        }
    }
}

static void tell_waiting(struct jt_wanted *w, uint64_t generation)
{
    struct jt_wanted_key *key = entry_of(w, generation);
    if (!key->told) {
        jt_log(JT_LOG_INFO, "%s is not here: the other nodes are asked for it",
               name_of(generation).text);
    } else if (!key->told_waiting && jt_clock_ms() - key->since_ms >= PATIENCE_MS) {
        jt_log(JT_LOG_WARNING,
               "%s has not come yet: is a node running that holds it, and that has the same master "
               "key? Its log says what it refuses",
               name_of(generation).text);
        key->told_waiting = true;
    }
    key->told = true;
}

static void tell_refused(struct jt_wanted *w, const struct jt_work_ctx *ctx, uint64_t generation,
                         enum jt_err err)
{
    struct jt_wanted_key *key = entry_of(w, generation);
    if (key->told_refused != err) {
        char line[JT_FAULT_LINE_LEN];
        jt_log(JT_LOG_ERROR, "alarm: %s cannot be had from another node: %s",
               name_of(generation).text, jt_fault_line(&ctx->fault, err, line));
        key->told_refused = err;
    }
}

/* --- asking --- */

static enum jt_err post(struct jt_wanted *w, struct jt_work_ctx *ctx,
                        const struct jt_parcel_request *request)
{
    struct jt_parcel_row row = { .generation = request->generation };
    memcpy(row.node, request->node, sizeof row.node);
    struct jt_buf buf;
    jt_buf_init(&buf, sizeof row.bytes);
    jt_parcel_request_encode(request, &buf);
    enum jt_err err = jt_buf_status(&buf);
    bool fresh = false;
    if (err == JT_OK) {
        memcpy(row.bytes, buf.data, buf.len);
        row.bytes_len = buf.len;
        err = jt_parcel_post(ctx->db, &row, &fresh);
    }
    jt_buf_clear(&buf);
    if (fresh) {
        jt_news_tell(ctx->db);
    }
    if (err == JT_OK) {
        tell_waiting(w, request->generation);
    }
    return err;
}

/* `generation` NULL: the service root. A key that cannot be asked for holds up no other one. */
static enum jt_err ask(struct jt_wanted *w, struct jt_work_ctx *ctx,
                       const struct jt_generation_row *generation)
{
    struct jt_parcel_request request;
    uint64_t number = generation == NULL ? 0 : generation->number;
    enum jt_err err =
        jt_keyclient_wait_parcel_ask(ctx->keeper, ctx->vault->node.name, generation, &request);
    if (err == JT_OK) {
        return post(w, ctx, &request);
    }
    if (jt_err_class(err) == JT_CLASS_REPEAT) {
        return err; /* the keeper is away, or as many wait as may */
    }
    if (err != JT_ERR_KEY_THERE) {
        tell_refused(w, ctx, number, err);
    }
    jt_fault_clear(&ctx->fault);
    return JT_OK;
}

/* --- taking --- */

static enum jt_err take(struct jt_work_ctx *ctx, const struct jt_generation_row *generation,
                        const struct jt_parcel_row *answer)
{
    struct jt_parcel parcel;
    struct jt_ring_row ring;
    struct jt_reader in = jt_reader_init(answer->bytes, answer->bytes_len);
    enum jt_err err = jt_parcel_decode(&in, &parcel);
    if (err != JT_OK || jt_wire_end(&in) != JT_OK) {
        return JT_ERR_FORGED;
    }
    if (generation != NULL) {
        return jt_keyclient_wait_parcel_accept(ctx->keeper, generation, &parcel);
    }
    err = jt_ring_read(ctx->db, &ring);
    return err == JT_OK ? jt_keyclient_wait_root_accept(ctx->keeper, &ring, &parcel) : err;
}

/* What was answered is good, or is not, or is not waited for any more. */
static enum jt_err settle(struct jt_wanted *w, struct jt_work_ctx *ctx,
                          const struct jt_parcel_row *answer, enum jt_err err)
{
    if (jt_err_class(err) == JT_CLASS_REPEAT) {
        return err;
    }
    if (err == JT_OK) {
        jt_log(JT_LOG_INFO, "%s has come from another node", name_of(answer->generation).text);
        forget(w, answer->generation);
        w->took = true;
        jt_membership_nudge(ctx->vault);
    } else if (err != JT_ERR_KEY_THERE && err != JT_ERR_PARCEL_UNASKED) {
        tell_refused(w, ctx, answer->generation, err);
    }
    jt_fault_clear(&ctx->fault);
    /* what was tampered with leaves the request open: another answer may be the right one */
    return err == JT_ERR_FORGED ? jt_parcel_reject(ctx->db, answer)
                                : jt_parcel_delete(ctx->db, answer->node, answer->generation);
}

static const struct jt_generation_row *find(const struct jt_generation_rows *rows, uint64_t number)
{
    for (size_t i = 0; i < rows->n; i++) {
        if (rows->rows[i].number == number) {
            return &rows->rows[i];
        }
    }
    return NULL;
}

/* Takes what there is: of generations, or with `rows` NULL the service root. */
static enum jt_err take_all(struct jt_wanted *w, struct jt_work_ctx *ctx,
                            const struct jt_generation_rows *rows)
{
    struct jt_parcel_row answers[JT_PARCELS_MAX];
    size_t n;
    enum jt_err err = jt_parcels_answered(ctx->db, ctx->vault->node.name, answers, &n);
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        bool root = answers[i].generation == 0;
        const struct jt_generation_row *row = root ? NULL : find(rows, answers[i].generation);
        if (root != (rows == NULL) || (!root && row == NULL)) {
            err = jt_parcel_delete(ctx->db, answers[i].node, answers[i].generation);
        } else {
            err = settle(w, ctx, &answers[i], take(ctx, row, &answers[i]));
        }
    }
    return err;
}

enum jt_err jt_wanted_root(struct jt_wanted *w, struct jt_work_ctx *ctx)
{
    struct jt_ring_row ring;
    enum jt_err err = jt_ring_read(ctx->db, &ring); /* without a ring nobody has a service root */
    if (err == JT_OK) {
        err = ask(w, ctx, NULL);
    }
    return err == JT_OK ? take_all(w, ctx, NULL) : err;
}

static bool is_live(const struct jt_generation_row *row)
{
    return row->state == JT_GENERATION_ACTIVE || row->state == JT_GENERATION_DRAINING;
}

/* Asks for what is missing of the live generations, or of all others; how much that is. */
static enum jt_err ask_for(struct jt_wanted *w, struct jt_work_ctx *ctx,
                           const struct jt_generation_rows *rows, const enum jt_err *verdicts,
                           bool live, size_t *n_missing)
{
    enum jt_err err = JT_OK;
    for (size_t i = 0; i < rows->n && err == JT_OK; i++) {
        const struct jt_generation_row *row = &rows->rows[i];
        if (is_live(row) != live) {
            continue;
        }
        if (verdicts[i] == JT_OK) {
            forget(w, row->number);
        } else if (verdicts[i] == JT_ERR_KEY_MISSING || verdicts[i] == JT_ERR_KEY_WRONG) {
            (*n_missing)++;
            err = ask(w, ctx, row);
            err = err == JT_ERR_BUSY ? JT_OK : err; /* the next ones when these have come */
        } else {
            tell_refused(w, ctx, row->number, verdicts[i]);
        }
    }
    return err;
}

enum jt_err jt_wanted_generations(struct jt_wanted *w, struct jt_work_ctx *ctx,
                                  const struct jt_generation_rows *rows, bool *lacks_live)
{
    enum jt_err verdicts[JT_GENERATIONS_MAX], err = JT_OK;
    size_t n_live = 0, n_others = 0;
    if (rows->n > 0) {
        err = jt_keyclient_wait_generation_held(ctx->keeper, rows->rows, rows->n, verdicts);
    }
    if (err == JT_OK) {
        err = ask_for(w, ctx, rows, verdicts, true, &n_live);
    }
    if (err == JT_OK) {
        err = ask_for(w, ctx, rows, verdicts, false, &n_others);
    }
    *lacks_live = n_live > 0;
    return err == JT_OK && n_live + n_others > 0 ? take_all(w, ctx, rows) : err;
}

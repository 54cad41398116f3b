/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/delivery.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/notice.h"
#include "base/random.h"
#include "keyclient/nodes.h"
#include "store/acks.h"
#include "store/news.h"
#include "store/parcels.h"
#include "vault/destroyer.h"
#include "vault/duty.h"
#include "vault/roll.h"
#include "vault/wanted.h"
#include "wire/frame.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVERY_MS       1000
#define SWEEP_EVERY_MS 10000
#define MAX_OWN        8 /* generations that are acknowledged without being asked, in one step */

struct jt_delivery {
    struct jt_work_ctx ctx;
    struct jt_duty *duty;
    struct jt_destroyer *destroyer;
    struct jt_wanted wanted;
    struct jt_generation_rows rows;
    struct jt_keeper_status keeper;
    struct jt_parcel_row requests[JT_PARCELS_MAX], request_after;
    struct jt_adoption questions[JT_ADOPTIONS_MAX], question_after;
    int64_t sweep_due_ms;
    /* abandoned generations: so many, for that run of the keeper, and those that are to be erased
     */
    uint64_t n_abandoned, erase_below;
    uint8_t erased_for[JT_INCARNATION_LEN];
    enum jt_err told;
};

static const struct jt_generation_row *find(const struct jt_delivery *d, uint64_t number)
{
    for (size_t i = 0; i < d->rows.n; i++) {
        if (d->rows.rows[i].number == number) {
            return &d->rows.rows[i];
        }
    }
    return NULL;
}

/* Whoever can write to the database can cause these lines. */
static void tell_not_answered(const char *node, uint64_t generation, enum jt_err err)
{
    static struct jt_notice refused = {
        .what = "alarm: a request for a key, as of another node, is not answered"
    };
    char detail[JT_NODE_NAME_MAX + 160];
    if (err == JT_ERR_KEY_MISSING) {
        return; /* it is not here either */
    }
    (void)snprintf(detail, sizeof detail, "node %s, generation %" PRIu64 ": %s",
                   jt_node_name_valid(node) ? node : "without a name", generation, jt_err_str(err));
    jt_notice(&refused, detail);
}

/* --- requests of others --- */

static enum jt_err answer_request(struct jt_delivery *d, struct jt_parcel_row *row)
{
    const struct jt_generation_row *generation = find(d, row->generation);
    struct jt_parcel_request request;
    struct jt_parcel parcel;
    struct jt_reader in = jt_reader_init(row->bytes, row->bytes_len);
    enum jt_err err = jt_parcel_request_decode(&in, &request);
    if (err != JT_OK || jt_wire_end(&in) != JT_OK || request.generation != row->generation ||
        (row->generation != 0 && generation == NULL)) {
        return JT_ERR_FORGED;
    }
    err = jt_keyclient_wait_parcel_answer(d->ctx.keeper, &request, generation, &parcel);
    if (err != JT_OK) {
        return err;
    }
    struct jt_buf buf;
    jt_buf_init(&buf, sizeof row->bytes);
    jt_parcel_encode(&parcel, &buf);
    err = jt_buf_status(&buf);
    if (err == JT_OK) {
        memcpy(row->bytes, buf.data, buf.len);
        row->bytes_len = buf.len;
    }
    jt_buf_clear(&buf);
    return err;
}

static enum jt_err answer_some(struct jt_delivery *d, size_t n, size_t *n_answered)
{
    for (size_t i = 0; i < n; i++) {
        struct jt_parcel_row *row = &d->requests[i];
        enum jt_err err = answer_request(d, row);
        if (jt_err_class(err) == JT_CLASS_REPEAT) {
            return err;
        }
        if (err == JT_OK) {
            err = jt_parcel_answer(d->ctx.db, row);
            *n_answered += err == JT_OK;
            if (err != JT_OK) {
                return err;
            }
        } else {
            tell_not_answered(row->node, row->generation, err);
            jt_fault_clear(&d->ctx.fault);
        }
    }
    return JT_OK;
}

static enum jt_err answer_requests(struct jt_delivery *d)
{
    size_t n, n_answered = 0;
    enum jt_err err =
        jt_parcels_begin(d->ctx.db, d->ctx.vault->node.name, &d->request_after, d->requests, &n);
    if (err != JT_OK) {
        return err;
    }
    d->request_after =
        n == JT_PARCELS_MAX ? d->requests[n - 1] : (struct jt_parcel_row){ .generation = 0 };
    err = answer_some(d, n, &n_answered);
    if (err == JT_OK && n_answered > 0) {
        jt_news_tell(d->ctx.db);
    }
    return jt_parcels_end(d->ctx.db, err);
}

/* --- questions of others --- */

/* *n counts what was answered. */
static enum jt_err acknowledge(struct jt_delivery *d, const struct jt_generation_row *generation,
                               const char *asker, const uint8_t challenge[static JT_CHALLENGE_LEN],
                               size_t *n)
{
    struct jt_ack ack;
    enum jt_err err =
        jt_keyclient_wait_ack(d->ctx.keeper, generation, d->ctx.vault->node.name, challenge, &ack);
    if (err == JT_OK) {
        err = jt_ack_insert(d->ctx.db, generation->number, asker, &ack);
        *n += err == JT_OK;
        return err;
    }
    if (jt_err_class(err) == JT_CLASS_REPEAT) {
        return err;
    }
    jt_fault_clear(&d->ctx.fault);
    return JT_OK; /* whoever asked sees that there is no answer, and the log what is missing */
}

static enum jt_err answer_questions(struct jt_delivery *d)
{
    size_t n, n_answered = 0;
    enum jt_err err = jt_adoptions_open(d->ctx.db, d->ctx.vault->node.name, d->keeper.incarnation,
                                        &d->question_after, d->questions, &n);
    if (err != JT_OK) {
        return err;
    }
    d->question_after =
        n == JT_ADOPTIONS_MAX ? d->questions[n - 1] : (struct jt_adoption){ .generation = 0 };
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        const struct jt_generation_row *generation = find(d, d->questions[i].generation);
        if (generation != NULL) {
            err = acknowledge(d, generation, d->questions[i].asker, d->questions[i].challenge,
                              &n_answered);
        }
    }
    if (err == JT_OK && n_answered > 0) { /* a question that cannot be answered is no news */
        jt_news_tell(d->ctx.db);
    }
    return err;
}

/* So that operators see who holds what before anybody asks; nothing relies on it. */
static enum jt_err acknowledge_own(struct jt_delivery *d)
{
    uint64_t numbers[MAX_OWN];
    uint8_t challenge[JT_CHALLENGE_LEN];
    size_t n, n_answered = 0;
    const char *self = d->ctx.vault->node.name;
    enum jt_err err = jt_acks_wanted(d->ctx.db, self, d->keeper.incarnation, numbers, MAX_OWN, &n);
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        const struct jt_generation_row *generation = find(d, numbers[i]);
        jt_random_fill(challenge, sizeof challenge);
        if (generation != NULL) {
            err = acknowledge(d, generation, self, challenge, &n_answered);
        }
    }
    return err;
}

/* --- all of it --- */

/*
 * A page in a step: all of them once for each run of the keeper, whose directory may be an older
 * one, and from the newest on whenever there are more.
 */
static enum jt_err erase_abandoned(struct jt_delivery *d)
{
    bool same_keeper = memcmp(d->erased_for, d->keeper.incarnation, sizeof d->erased_for) == 0;
    if (!same_keeper || d->rows.n_abandoned != d->n_abandoned) {
        d->erase_below = d->rows.n_abandoned == 0 ? 0 : JT_ROLL_NEWEST;
        d->n_abandoned = d->rows.n_abandoned;
        memcpy(d->erased_for, d->keeper.incarnation, sizeof d->erased_for);
    }
    enum jt_err err = d->erase_below == 0 ? JT_OK : jt_roll_erase(&d->ctx, &d->erase_below);
    /* one that was shown no ring yet erases nothing */
    return jt_err_class(err) == JT_CLASS_REFRESH ? JT_OK : err;
}

static enum jt_err sweep(struct jt_delivery *d)
{
    int64_t now = jt_clock_ms();
    if (now < d->sweep_due_ms) {
        return JT_OK;
    }
    d->sweep_due_ms = now + SWEEP_EVERY_MS;
    enum jt_err err = jt_parcels_sweep(d->ctx.db);
    return err == JT_OK ? jt_adoptions_sweep(d->ctx.db) : err;
}

/* A keeper that has no service root yet can do nothing else. */
static enum jt_err do_all(struct jt_delivery *d)
{
    bool lacks_live = true;
    enum jt_err err = jt_db_ensure(d->ctx.db);
    if (err == JT_OK) {
        err = jt_keyclient_wait_status(d->ctx.keeper, &d->keeper);
    }
    if (err == JT_OK && !d->keeper.has_root) {
        atomic_store(&d->ctx.vault->keys_held, false);
        return jt_wanted_root(&d->wanted, &d->ctx);
    }
    if (err == JT_OK) {
        err = jt_generations_read(d->ctx.db, &d->rows);
    }
    if (err == JT_OK) {
        err = jt_wanted_generations(&d->wanted, &d->ctx, &d->rows, &lacks_live);
    }
    if (err == JT_OK) {
        atomic_store(&d->ctx.vault->keys_held, !lacks_live);
        err = answer_requests(d);
    }
    if (err == JT_OK) {
        err = answer_questions(d);
    }
    if (err == JT_OK) {
        err = acknowledge_own(d);
    }
    if (err == JT_OK) {
        err = erase_abandoned(d);
    }
    return err == JT_OK ? sweep(d) : err;
}

/* Once for each change. What is only away is told by the membership. */
static void tell(struct jt_delivery *d, enum jt_err err)
{
    if (err != d->told && err != JT_OK && jt_err_class(err) != JT_CLASS_REPEAT &&
        err != JT_ERR_NOT_INITIALIZED) {
        char line[JT_FAULT_LINE_LEN];
        jt_log(JT_LOG_WARNING, "keys cannot go from node to node now: %s",
               jt_fault_line(&d->ctx.fault, err, line));
    }
    d->told = err;
}

static struct jt_again step(void *arg)
{
    struct jt_delivery *d = arg;
    jt_work_about(&d->ctx, "keys of other nodes");
    d->wanted.took = false;
    tell(d, do_all(d));
    int owed_ms = jt_destroyer_step(d->destroyer, &d->ctx);
    if (owed_ms > 0) {
        return (struct jt_again){ .ms = owed_ms };
    }
    return (struct jt_again){ .ms = d->wanted.took ? 0 : EVERY_MS, .on_news = true };
}

enum jt_err jt_delivery_start(struct jt_vault *vault, struct jt_delivery **out)
{
    struct jt_delivery *d = calloc(1, sizeof *d);
    *out = d;
    if (d == NULL) {
        return JT_ERR_NOMEM;
    }
    enum jt_err err = jt_destroyer_new(&d->destroyer);
    if (err == JT_OK) {
        err = jt_work_ctx_init(&d->ctx, vault, "jetond keys", JT_STATEMENT_TIMEOUT_MS);
    }
    return err == JT_OK ? jt_duty_start(step, d, &d->duty) : err;
}

void jt_delivery_stop(struct jt_delivery *d)
{
    if (d != NULL) {
        jt_duty_stop(d->duty);
        jt_work_ctx_clear(&d->ctx);
        jt_destroyer_free(d->destroyer);
        free(d);
    }
}

void jt_delivery_nudge(struct jt_vault *vault)
{
    if (vault->delivery != NULL) {
        jt_duty_nudge(vault->delivery->duty);
    }
}

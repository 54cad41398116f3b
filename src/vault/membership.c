/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/membership.h"

#include "base/clock.h"
#include "base/log.h"
#include "keyclient/nodes.h"
#include "store/cards.h"
#include "store/migrate.h"
#include "store/nodes.h"
#include "store/rehearsal.h"
#include "store/shape.h"
#include "vault/budgets.h"
#include "vault/duty.h"
#include "vault/enrolment.h"
#include "vault/lease.h"
#include "vault/lockout.h"
#include "vault/numeric.h"
#include "vault/recoverer.h"
#include "vault/refresh.h"
#include "vault/ring_step.h"
#include "vault/strays.h"
#include "vault/verdict.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EVERY_MS 1000
/* A jetond that was killed leaves a backend that needs a moment to notice and free its lock. */
#define PATIENCE_MS    5000
#define TAKEN_MS       20 /* before a lock that was found taken is asked for again */
#define SHAPE_EVERY_MS 60000
/* before rows under unused key ids are looked for again where that failed */
#define STRAYS_AGAIN_MS 60000
#define MODEL_AGAIN_MS  10000 /* before the model is tried again where it could not be run */

struct jt_membership {
    struct jt_work_ctx ctx;
    struct jt_duty *duty;

    /* the duty's own */
    struct jt_neighbours neighbours;
    struct jt_node_row row; /* this node's, as it stands in the database */
    /* checked once: a schema that changes under a running front is the operator's doing */
    bool schema_ok;
    struct jt_shape shape;    /* what the tables should be */
    bool strays_sought;       /* rows under unused key ids were looked for since it registered */
    int64_t strays_due_ms;    /* when they are looked for again if not */
    int64_t shape_due_ms;     /* when the tables are looked at again */
    int64_t use_due_ms;       /* when the use of held ciphertext is written again */
    int64_t patient_until_ms; /* with a lock that somebody holds; 0: nobody does */
    bool has_told;            /* the log said something */
    enum jt_err told;         /* what it said last */
    char told_shape[JT_SHAPE_MESSAGE]; /* the same of the tables */

    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t changed;
    bool tried;        /* the first attempt has come to something */
    enum jt_err final; /* this process has no business here */
};

static enum jt_err check_schema(struct jt_membership *m)
{
    int found = 0;
    enum jt_err err = jt_migrate_check(m->ctx.db, &found);
    return err != JT_ERR_MIGRATION_FOREIGN
               ? err
               : jt_fault_set(&m->ctx.fault, err,
                              "the database has schema version %d, this program needs %d: run "
                              "jeton migrate",
                              found, jt_migrate_newest());
}

/* Takes the node's lock. *taken: another session holds it, and may be a front that was killed. */
static enum jt_err join(struct jt_membership *m, bool *taken)
{
    enum jt_err err = jt_db_ensure(m->ctx.db);
    if (err == JT_OK && !m->schema_ok) {
        err = check_schema(m);
        m->schema_ok = err == JT_OK;
    }
    if (err == JT_OK) {
        err = jt_node_claim(m->ctx.db, &m->ctx.vault->node);
    }
    if (err != JT_ERR_NODE_TAKEN) {
        return err;
    }
    *taken = true;
    return jt_fault_set(
        &m->ctx.fault, err,
        "another jetond serves as node %s on this database: every node needs a name "
        "of its own",
        m->ctx.vault->node.name);
}

/* One log line for each change, and not one every second. */
static void tell(struct jt_membership *m, enum jt_err err)
{
    if (m->has_told && err == m->told) {
        return;
    }
    m->has_told = true;
    m->told = err;
    if (err == JT_OK) {
        jt_log(JT_LOG_INFO, "node: registered, and the keeper works under the database's ring");
    } else {
        char line[JT_FAULT_LINE_LEN];
        /* a key that is missing is asked for, and an alarm only if it does not come */
        bool passes = jt_err_class(err) != JT_CLASS_GIVE_UP || err == JT_ERR_KEY_MISSING;
        jt_log(passes ? JT_LOG_WARNING : JT_LOG_ERROR, "node: %s%s; not serving",
               passes ? "" : "alarm: ", jt_fault_line(&m->ctx.fault, err, line));
    }
}

/*
 * Rows under key ids of no live generation. Where they cannot be looked for, cards are served all
 * the same: of a card that stands in such a row alone, tokenize then makes a new one instead of
 * refusing. Reading asks for itself.
 */
static void look_for_strays(struct jt_membership *m)
{
    int64_t now = jt_clock_ms();
    if (m->strays_sought || now < m->strays_due_ms) {
        return;
    }
    enum jt_err err = jt_strays_look(&m->ctx, NULL);
    m->strays_sought = err == JT_OK;
    m->strays_due_ms = now + STRAYS_AGAIN_MS;
    if (err != JT_OK) {
        char line[JT_FAULT_LINE_LEN];
        jt_log(JT_LOG_WARNING,
               "cannot look for cards under key ids of no live generation; trying again in a "
               "minute: %s",
               jt_fault_line(&m->ctx.fault, err, line));
    }
}

/* vault/enrolment.h. *busy: again in a moment. */
static enum jt_err enrol(struct jt_membership *m, bool *busy)
{
    enum jt_err err = jt_enrolment_run(&m->neighbours, &m->ctx, &m->row, busy);
    if (err == JT_OK) {
        m->strays_sought = false;
        m->strays_due_ms = 0;
        look_for_strays(m);
    }
    atomic_store(&m->ctx.vault->registered, err == JT_OK);
    return err;
}

/* --- the tables --- */

static void tell_shape(struct jt_membership *m, enum jt_err err, const char *what,
                       const char *difference)
{
    if (strcmp(m->told_shape, difference) == 0) {
        return;
    }
    snprintf(m->told_shape, sizeof m->told_shape, "%s", difference);
    if (err == JT_OK) {
        jt_log(JT_LOG_INFO, "%s", what);
    } else {
        jt_log(JT_LOG_ERROR, "alarm: %s; not ready: %s", what, difference);
    }
}

/*
 * Looks at the tables when it is time to. While the database cannot be asked, what was found last
 * stands.
 */
static void look_at_tables(struct jt_membership *m)
{
    int64_t now = jt_clock_ms();
    if (now < m->shape_due_ms) {
        return;
    }
    enum jt_err err = m->shape.text != NULL ? JT_OK : jt_shape_learn(m->ctx.db, &m->shape);
    if (err != JT_OK) {
        if (jt_err_class(err) != JT_CLASS_REPEAT) {
            m->shape_due_ms = now + MODEL_AGAIN_MS;
            tell_shape(m, err, "the tables cannot be compared with what jeton migrate makes",
                       m->ctx.fault.cause);
        }
        return;
    }
    char difference[JT_SHAPE_MESSAGE];
    err = jt_shape_check(m->ctx.db, &m->shape, difference);
    if (err == JT_OK) {
        m->shape_due_ms = now + SHAPE_EVERY_MS;
        tell_shape(m, err, "the tables are again what jeton migrate made", "");
    } else if (jt_err_class(err) != JT_CLASS_REPEAT) {
        tell_shape(m, err, "the tables are not what jeton migrate made",
                   err == JT_ERR_OUT_OF_SHAPE ? difference : m->ctx.fault.cause);
    }
    if (jt_err_class(err) != JT_CLASS_REPEAT) {
        atomic_store(&m->ctx.vault->in_shape, err == JT_OK);
    }
}

/* Whether the transactions of the request path do what they are told. */
static void rehearse(struct jt_membership *m, const struct jt_ring_row *row)
{
    struct jt_ring ring;
    struct jt_keyref active = { 0 };
    if (jt_ring_decode(row->body, row->body_len, &ring) != JT_OK) {
        return;
    }
    const struct jt_ring_entry *entry = jt_ring_active(&ring);
    if (entry != NULL) {
        active = (struct jt_keyref){ .generation = entry->number, .key_id = entry->key_id };
    }
    enum jt_err err = jt_rehearse(m->ctx.db, &m->ctx.vault->node, row->epoch, &active);
    if (err == JT_OK) {
        jt_verdict_good(m->ctx.vault);
    } else if ((jt_err_class(err) == JT_CLASS_GIVE_UP || err == JT_ERR_RING_CONTRADICTED) &&
               !atomic_load(&m->ctx.vault->faulty)) {
        (void)jt_verdict_bad(m->ctx.vault, "rehearsal", err, &m->ctx.fault);
    }
}

/* Whether this process has no business here, however often it tries. */
static bool is_final(enum jt_err err)
{
    return err == JT_ERR_NODE_TAKEN || err == JT_ERR_KEEPER_SHARED ||
           err == JT_ERR_MIGRATION_FOREIGN;
}

static void lose_place(struct jt_vault *vault, enum jt_err why)
{
    if (atomic_exchange(&vault->registered, false)) {
        jt_log(JT_LOG_WARNING, "node: %s; registering anew", jt_err_str(why));
    }
}

/*
 * What the keeper says of the row now: the mark rises while ids are minted, and a keeper that
 * started anew has another incarnation. One that has not joined yet has no row.
 */
static enum jt_err keep_row(struct jt_membership *m)
{
    struct jt_node_spec spec = m->ctx.vault->node;
    struct jt_node_row now;
    spec.number = atomic_load(&m->ctx.vault->number);
    enum jt_err err = jt_keyclient_wait_node_row(m->ctx.keeper, &spec, &now);
    if (err == JT_ERR_NOT_JOINED) {
        return JT_OK;
    }
    if (err == JT_OK && memcmp(&now, &m->row, sizeof now) != 0) {
        err = jt_node_update(m->ctx.db, &now);
        m->row = err == JT_OK ? now : m->row;
    }
    return err;
}

/* Everything that a node which holds its lock does once a second. */
static enum jt_err keep_place(struct jt_membership *m, bool registered, bool *busy)
{
    struct jt_vault *vault = m->ctx.vault;
    struct jt_ring_row ring;
    look_at_tables(m);
    jt_fault_clear(&m->ctx.fault); /* what it found is told by itself */
    /*
     * Every time: so a keeper that missed a change hears of it, and a database that went back is
     * noticed without any traffic.
     */
    enum jt_err err = JT_OK;
    if (!registered) {
        /* first: what operators do about a node that cannot be enrolled is recorded */
        err = jt_trail_open(&m->ctx);
        err = err == JT_OK ? enrol(m, busy) : err;
    }
    if (jt_front_course_why(vault) != JT_OK) {
        struct jt_fault fault = m->ctx.fault; /* what is told is why it is refused */
        jt_fault_clear(&m->ctx.fault);
        jt_sets_keep_up(&m->ctx); /* operators are to be known, also after a restart */
        jt_recoverer_attend(&m->ctx, busy);
        m->ctx.fault = fault;
    }
    if (err == JT_OK) {
        err = jt_ring_refresh(&m->ctx, &ring);
    }
    if (err == JT_ERR_NODE_CHANGED) {
        lose_place(vault, err); /* the keeper is another one, with a number of its own */
    }
    if (err == JT_OK) {
        err = jt_neighbours_show(&m->neighbours, &m->ctx);
    }
    if (err == JT_OK) {
        err = keep_row(m);
    }
    if (err == JT_OK) {
        jt_lockout_keep_up(vault->lockout, &m->ctx);
        jt_numeric_keep_up(&m->ctx);
        jt_fault_clear(&m->ctx.fault);
    }
    if (err == JT_OK && (!registered || atomic_load(&vault->faulty))) {
        rehearse(m, &ring);
    }
    if (err == JT_OK) {
        look_for_strays(m);
    }
    return err;
}

static void conclude(struct jt_membership *m, enum jt_err final)
{
    pthread_mutex_lock(&m->mutex);
    m->tried = true;
    m->final = final;
    pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->mutex);
}

/* Whether a lock that was found taken is asked for again at once, and nothing is told yet. */
static bool is_patient(struct jt_membership *m)
{
    int64_t now = jt_clock_ms();
    if (m->patient_until_ms == 0) {
        m->patient_until_ms = now + PATIENCE_MS;
    }
    return now < m->patient_until_ms;
}

/* vault/held_use.h. What could not be written is tried again with the next heartbeat. */
static void write_held_use(struct jt_membership *m)
{
    int64_t now = jt_clock_ms();
    if (now >= m->use_due_ms && jt_held_use_write(&m->ctx) == JT_OK) {
        m->use_due_ms = now + JT_HELD_USE_EVERY_MS;
    }
}

/* The middle of the question is compared with the answer. */
static void note_clock(struct jt_membership *m)
{
    uint64_t before_us = jt_clock_wall_us(), now_us;
    if (jt_cards_clock(m->ctx.db, &now_us) == JT_OK) {
        uint64_t ours_us = before_us + (jt_clock_wall_us() - before_us) / 2;
        atomic_store(&m->ctx.vault->clock_ahead_us, (int64_t)(now_us - ours_us));
    }
}

static struct jt_again step(void *arg)
{
    struct jt_membership *m = arg;
    struct jt_vault *vault = m->ctx.vault;
    bool registered = atomic_load(&vault->registered), taken = false;
    jt_work_about(&m->ctx, "%s", vault->node.name);
    enum jt_err err = registered ? jt_node_check(m->ctx.db, &vault->node) : join(m, &taken);
    if (registered && is_final(err)) {
        err = jt_fault_set(&m->ctx.fault, err, "another jetond has taken over as this node");
    }
    if (err == JT_ERR_NODE_GONE) {
        jt_lease_end(vault);
        lose_place(vault, err);
        return (struct jt_again){ .ms = TAKEN_MS };
    }
    if (err == JT_OK) {
        err = keep_place(m, registered, &taken);
        write_held_use(m);
        note_clock(m);
    } else {
        atomic_store(&vault->registered, false);
    }
    if (atomic_exchange(&vault->held_up, false)) {
        jt_ring_step_end_stuck(&m->ctx);
    }
    if (taken && is_patient(m)) {
        return (struct jt_again){ .ms = TAKEN_MS };
    }
    if (taken) {
        jt_ring_step_end_stuck(&m->ctx);
    } else {
        m->patient_until_ms = 0;
    }
    atomic_store(&vault->unregistered_why, (int)err);
    tell(m, err);
    if (is_final(err)) {
        conclude(m, err);
        kill(getpid(), SIGTERM);
        return JT_DUTY_NEVER_AGAIN;
    }
    conclude(m, JT_OK);
    return (struct jt_again){ .ms = EVERY_MS, .on_news = true };
}

void jt_membership_lost(struct jt_vault *vault, enum jt_err why)
{
    lose_place(vault, why);
    jt_membership_nudge(vault);
}

void jt_membership_nudge(struct jt_vault *vault)
{
    jt_duty_nudge(vault->membership->duty);
}

enum jt_err jt_membership_start(struct jt_vault *vault, struct jt_membership **out)
{
    struct jt_membership *m = calloc(1, sizeof *m);
    *out = m;
    if (m == NULL) {
        return JT_ERR_NOMEM;
    }
    pthread_mutex_init(&m->mutex, NULL);
    pthread_cond_init(&m->changed, NULL);
    enum jt_err err = jt_work_ctx_init(&m->ctx, vault, "jetond node", JT_STATEMENT_TIMEOUT_MS);
    if (err == JT_OK) {
        err = jt_duty_start(step, m, &m->duty);
    }
    if (err != JT_OK) {
        return err;
    }
    pthread_mutex_lock(&m->mutex);
    while (!m->tried) {
        pthread_cond_wait(&m->changed, &m->mutex);
    }
    err = m->final;
    pthread_mutex_unlock(&m->mutex);
    return err;
}

enum jt_err jt_membership_verdict(struct jt_membership *m)
{
    pthread_mutex_lock(&m->mutex);
    enum jt_err final = m->final;
    pthread_mutex_unlock(&m->mutex);
    return final;
}

void jt_membership_stop(struct jt_membership *m)
{
    if (m == NULL) {
        return;
    }
    jt_duty_stop(m->duty);
    if (m->ctx.vault != NULL && atomic_load(&m->ctx.vault->registered)) {
        m->use_due_ms = 0;
        write_held_use(m);
        jt_budgets_give_back(m->ctx.vault->budgets, &m->ctx);
        enum jt_err err = jt_node_leave(m->ctx.db, &m->ctx.vault->node);
        if (err != JT_OK) {
            char line[JT_FAULT_LINE_LEN];
            jt_log(JT_LOG_WARNING, "could not leave the database: %s",
                   jt_fault_line(&m->ctx.fault, err, line));
        }
    }
    jt_shape_clear(&m->shape);
    jt_work_ctx_clear(&m->ctx);
    pthread_cond_destroy(&m->changed);
    pthread_mutex_destroy(&m->mutex);
    free(m);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/recovery.h"

#include "base/log.h"
#include "base/random.h"
#include "base/secmem.h"
#include "crypto/digest.h"
#include "keeper/course.h"
#include "keeper/dirwatch.h"
#include "keeper/foreign.h"
#include "keeper/policy.h"
#include "keeper/recoveryplan.h"
#include "keeper/recoverytext.h"
#include "keeper/rowmac.h"
#include "wire/ring.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(JT_RECOVERY_DIGEST == JT_SHA256_LEN, "SHA-256");

typedef enum jt_err mac_fn(const struct jt_root *root, const uint8_t *body, size_t len,
                           uint8_t out[static JT_ROW_MAC_LEN]);

/* The MAC of a body, and its digest where `digest` is not NULL. Clears the body. */
static enum jt_err finish(const struct jt_keeper *k, mac_fn *mac, struct jt_buf *body,
                          uint8_t out[static JT_ROW_MAC_LEN], uint8_t *digest)
{
    enum jt_err err = jt_buf_status(body);
    if (err == JT_OK) {
        err = mac(k->root, body->data, body->len, out);
    }
    if (err == JT_OK && digest != NULL) {
        err = jt_sha256(body->data, body->len, digest);
    }
    jt_buf_clear(body);
    return err;
}

static enum jt_err authentic(enum jt_err err, const uint8_t made[static JT_ROW_MAC_LEN],
                             const uint8_t given[static JT_ROW_MAC_LEN])
{
    return err == JT_OK && !jt_equal_ct(made, given, JT_ROW_MAC_LEN) ? JT_ERR_FORGED : err;
}

/* --- views --- */

static enum jt_err mac_view(const struct jt_keeper *k, const struct jt_keeper_view *view,
                            uint8_t out[static JT_ROW_MAC_LEN])
{
    struct jt_buf body;
    jt_buf_init(&body, 400);
    jt_keeper_view_body_encode(view, &body);
    return finish(k, jt_rowmac_keeper_view, &body, out, NULL);
}

enum jt_err jt_recovery_view(const struct jt_keeper *k, const char *node,
                             struct jt_keeper_view *out)
{
    const struct jt_course *course = &k->state.course;
    *out = (struct jt_keeper_view){ .epoch = k->state.highest_epoch,
                                    .highest_generation = k->state.highest_generation,
                                    .system_identifier = course->system_identifier,
                                    .timeline = course->timeline,
                                    .lsn = course->lsn,
                                    .renewals = jt_course_renewals(course) };
    memcpy(out->node, node, strnlen(node, JT_NODE_NAME_MAX));
    memcpy(out->incarnation, k->incarnation, sizeof out->incarnation);
    const struct jt_genfile *held = jt_keyring_next(k->keyring, 0);
    for (; held != NULL; held = jt_keyring_next(k->keyring, held->number)) {
        jt_key_id_set_add(out->key_ids, held->key_id);
    }
    return mac_view(k, out, out->mac);
}

/* What the others know beyond this keeper; a view that no keeper made counts for nothing. */
struct others {
    uint64_t epoch, highest_generation;
};

static enum jt_err hear_others(const struct jt_keeper *k, const struct jt_recovery_database *db,
                               struct others *out)
{
    enum jt_err err = JT_OK;
    for (size_t i = 0; i < db->n_views && err == JT_OK; i++) {
        const struct jt_keeper_view *view = &db->views[i];
        uint8_t mac[JT_ROW_MAC_LEN];
        err = mac_view(k, view, mac);
        if (err == JT_OK && jt_equal_ct(mac, view->mac, sizeof mac)) {
            out->epoch = view->epoch > out->epoch ? view->epoch : out->epoch;
            if (view->highest_generation > out->highest_generation) {
                out->highest_generation = view->highest_generation;
            }
        }
    }
    return err;
}

/* --- both sides --- */

/* Why this keeper refuses the database, *why; JT_OK: it does not. */
static enum jt_err judge(const struct jt_keeper *k, const struct jt_recovery_database *db,
                         enum jt_err *why)
{
    struct jt_ring there;
    *why = jt_course_judge(k, &db->course);
    if (*why != JT_OK) {
        return JT_OK;
    }
    enum jt_err err = jt_foreign_ring(k->root, k->development, &db->ring, &there);
    bool same = err == JT_OK && db->ring.epoch == k->state.ring.epoch &&
                jt_equal_ct(db->ring.mac, k->state.ring.mac, sizeof db->ring.mac);
    if (err == JT_OK && !same) {
        *why = there.epoch <= k->state.highest_epoch ? JT_ERR_WENT_BACK
                                                     : jt_policy_accept(&k->ring, &there);
    }
    return err;
}

/*
 * What this keeper remembers. Its course only where the database is refused, since only then it
 * stands still.
 */
static enum jt_err digest_keeper(const struct jt_keeper *k, bool refused,
                                 uint8_t out[static JT_RECOVERY_DIGEST])
{
    static const struct jt_course none;
    struct jt_buf b;
    jt_buf_init(&b, 4096);
    jt_buf_u64(&b, k->state.highest_epoch);
    jt_buf_put(&b, k->state.ring.mac, sizeof k->state.ring.mac);
    jt_buf_u64(&b, k->state.highest_generation);
    jt_buf_u64(&b, k->custodians.set.version);
    jt_course_encode(refused ? &k->state.course : &none, &b);
    enum jt_err err = jt_buf_status(&b);
    if (err == JT_OK) {
        err = jt_sha256(b.data, b.len, out);
    }
    jt_buf_clear(&b);
    return err;
}

/* What the database is, without what moves on by itself. */
static enum jt_err digest_database(const struct jt_recovery_database *db,
                                   uint8_t out[static JT_RECOVERY_DIGEST])
{
    struct jt_buf b;
    jt_buf_init(&b, 64 + JT_RECOVERY_FOUND_MAX * 64);
    jt_buf_u64(&b, db->course.system_identifier);
    jt_buf_u32(&b, db->course.timeline);
    jt_buf_u64(&b, db->ring.epoch);
    jt_buf_put(&b, db->ring.mac, sizeof db->ring.mac);
    for (size_t i = 0; i < db->n_found; i++) {
        jt_generation_row_encode(&db->found[i].row, &b);
    }
    enum jt_err err = jt_buf_status(&b);
    if (err == JT_OK) {
        err = jt_sha256(b.data, b.len, out);
    }
    jt_buf_clear(&b);
    return err;
}

/* What a request says of the present state of things. */
struct present {
    struct jt_ring next;
    struct jt_recovery_plan plan;
    enum jt_err why; /* JT_OK: nothing disagrees */
    uint8_t keeper[JT_RECOVERY_DIGEST], database[JT_RECOVERY_DIGEST],
        plan_digest[JT_RECOVERY_DIGEST];
};

static enum jt_err look(const struct jt_keeper *k, const struct jt_recovery_database *db,
                        struct present *out)
{
    enum jt_err err = jt_recoveryplan_make(k, db, &out->next, &out->plan);
    if (err == JT_OK) {
        err = judge(k, db, &out->why);
    }
    if (err == JT_OK) {
        err = digest_keeper(k, out->why != JT_OK, out->keeper);
    }
    if (err == JT_OK) {
        err = digest_database(db, out->database);
    }
    return err == JT_OK ? jt_recoveryplan_digest(&out->next, &out->plan, out->plan_digest) : err;
}

/* --- the request --- */

static enum jt_err mac_request(const struct jt_keeper *k, const struct jt_recovery_request *request,
                               uint8_t out[static JT_ROW_MAC_LEN], uint8_t *digest)
{
    struct jt_buf body;
    jt_buf_init(&body, JT_RECOVERY_BODY_MAX);
    jt_recovery_body_encode(request, &body);
    return finish(k, jt_rowmac_recovery, &body, out, digest);
}

/* Up to where ids may have been minted under any number, as far as this keeper knows; or now. */
static uint64_t least_floor(const struct jt_keeper *k)
{
    uint64_t floor_ms = jt_keeper_now_ms();
    floor_ms = k->state.id_mark > floor_ms ? k->state.id_mark : floor_ms;
    for (size_t number = 1; number < 256; number++) {
        uint64_t mark = k->state.node_marks[number];
        floor_ms = mark > floor_ms ? mark : floor_ms;
    }
    return floor_ms;
}

static enum jt_err choose_floor(const struct jt_keeper *k, uint64_t wanted_ms, uint64_t *floor_ms)
{
    uint64_t now = jt_keeper_now_ms();
    *floor_ms = least_floor(k);
    if (wanted_ms == 0) {
        return JT_OK;
    }
    if (wanted_ms > now + JT_RECOVERY_FLOOR_AHEAD_MS) {
        return JT_ERR_LIMIT;
    }
    if (wanted_ms < *floor_ms) {
        return JT_ERR_DATE_OVER;
    }
    *floor_ms = wanted_ms;
    return JT_OK;
}

static enum jt_err choose_epoch(const struct jt_keeper *k, const struct jt_recovery_database *db,
                                uint64_t *epoch)
{
    struct others others = { .epoch = 0 };
    enum jt_err err = hear_others(k, db, &others);
    uint64_t highest = k->state.highest_epoch;
    if (err == JT_OK && others.epoch > highest) {
        err = JT_ERR_KEEPER_BEHIND;
    }
    highest = db->ring.epoch > highest ? db->ring.epoch : highest;
    if (err == JT_OK && highest > (uint64_t)INT64_MAX - JT_RECOVERY_STEP) {
        err = JT_ERR_LIMIT;
    }
    *epoch = highest + JT_RECOVERY_STEP;
    return err;
}

static enum jt_err open_request(const struct jt_keeper *k, const struct jt_recovery_open *open,
                                struct present *p, struct jt_recovery_opened *out)
{
    struct jt_recovery_request *r = &out->request;
    enum jt_err err = look(k, &open->database, p);
    if (err == JT_OK && p->why == JT_OK && open->floor_ms == 0) {
        err = JT_ERR_NOT_BEHIND;
    }
    if (err == JT_OK) {
        err = choose_floor(k, open->floor_ms, &r->floor_ms);
    }
    if (err == JT_OK) {
        err = choose_epoch(k, &open->database, &r->epoch);
    }
    if (err != JT_OK) {
        return err;
    }
    memcpy(r->node, open->node, sizeof r->node);
    memcpy(r->keeper, p->keeper, sizeof r->keeper);
    memcpy(r->database, p->database, sizeof r->database);
    memcpy(r->plan, p->plan_digest, sizeof r->plan);
    out->plan = p->plan;
    err = jt_recoverytext_write(k, &open->database, p->why, &p->plan, r);
    return err == JT_OK ? mac_request(k, r, r->mac, NULL) : err;
}

enum jt_err jt_recovery_open(struct jt_keeper *k, const struct jt_recovery_open *open,
                             struct jt_recovery_opened *out)
{
    if (k->custodians.set.version == 0) {
        return JT_ERR_NO_CUSTODIANS;
    }
    struct present *p = calloc(1, sizeof *p);
    enum jt_err err = p == NULL ? JT_ERR_NOMEM : open_request(k, open, p, out);
    free(p);
    return err;
}

/* --- carrying it out --- */

/* Whether the request speaks of what is so now, here and there. */
static bool is_present(const struct jt_recovery_request *r, const struct present *p,
                       const struct jt_keeper *k, const struct jt_recovery_database *db)
{
    return memcmp(r->keeper, p->keeper, sizeof r->keeper) == 0 &&
           memcmp(r->database, p->database, sizeof r->database) == 0 &&
           memcmp(r->plan, p->plan_digest, sizeof r->plan) == 0 &&
           r->epoch > k->state.highest_epoch && r->epoch > db->ring.epoch;
}

static enum jt_err make_rows(const struct jt_keeper *k, const struct present *p, uint64_t epoch,
                             struct jt_recovery_shown *out)
{
    enum jt_err err = JT_OK;
    for (size_t i = 0; i < p->plan.n && err == JT_OK; i++) {
        const struct jt_recovery_change *c = &p->plan.all[i];
        if (c->posts) {
            struct jt_generation_row *row = &out->rows[out->n++];
            *row = (struct jt_generation_row){
                .number = c->number, .key_id = c->key_id, .state = c->after, .mac_epoch = epoch
            };
            memcpy(row->check_value, c->check_value, sizeof row->check_value);
            err = jt_rowmac_generation(k->root, row, row->mac);
        }
    }
    return err;
}

static enum jt_err mac_word(const struct jt_keeper *k, const struct jt_recovery_word *word,
                            uint8_t out[static JT_ROW_MAC_LEN])
{
    struct jt_buf body;
    jt_buf_init(&body, JT_RECOVERY_WORD_MAX);
    jt_recovery_word_body_encode(word, &body);
    return finish(k, jt_rowmac_recovery_word, &body, out, NULL);
}

static enum jt_err make_word(const struct jt_keeper *k, const struct jt_recovery_show *show,
                             const struct jt_recovery_shown *shown, struct jt_recovery_word *word)
{
    const struct jt_recovery_request *r = &show->request;
    uint8_t mac[JT_ROW_MAC_LEN];
    struct others others = { .highest_generation = k->state.highest_generation };
    *word = (struct jt_recovery_word){ .epoch = r->epoch,
                                       .base = show->database.course,
                                       .floor_ms = r->floor_ms };
    enum jt_err err = hear_others(k, &show->database, &others);
    word->highest_generation = others.highest_generation;
    for (size_t i = 0; i < show->database.n_found; i++) {
        uint64_t number = show->database.found[i].row.number;
        word->highest_generation =
            number > word->highest_generation ? number : word->highest_generation;
    }
    if (err == JT_OK) {
        err = jt_sha256(shown->ring.body, shown->ring.body_len, word->ring);
    }
    if (err == JT_OK) {
        err = mac_request(k, r, mac, word->request);
    }
    return err == JT_OK ? mac_word(k, word, word->mac) : err;
}

static enum jt_err propose(const struct jt_keeper *k, const struct jt_recovery_show *show,
                           struct present *p, struct jt_recovery_shown *out)
{
    p->next.epoch = show->request.epoch;
    enum jt_err err = jt_keeper_ring_row(k, &p->next, &out->ring);
    if (err == JT_OK) {
        err = make_rows(k, p, p->next.epoch, out);
    }
    return err == JT_OK ? make_word(k, show, out, &out->word) : err;
}

enum jt_err jt_recovery_show(struct jt_keeper *k, const struct jt_recovery_show *show,
                             struct jt_recovery_shown *out)
{
    const struct jt_recovery_request *r = &show->request;
    uint8_t mac[JT_ROW_MAC_LEN], by[JT_CUSTODIANS_MAX];
    memset(out, 0, sizeof *out);
    enum jt_err err = authentic(mac_request(k, r, mac, NULL), mac, r->mac);
    size_t n = 0;
    if (err == JT_OK) {
        err =
            jt_custodians_count(&k->custodians.set, &show->approvals, r->text, r->text_len, by, &n);
    }
    if (err != JT_OK) {
        return err;
    }
    out->n_approved = (uint8_t)n;
    struct present *p = calloc(1, sizeof *p);
    err = p == NULL ? JT_ERR_NOMEM : look(k, &show->database, p);
    if (err == JT_OK) {
        out->standing = !is_present(r, p, k, &show->database)    ? JT_RECOVERY_STALE
                        : out->n_approved < JT_CUSTODIANS_NEEDED ? JT_RECOVERY_WAITING
                                                                 : JT_RECOVERY_DUE;
        err = out->standing == JT_RECOVERY_DUE ? propose(k, show, p, out) : JT_OK;
    }
    free(p);
    return err;
}

/* --- following --- */

/* Brings back nothing that this keeper knows as gone, and lacks nothing that it knows. */
static bool may_follow(const struct jt_ring *own, const struct jt_ring *next)
{
    if (own->epoch == 0) {
        return true;
    }
    for (size_t i = 0; i < next->n; i++) {
        const struct jt_ring_entry *e = &next->entries[i];
        const struct jt_ring_entry *known = jt_ring_find(own, e->number);
        bool same = known != NULL && known->key_id == e->key_id &&
                    (e->compromised || !known->compromised) &&
                    jt_equal_ct(known->check_value, e->check_value, sizeof e->check_value);
        if (known == NULL ? e->number <= own->highest : !same) {
            return false;
        }
    }
    return next->highest >= own->highest;
}

/* JT_ERR_WENT_BACK: it is authentic, and this keeper has this ring already, or a later one. */
static enum jt_err check_word(const struct jt_keeper *k, const struct jt_recovery_accept *a,
                              struct jt_ring *next)
{
    uint8_t mac[JT_ROW_MAC_LEN], digest[JT_RECOVERY_DIGEST];
    uint64_t missing;
    enum jt_err err = authentic(mac_word(k, &a->word, mac), mac, a->word.mac);
    if (err == JT_OK) {
        err = jt_foreign_ring(k->root, k->development, &a->ring, next);
    }
    if (err == JT_OK) {
        err = jt_sha256(a->ring.body, a->ring.body_len, digest);
    }
    if (err != JT_OK) {
        return err;
    }
    if (next->epoch != a->word.epoch || memcmp(digest, a->word.ring, sizeof digest) != 0 ||
        !jt_course_known(&a->word.base)) {
        return JT_ERR_FORGED;
    }
    if (!jt_equal_ct(next->root_check_value, k->root->check_value, sizeof next->root_check_value)) {
        return JT_ERR_KEY_WRONG;
    }
    if (next->epoch <= k->state.highest_epoch) {
        return JT_ERR_WENT_BACK;
    }
    return may_follow(&k->ring, next) ? jt_policy_held(k->keyring, next, &missing)
                                      : JT_ERR_REVIVES_DESTROYED;
}

static void raise(uint64_t *value, uint64_t to)
{
    *value = to > *value ? to : *value;
}

/* What custodians have said that nothing is minted below. True: it is news. */
static bool raise_floors(struct jt_keeper_state *state, const struct jt_recovery_word *word)
{
    uint64_t before = state->highest_generation;
    bool news = word->highest_generation > before || word->floor_ms > state->id_mark;
    raise(&state->highest_generation, word->highest_generation);
    raise(&state->id_mark, word->floor_ms);
    for (size_t number = 1; number < 256; number++) {
        news = news || word->floor_ms > state->node_marks[number];
        raise(&state->node_marks[number], word->floor_ms);
    }
    return news;
}

/* The floors hold whatever the ring is by now. */
static enum jt_err take_floors(struct jt_keeper *k, const struct jt_recovery_word *word)
{
    struct jt_keeper_state state = k->state;
    enum jt_err err = raise_floors(&state, word) ? jt_keeper_save(k, &state) : JT_OK;
    if (err == JT_OK) {
        jt_idmint_pass(&k->mint, k->state.id_mark);
    }
    return err;
}

enum jt_err jt_recovery_accept(struct jt_keeper *k, const struct jt_recovery_accept *accept)
{
    const struct jt_recovery_word *word = &accept->word;
    struct jt_ring next;
    enum jt_err err = check_word(k, accept, &next);
    if (err == JT_ERR_WENT_BACK) {
        enum jt_err taken = take_floors(k, word);
        return taken == JT_OK ? err : taken;
    }
    if (err == JT_OK) {
        err = jt_dirwatch_check(k, 0, &next);
    }
    if (err != JT_OK) {
        return err;
    }
    struct jt_keeper_state state = k->state;
    state.course = word->base;
    state.forked = false;
    (void)raise_floors(&state, word);
    err = jt_keeper_adopt_with(k, &state, &accept->ring, &next);
    if (err == JT_OK) {
        jt_idmint_pass(&k->mint, k->state.id_mark);
        k->course_why = JT_OK;
        k->joined = false;
        jt_log(JT_LOG_WARNING,
               "two custodians have recovered the database: this keeper goes on from epoch "
               "%" PRIu64,
               next.epoch);
    }
    return err;
}

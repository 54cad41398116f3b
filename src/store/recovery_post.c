/* SPDX-License-Identifier: Apache-2.0 */
/* Carrying out a recovery: generations, ring and word in one transaction. */
#include "store/recoveries.h"

#include "store/audit_params.h"
#include "store/generations.h"
#include "store/news.h"
#include "store/query.h"
#include "store/ring_lock.h"

#include <string.h>

static enum jt_err check_ring(struct jt_db *db, const struct jt_ring_row *from)
{
    struct jt_params p;
    bool same;
    jt_params_init(&p);
    jt_params_u63(&p, from->epoch);
    jt_params_bytes(&p, from->mac, sizeof from->mac);
    enum jt_err err =
        jt_db_ask(db, "SELECT EXISTS (SELECT FROM ring WHERE epoch = $1 AND mac = $2)", &p, &same);
    return err == JT_OK && !same ? JT_ERR_RING_MOVED : err;
}

/*
 * $1 to $6: number, key id, state, check value, epoch of the MAC, MAC; $7 actor. A generation that
 * the database does not know gets its row again, with the dates of now: when it was made, nobody
 * knows here any more. One that drains again begins to drain now, and was not retired.
 */
#define STATE "excluded.state"
#define KEPT(column)                                                           \
    column " = CASE " STATE " WHEN " JT_SQL_RETIRED " THEN coalesce(g." column \
           ", excluded." column ") WHEN " JT_SQL_DESTROYED " THEN g." column " END, "
#define AGAIN(column)                                                              \
    column " = CASE " STATE " WHEN " JT_SQL_DRAINING " THEN excluded." column      \
           " WHEN " JT_SQL_RETIRED " THEN coalesce(g." column ", excluded." column \
           ") WHEN " JT_SQL_DESTROYED " THEN g." column " END, "
#define FIRST(column) column " = coalesce(g." column ", excluded." column "), "
#define BY(at)        "CASE WHEN " at " IS NOT NULL THEN s.actor END"
/* SQL is laid out by hand. */
/* clang-format off */
static const char post_generation[] =
    "INSERT INTO generation AS g (number, key_id, state, check_value, mac_epoch, mac, created_by, "
    "activated_at, activated_by, draining_at, draining_by, retired_at, retired_by, destroyed_at, "
    "destroyed_by) SELECT $1, $2, s.state, $4, $5, $6, s.actor, now(), s.actor, "
    "d.at, " BY("d.at") ", r.at, " BY("r.at") ", x.at, " BY("x.at") " "
    "FROM (VALUES ($3::int2, $7::text)) AS s (state, actor), "
    "LATERAL (SELECT CASE WHEN s.state IN (" JT_SQL_DRAINING ", " JT_SQL_RETIRED ") "
    "THEN now() END) AS d (at), "
    "LATERAL (SELECT CASE WHEN s.state = " JT_SQL_RETIRED " THEN now() END) AS r (at), "
    "LATERAL (SELECT CASE WHEN s.state = " JT_SQL_DESTROYED " THEN now() END) AS x (at) "
    "ON CONFLICT (number) DO UPDATE SET key_id = excluded.key_id, state = " STATE ", "
    "check_value = excluded.check_value, mac_epoch = excluded.mac_epoch, mac = excluded.mac, "
    FIRST("activated_at") FIRST("activated_by") AGAIN("draining_at") AGAIN("draining_by")
    KEPT("retired_at") KEPT("retired_by")
    "destroyed_at = excluded.destroyed_at, destroyed_by = excluded.destroyed_by";
/* clang-format on */

static enum jt_err post_row(struct jt_db *db, const struct jt_generation_row *row,
                            const char *actor)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, row->number);
    jt_params_i16(&p, row->key_id);
    jt_params_i16(&p, row->state);
    jt_params_bytes(&p, row->check_value, sizeof row->check_value);
    jt_params_u63(&p, row->mac_epoch);
    jt_params_bytes(&p, row->mac, sizeof row->mac);
    jt_params_text(&p, actor);
    enum jt_err err = jt_db_change_one(db, post_generation, &p);
    return err == JT_OK ? jt_generation_must_stand(db, row) : err;
}

/*
 * What is destroyed goes first, because it frees its key id, and what becomes active last: at no
 * moment may two be active, or two have one key id.
 */
static int pass_of(const struct jt_generation_row *row)
{
    return row->state == JT_GENERATION_DESTROYED ? 0 : row->state == JT_GENERATION_ACTIVE ? 2 : 1;
}

static enum jt_err post_generations(struct jt_db *db, const struct jt_recovery_post *post)
{
    enum jt_err err = JT_OK;
    for (int pass = 0; pass < 3; pass++) {
        for (size_t i = 0; i < post->n_rows && err == JT_OK; i++) {
            if (pass_of(&post->rows[i]) == pass) {
                err = post_row(db, &post->rows[i], post->act->actor);
            }
        }
    }
    return err;
}

/* The mark is in the ring; who set it, and why, may be gone. */
static enum jt_err mark_compromised(struct jt_db *db, const struct jt_recovery_post *post)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_array(&p, JT_PG_INT8_ARRAY, post->n_compromised, 8);
    for (size_t i = 0; i < post->n_compromised; i++) {
        jt_params_add_u63(&p, post->compromised[i]);
    }
    jt_params_text(&p, post->act->actor);
    return jt_db_change(db,
                        "UPDATE generation SET compromised_at = now(), compromised_by = $2, "
                        "compromised_why = 'marked before the database went back' "
                        "WHERE number = ANY ($1::int8[]) AND compromised_at IS NULL",
                        &p, NULL);
}

static enum jt_err store_word(struct jt_db *db, const struct jt_recovery_post *post)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, post->row->id);
    jt_params_bytes(&p, post->row->mac, sizeof post->row->mac);
    jt_params_u63(&p, post->ring->epoch);
    jt_params_bytes(&p, post->ring->body, post->ring->body_len);
    jt_params_bytes(&p, post->ring->mac, sizeof post->ring->mac);
    jt_params_bytes(&p, post->word, post->word_len);
    jt_params_bytes(&p, post->word_mac, JT_ROW_MAC_LEN);
    enum jt_err err =
        jt_db_change_one(db,
                         "UPDATE recovery SET epoch = $3, ring_body = $4, ring_mac = $5, "
                         "word = $6, word_mac = $7, done_at = now() "
                         "WHERE id = $1 AND mac = $2 AND done_at IS NULL",
                         &p);
    return err == JT_ERR_NO_CHANGE ? JT_ERR_NO_RECOVERY : err;
}

static enum jt_err post_all(struct jt_db *db, const struct jt_recovery_post *post)
{
    enum jt_err err = check_ring(db, post->from);
    if (err == JT_OK) {
        err = store_word(db, post);
    }
    if (err == JT_OK) {
        err = post_generations(db, post);
    }
    if (err == JT_OK) {
        err = mark_compromised(db, post);
    }
    if (err == JT_OK) {
        err = jt_ring_row_replace(db, post->ring, post->from->epoch);
        err = err == JT_ERR_NO_CHANGE ? JT_ERR_RING_MOVED : err;
    }
    if (err == JT_OK) {
        err = jt_ring_must_stand(db, post->ring);
    }
    if (err == JT_OK) {
        err = jt_db_change(db, "DELETE FROM keeper_view", NULL, NULL);
    }
    if (err == JT_OK) {
        err = jt_audit_act(db, post->act, JT_AUDIT_RECOVER, 0, post->record);
    }
    if (err == JT_OK) {
        jt_news_tell(db);
    }
    return err;
}

enum jt_err jt_recovery_post(struct jt_db *db, const struct jt_recovery_post *post, bool *busy)
{
    enum jt_err err = jt_ring_lock_begin(db, busy);
    return err == JT_OK ? jt_db_end(db, post_all(db, post)) : err;
}

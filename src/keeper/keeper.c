/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/keeper.h"

#include "base/clock.h"
#include "base/must.h"
#include "base/random.h"
#include "base/secmem.h"
#include "keeper/ceremony.h"
#include "keeper/course.h"
#include "keeper/genmark.h"
#include "keeper/keydir.h"
#include "keeper/nodemarks.h"
#include "keeper/policy.h"
#include "keeper/rewrap.h"
#include "keeper/rotation.h"
#include "keeper/rowmac.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static enum jt_err init_open(const char *directory, int *dir_fd, struct jt_fault *fault)
{
    enum jt_err err = jt_keydir_make(directory, fault);
    if (err == JT_OK) {
        err = jt_keydir_open(directory, dir_fd, fault);
    }
    struct jt_keydir listing;
    if (err == JT_OK) {
        err = jt_keydir_list(*dir_fd, &listing, fault);
    }
    if (err == JT_OK && listing.master) {
        err = jt_fault_set(fault, JT_ERR_FILE_EXISTS,
                           "%s has a master key already; nothing was changed", directory);
    }
    if (err == JT_OK && (listing.root || listing.n_generations > 0)) {
        err = jt_fault_set(fault, JT_ERR_FILE_EXISTS,
                           "%s holds keys but no master key: restore its %s instead", directory,
                           JT_KEYDIR_MASTER);
    }
    return err;
}

/* In the clear, for development. */
static enum jt_err init_clear(int dir_fd, struct jt_fault *fault)
{
    struct jt_master *master = NULL;
    struct jt_buf file;
    enum jt_err err = jt_master_generate(&master, &file, fault);
    if (err == JT_OK) {
        err = jt_master_store(dir_fd, &file, fault);
    }
    jt_buf_clear(&file);
    jt_master_free(master);
    return err;
}

static enum jt_err init_sealed(int dir_fd, bool development, const char *phrase,
                               struct jt_fault *fault)
{
    struct jt_masterfile file = { .development = development };
    struct jt_buf bytes;
    jt_buf_init(&bytes, JT_MASTERFILE_MAX);
    uint8_t *key = jt_secmem_alloc(JT_MASTER_KEY_LEN);
    enum jt_err err = key == NULL ? JT_ERR_NOMEM : jt_unsealing_fresh_key(&file, key);
    if (err == JT_OK) {
        err = jt_masterfile_seal_phrase(&file, phrase, key);
    }
    if (err == JT_ERR_INVALID) {
        jt_fault_set(fault, err, "the passphrase must have %d to %d characters",
                     JT_MASTER_PHRASE_MIN, JT_MASTER_PHRASE_MAX);
    }
    if (err == JT_OK) {
        jt_masterfile_encode(&file, &bytes);
        err = jt_buf_status(&bytes);
    }
    if (err == JT_OK) {
        err = jt_master_store(dir_fd, &bytes, fault);
    }
    jt_buf_clear(&bytes);
    jt_secmem_free(key, JT_MASTER_KEY_LEN);
    return err == JT_OK ? JT_OK : jt_fault_set(fault, err, "cannot make a master key");
}

enum jt_err jt_keeper_init(const char *directory, bool development, const char *phrase,
                           struct jt_fault *fault)
{
    int dir_fd = -1;
    enum jt_err err = init_open(directory, &dir_fd, fault);
    if (err == JT_OK) {
        err = phrase == NULL ? init_clear(dir_fd, fault)
                             : init_sealed(dir_fd, development, phrase, fault);
    }
    if (dir_fd >= 0) {
        close(dir_fd);
    }
    return err;
}

/* What is durable and what is worked with change together. */
enum jt_err jt_keeper_save(struct jt_keeper *k, const struct jt_keeper_state *next)
{
    enum jt_err err = jt_state_save(k->dir_fd, k->root, next);
    k->state_unsure = err != JT_OK;
    if (err == JT_OK) {
        k->state = *next;
        k->course_moved = false;
    }
    return err;
}

void jt_keeper_save_again(struct jt_keeper *k)
{
    if (k->state_unsure) {
        const struct jt_keeper_state same = k->state;
        k->state_unsure = jt_state_save(k->dir_fd, k->root, &same) != JT_OK;
    }
}

/* Moves the mark of the ids: jt_idmint_save_fn. */
static enum jt_err save_id_mark(void *arg, uint64_t mark_ms)
{
    struct jt_keeper *k = arg;
    struct jt_keeper_state next = k->state;
    next.id_mark = mark_ms;
    return jt_keeper_save(k, &next);
}

/* Moves the count of opened cards: jt_ceiling_save_fn. */
static enum jt_err save_opened(void *arg, const struct jt_opened *opened)
{
    struct jt_keeper *k = arg;
    struct jt_keeper_state next = k->state;
    next.opened = *opened;
    return jt_keeper_save(k, &next);
}

/* Moves the count of messages sealed: jt_sealcount_save_fn. */
static enum jt_err save_sealed(void *arg, const struct jt_sealed_under *sealed)
{
    struct jt_keeper *k = arg;
    struct jt_keeper_state next = k->state;
    next.sealed = *sealed;
    return jt_keeper_save(k, &next);
}

static void index_live(struct jt_keeper *k)
{
    memset(k->live, 0, sizeof k->live);
    for (size_t i = 0; i < k->ring.n; i++) {
        if (jt_policy_openable(&k->ring.entries[i])) {
            k->live[k->ring.entries[i].key_id] = &k->ring.entries[i];
        }
    }
}

static enum jt_err load_generations(struct jt_keeper *k, const struct jt_keydir *listing,
                                    struct jt_fault *fault)
{
    uint8_t *key = jt_secmem_alloc(JT_GENERATION_KEY_LEN);
    enum jt_err err = key != NULL ? JT_OK : JT_ERR_NOMEM;
    for (size_t i = 0; i < listing->n_generations && err == JT_OK; i++) {
        struct jt_genfile meta;
        err = jt_genfile_load(k->dir_fd, k->master, k->development, listing->generations[i], &meta,
                              key, fault);
        if (err == JT_OK) {
            err = jt_keyring_add(k->keyring, &meta, key);
        }
        if (err == JT_ERR_KEY_ID_TAKEN) {
            jt_fault_set(fault, err, "the key files of two generations have the same key id %u",
                         meta.key_id);
        }
    }
    jt_secmem_free(key, JT_GENERATION_KEY_LEN);
    return err;
}

/* Every mark that is there must be good. A mark that should be there and is not: mark_ring. */
static enum jt_err load_marks(struct jt_keeper *k, const struct jt_keydir *listing,
                              struct jt_fault *fault)
{
    enum jt_err err = JT_OK;
    for (size_t i = 0; i < listing->n_marks && err == JT_OK; i++) {
        err = jt_genmark_check(k->dir_fd, k->root, k->development, listing->marks[i],
                               jt_keyring_find(k->keyring, listing->marks[i]), fault);
        jt_keyring_set_used(k->keyring, listing->marks[i]);
    }
    return err;
}

/* Every held key that a ring lists gets its mark before anything is done under that ring. */
static enum jt_err mark_ring(struct jt_keeper *k, const struct jt_ring *ring)
{
    enum jt_err err = JT_OK;
    for (size_t i = 0; i < ring->n && err == JT_OK; i++) {
        const struct jt_genfile *meta = jt_keyring_find(k->keyring, ring->entries[i].number);
        jt_must(meta != NULL || !jt_policy_openable(&ring->entries[i])); /* jt_policy_held */
        if (meta != NULL && !meta->used) {
            err = jt_genmark_write(k->dir_fd, k->root, meta);
            if (err == JT_OK) {
                jt_keyring_set_used(k->keyring, meta->number);
            }
        }
    }
    return err;
}

/* The ring and the key files must agree, or nothing starts. */
static enum jt_err check_ring(struct jt_keeper *k, struct jt_fault *fault)
{
    uint64_t number;
    enum jt_err err = jt_policy_held(k->keyring, &k->ring, &number);
    if (err == JT_ERR_KEY_MISSING) {
        jt_fault_set(fault, err, "the key file of live generation %" PRIu64 " is missing", number);
    } else if (err == JT_ERR_KEY_WRONG) {
        jt_fault_set(fault, err,
                     "the key file of generation %" PRIu64 " is not the key that the ring means",
                     number);
    }
    return err;
}

/* The service root and everything that hangs on it; or nothing, when there is none yet. */
static enum jt_err load_root(struct jt_keeper *k, const struct jt_keydir *listing,
                             struct jt_fault *fault)
{
    if (!listing->root && listing->n_generations > 0) {
        return jt_fault_set(fault, JT_ERR_NO_FILE, "the service root is missing: restore %s",
                            JT_KEYDIR_ROOT);
    }
    if (!listing->root) {
        k->state = (struct jt_keeper_state){ .development = k->development };
        return JT_OK;
    }
    enum jt_err err = jt_root_load(k->dir_fd, k->master, k->development, &k->root, fault);
    if (err == JT_OK) {
        err = load_generations(k, listing, fault);
    }
    if (err == JT_OK) {
        err = load_marks(k, listing, fault);
    }
    if (err == JT_OK) {
        err = jt_state_load(k->dir_fd, k->root, k->development, &k->state, &k->ring, fault);
    }
    if (err == JT_OK) {
        err = jt_honey_load(k->dir_fd, k->root, k->development, &k->honey, fault);
    }
    if (err == JT_OK) {
        err = jt_custodians_load(k->dir_fd, k->root, k->development, &k->custodians, fault);
    }
    if (err == JT_OK) {
        err = jt_destructions_load(k->dir_fd, k->root, k->development, &k->destructions, fault);
    }
    if (err == JT_OK) {
        err = check_ring(k, fault);
    }
    return err == JT_OK ? mark_ring(k, &k->ring) : err;
}

/* What hangs on the master key, and what begins with it. */
static enum jt_err load_keys(struct jt_keeper *k, struct jt_fault *fault)
{
    struct jt_keydir listing;
    enum jt_err err = jt_rotation_list(k->dir_fd, k->development, &listing, fault);
    if (err == JT_OK) {
        k->rotating = false;
        err = load_root(k, &listing, fault);
    }
    if (err != JT_OK) {
        return err;
    }
    /* After a crash the key file may be there, and the state file may not know its number. */
    uint64_t highest = jt_keyring_highest(k->keyring);
    if (highest > k->state.highest_generation) {
        k->state.highest_generation = highest;
    }
    k->dir_good = true;
    k->dir_checked_ms = jt_clock_ms();
    index_live(k);
    jt_idmint_init(&k->mint, k->state.id_mark, save_id_mark, k);
    uint64_t per_second = k->ceiling.per_second, per_day = k->ceiling.per_day;
    jt_ceiling_init(&k->ceiling, &k->state.opened, save_opened, k);
    jt_ceiling_set(&k->ceiling, per_second, per_day);
    jt_sealcount_init(&k->sealcount, &k->state.sealed, save_sealed, k);
    return JT_OK;
}

/* Opens the master key by what the source has, or leaves the keeper sealed. */
static enum jt_err load_master(struct jt_keeper *k, const struct jt_keeper_source *source,
                               struct jt_fault *fault)
{
    enum jt_err err = jt_unsealing_new(k->dir_fd, k->development, &k->unsealing, fault);
    k->sealed = err == JT_OK && k->unsealing != NULL;
    if (err != JT_OK) {
        return err;
    }
    if (!k->sealed) {
        return jt_master_load(k->dir_fd, k->development, &k->master, fault);
    }
    if (source->phrase == NULL || k->unsealing->file.method != JT_MASTER_PASSPHRASE) {
        return JT_OK;
    }
    uint8_t *key = jt_secmem_alloc(JT_MASTER_KEY_LEN);
    err = key == NULL ? JT_ERR_NOMEM
                      : jt_masterfile_open_phrase(&k->unsealing->file, source->phrase, key);
    if (err == JT_ERR_DECRYPT) {
        err = jt_fault_set(fault, JT_ERR_PHRASE_WRONG, "the passphrase does not open %s",
                           JT_KEYDIR_MASTER);
    }
    if (err == JT_OK) {
        err = jt_keeper_unseal(k, key, fault);
    }
    jt_secmem_free(key, JT_MASTER_KEY_LEN);
    return err;
}

static enum jt_err load_files(struct jt_keeper *k, const struct jt_keeper_source *source,
                              struct jt_fault *fault)
{
    struct jt_keydir listing;
    enum jt_err err = jt_keydir_open(source->directory, &k->dir_fd, fault);
    if (err == JT_OK) {
        err = jt_rotation_list(k->dir_fd, k->development, &listing, fault);
    }
    if (err == JT_OK && !listing.master && source->ceremony) {
        k->sealed = true;
        return listing.root || listing.n_generations > 0
                   ? jt_fault_set(fault, JT_ERR_FILE_EXISTS,
                                  "%s holds keys but no master key: restore its %s instead",
                                  source->directory, JT_KEYDIR_MASTER)
                   : JT_OK;
    }
    if (err == JT_OK && !listing.master) {
        err = jt_fault_set(fault, JT_ERR_NO_FILE, "%s has no %s: run jeton-keeper --init first",
                           source->directory, JT_KEYDIR_MASTER);
    }
    if (err == JT_OK) {
        err = load_master(k, source, fault);
    }
    return err != JT_OK || k->master == NULL || k->unsealing != NULL ? err : load_keys(k, fault);
}

enum jt_err jt_keeper_load(const struct jt_keeper_source *source, struct jt_keeper **out,
                           struct jt_fault *fault)
{
    *out = NULL;
    struct jt_keeper *k = calloc(1, sizeof *k);
    if (k == NULL) {
        return jt_fault_raise(fault, JT_ERR_NOMEM);
    }
    k->development = source->development;
    k->dir_fd = -1;
    jt_random_fill(k->incarnation, sizeof k->incarnation);
    k->directory = strdup(source->directory);
    enum jt_err err = k->directory != NULL ? jt_keyring_new(&k->keyring) : JT_ERR_NOMEM;
    if (err == JT_OK) {
        err = jt_batch_new(&k->batch);
    }
    if (err == JT_OK) {
        err = jt_pending_new(&k->pending);
    }
    if (err == JT_OK && source->ceremony) {
        err = jt_ceremony_new(&k->ceremony);
    }
    if (err == JT_OK) {
        err = load_files(k, source, fault);
    }
    if (err != JT_OK) {
        jt_fault_set(fault, err, "cannot start");
        jt_keeper_free(k);
        return err;
    }
    *out = k;
    return JT_OK;
}

/* --- sealed and not --- */

enum jt_err jt_keeper_unseal(struct jt_keeper *k, const uint8_t key[static JT_MASTER_KEY_LEN],
                             struct jt_fault *fault)
{
    enum jt_err err = jt_master_new(key, &k->master);
    if (err == JT_OK &&
        !jt_equal_ct(k->master->check_value, k->unsealing->file.check_value, JT_CHECK_VALUE_LEN)) {
        err = jt_fault_set(fault, JT_ERR_FILE_ALTERED,
                           "%s is damaged: its check value does not agree with its key",
                           JT_KEYDIR_MASTER);
    }
    if (err == JT_OK) {
        err = load_keys(k, fault);
    }
    if (err != JT_OK) {
        jt_keeper_drop(k);
    }
    k->sealed = err != JT_OK;
    return err;
}

void jt_keeper_drop(struct jt_keeper *k)
{
    jt_keyring_clear(k->keyring);
    jt_root_free(k->root);
    jt_master_free(k->master);
    jt_batch_wipe(k->batch, JT_WIRE_MAX_ITEMS);
    jt_pending_clear(k->pending);
    jt_unsealing_forget(k->unsealing);
    jt_rewrap_forget(k);
    jt_ceremony_forget(k->ceremony);
    k->root = NULL;
    k->master = NULL;
    memset(k->live, 0, sizeof k->live);
    k->ring = (struct jt_ring){ 0 };
    k->ring_shown = k->joined = k->numeric_open = k->course_moved = k->state_unsure = false;
    k->course_why = JT_OK;
    jt_wipe(&k->state, sizeof k->state);
    jt_wipe(&k->fields, sizeof k->fields);
    jt_wipe(&k->honey, sizeof k->honey);
    jt_wipe(&k->challenges, sizeof k->challenges);
    jt_wipe(&k->custodians, sizeof k->custodians);
    uint64_t grace_s = k->destructions.grace_s;
    jt_wipe(&k->destructions, sizeof k->destructions);
    k->destructions.grace_s = grace_s;
    k->sealed = true;
}

void jt_keeper_free(struct jt_keeper *k)
{
    if (k == NULL) {
        return;
    }
    jt_batch_free(k->batch);
    jt_pending_free(k->pending);
    jt_keyring_free(k->keyring);
    jt_root_free(k->root);
    jt_master_free(k->master);
    jt_unsealing_free(k->unsealing);
    jt_ceremony_free(k->ceremony);
    if (k->dir_fd >= 0) {
        close(k->dir_fd);
    }
    free(k->directory);
    free(k);
}

enum jt_err jt_keeper_adopt(struct jt_keeper *k, const struct jt_ring_row *row,
                            const struct jt_ring *ring)
{
    const struct jt_keeper_state state = k->state;
    return jt_keeper_adopt_with(k, &state, row, ring);
}

enum jt_err jt_keeper_adopt_with(struct jt_keeper *k, const struct jt_keeper_state *state,
                                 const struct jt_ring_row *row, const struct jt_ring *ring)
{
    struct jt_keeper_state next = *state;
    next.ring = *row;
    next.highest_epoch = ring->epoch;
    if (ring->highest > next.highest_generation) {
        next.highest_generation = ring->highest;
    }
    enum jt_err err = jt_destructions_follow(k, ring);
    if (err == JT_OK) {
        err = mark_ring(k, ring);
    }
    if (err == JT_OK) {
        err = jt_keeper_save(k, &next);
    }
    if (err != JT_OK) {
        return err;
    }
    k->ring = *ring;
    index_live(k);
    jt_keyring_drop_cache(k->keyring);
    return JT_OK;
}

enum jt_err jt_keeper_saw_generation(struct jt_keeper *k, uint64_t number)
{
    struct jt_keeper_state next = k->state;
    if (number > next.highest_generation) {
        next.highest_generation = number;
    }
    /*
     * Saved in any case: what was loaded may be higher than the file, since key files may know of
     * numbers that it does not (jt_keeper_load).
     */
    return jt_keeper_save(k, &next);
}

enum jt_err jt_keeper_take_root(struct jt_keeper *k, struct jt_root *root,
                                const struct jt_keeper_state *state)
{
    enum jt_err err = jt_state_save(k->dir_fd, root, state);
    if (err == JT_OK) {
        err = jt_root_store(k->dir_fd, k->master, root, k->development, root->created_s);
    }
    if (err == JT_OK) {
        k->root = root;
        k->state = *state;
    }
    return err;
}

enum jt_err jt_keeper_make_root(struct jt_keeper *k)
{
    const struct jt_keeper_state empty = { .development = k->development };
    struct jt_root *root;
    enum jt_err err = jt_root_generate(&root);
    if (err == JT_OK) {
        root->created_s = (uint64_t)time(NULL);
        err = jt_keeper_take_root(k, root, &empty);
    }
    if (err != JT_OK) {
        jt_root_free(root);
    }
    return err;
}

uint64_t jt_keeper_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec < JT_IDMINT_EPOCH_S
               ? 0
               : (uint64_t)(t.tv_sec - JT_IDMINT_EPOCH_S) * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

enum jt_err jt_keeper_join(struct jt_keeper *k, const struct jt_node_spec *node, uint64_t newest_ms)
{
    struct jt_keeper_state next = k->state;
    jt_nodemarks_take(&next, node->number);
    next.id_mark = newest_ms > next.id_mark ? newest_ms : next.id_mark;
    enum jt_err err = JT_OK;
    if (next.node != k->state.node || next.id_mark != k->state.id_mark) {
        err = jt_keeper_save(k, &next);
    }
    if (err == JT_OK) {
        jt_idmint_pass(&k->mint, next.id_mark > k->mint.mark_ms ? next.id_mark : newest_ms);
        err = jt_idmint_ahead(&k->mint, jt_keeper_now_ms());
    }
    if (err == JT_OK) {
        k->node = *node;
        k->joined = true;
    }
    return err;
}

enum jt_err jt_keeper_ring_row(const struct jt_keeper *k, const struct jt_ring *ring,
                               struct jt_ring_row *row)
{
    *row = (struct jt_ring_row){ .epoch = ring->epoch };
    struct jt_buf body;
    jt_buf_init(&body, JT_RING_BODY_MAX);
    jt_ring_encode(ring, &body);
    enum jt_err err = jt_buf_status(&body);
    if (err == JT_OK) {
        memcpy(row->body, body.data, body.len);
        row->body_len = body.len;
        err = jt_rowmac_ring(k->root, row->body, row->body_len, row->mac);
    }
    jt_buf_clear(&body);
    return err;
}

enum jt_err jt_keeper_node_row(const struct jt_keeper *k, struct jt_node_row *row)
{
    *row = (struct jt_node_row){ .spec = k->node,
                                 .id_mark = k->state.id_mark,
                                 .mac_epoch = k->ring.epoch };
    memcpy(row->keeper, k->incarnation, sizeof row->keeper);
    return jt_rowmac_node(k->root, row, row->mac);
}

enum jt_err jt_keeper_settle(struct jt_keeper *k)
{
    if (k->sealed) {
        return JT_OK;
    }
    struct jt_keeper_state next = k->state;
    bool mark = k->joined && k->mint.used_ms < k->state.id_mark;
    bool count = k->ceiling.opened.ever != k->state.opened.ever;
    if (mark) {
        jt_nodemarks_settle(&next, k->mint.used_ms);
    }
    bool seals = k->sealcount.sealed.n != k->state.sealed.n;
    next.opened = k->ceiling.opened;
    next.sealed = k->sealcount.sealed;
    bool course = jt_course_unsaved(k);
    enum jt_err err = mark || count || seals || course ? jt_keeper_save(k, &next) : JT_OK;
    enum jt_err settled = k->root == NULL ? JT_OK : jt_destructions_settle(k);
    return err == JT_OK ? settled : err;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/dirwatch.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/secmem.h"
#include "keeper/genmark.h"
#include "keeper/keydir.h"
#include "keeper/policy.h"
#include "keeper/rewrap.h"

#include <inttypes.h>
#include <string.h>

#define AGAIN_MS 1000

static enum jt_err check_master(const struct jt_keeper *k, struct jt_fault *fault)
{
    if (k->unsealing != NULL) {
        return jt_unsealing_check(k->unsealing, k->dir_fd, fault);
    }
    struct jt_master *master;
    enum jt_err err = jt_master_load(k->dir_fd, k->development, &master, fault);
    if (err == JT_OK &&
        !jt_equal_ct(master->check_value, k->master->check_value, sizeof master->check_value)) {
        err = jt_fault_set(fault, JT_ERR_DIRECTORY_BAD, "%s is another master key's",
                           JT_KEYDIR_MASTER);
    }
    jt_master_free(master);
    return err;
}

static enum jt_err check_root(const struct jt_keeper *k, struct jt_fault *fault)
{
    struct jt_root *root;
    enum jt_err err = jt_root_load(k->dir_fd, k->master, k->development, &root, fault);
    if (err == JT_OK &&
        !jt_equal_ct(root->check_value, k->root->check_value, sizeof root->check_value)) {
        err = jt_fault_set(fault, JT_ERR_DIRECTORY_BAD, "%s is another service root's",
                           JT_KEYDIR_ROOT);
    }
    jt_root_free(root);
    return err;
}

/* What it forgot would be forgotten by the next start. */
static enum jt_err check_state(const struct jt_keeper *k, struct jt_fault *fault)
{
    struct jt_keeper_state state;
    struct jt_ring ring;
    enum jt_err err = jt_state_load(k->dir_fd, k->root, k->development, &state, &ring, fault);
    if (err == JT_OK &&
        (state.highest_epoch != k->state.highest_epoch || state.id_mark != k->state.id_mark ||
         memcmp(state.node_marks, k->state.node_marks, sizeof state.node_marks) != 0 ||
         !jt_equal_ct(state.ring.mac, k->state.ring.mac, sizeof state.ring.mac))) {
        err = jt_fault_set(fault, JT_ERR_DIRECTORY_BAD,
                           "the state file is not what this keeper has written last");
    }
    return err;
}

static enum jt_err check_generation(const struct jt_keeper *k, uint64_t number,
                                    struct jt_fault *fault)
{
    const struct jt_genfile *held = jt_keyring_find(k->keyring, number);
    struct jt_genfile meta;
    uint8_t *key = jt_secmem_alloc(JT_GENERATION_KEY_LEN);
    enum jt_err err = key != NULL ? JT_OK : JT_ERR_NOMEM;
    if (err == JT_OK) {
        err = jt_genfile_load(k->dir_fd, k->master, k->development, number, &meta, key, fault);
    }
    if (err == JT_OK &&
        (held == NULL || meta.key_id != held->key_id ||
         !jt_equal_ct(meta.check_value, held->check_value, sizeof meta.check_value))) {
        err = jt_fault_set(fault, JT_ERR_DIRECTORY_BAD,
                           "the key file of generation %" PRIu64 " is another key's", number);
    }
    jt_secmem_free(key, JT_GENERATION_KEY_LEN);
    if (err == JT_OK && held != NULL && held->used) {
        err = jt_genmark_check(k->dir_fd, k->root, k->development, number, held, fault);
    }
    return err;
}

static enum jt_err check_live(const struct jt_keeper *k, const struct jt_ring *ring,
                              struct jt_fault *fault)
{
    enum jt_err err = JT_OK;
    for (size_t i = 0; ring != NULL && i < ring->n && err == JT_OK; i++) {
        if (jt_policy_openable(&ring->entries[i])) {
            err = check_generation(k, ring->entries[i].number, fault);
        }
    }
    return err;
}

/*
 * What is remembered besides: gone it is written again, altered it would keep the next start from
 * serving.
 */
static enum jt_err check_remembered(const struct jt_keeper *k, struct jt_fault *fault)
{
    struct remembered {
        struct jt_honey honey;
        struct jt_custodians custodians;
        struct jt_destructions destructions;
    } *now = jt_secmem_alloc(sizeof *now);
    if (now == NULL) {
        return JT_ERR_NOMEM;
    }
    enum jt_err err = jt_honey_load(k->dir_fd, k->root, k->development, &now->honey, fault);
    if (err == JT_OK) {
        err = jt_custodians_load(k->dir_fd, k->root, k->development, &now->custodians, fault);
    }
    if (err == JT_OK) {
        err = jt_destructions_load(k->dir_fd, k->root, k->development, &now->destructions, fault);
    }
    jt_secmem_free(now, sizeof *now);
    return err;
}

static enum jt_err check(const struct jt_keeper *k, uint64_t number, const struct jt_ring *next,
                         struct jt_fault *fault)
{
    struct jt_keydir listing;
    enum jt_err err = jt_keydir_same(k->directory, k->dir_fd, fault);
    if (err == JT_OK) {
        err = jt_keydir_look(k->dir_fd, &listing, fault);
    }
    if (err == JT_OK) {
        err = check_master(k, fault);
    }
    if (err == JT_OK && k->root != NULL) {
        err = check_root(k, fault);
        if (err == JT_OK) {
            err = check_state(k, fault);
        }
        if (err == JT_OK) {
            err = check_remembered(k, fault);
        }
    }
    if (err == JT_OK) {
        err = check_live(k, &k->ring, fault);
    }
    if (err == JT_OK) {
        err = check_live(k, next, fault);
    }
    return err == JT_OK && number != 0 ? check_generation(k, number, fault) : err;
}

enum jt_err jt_dirwatch_check(struct jt_keeper *k, uint64_t number, const struct jt_ring *next)
{
    struct jt_fault fault = { 0 };
    char line[JT_FAULT_LINE_LEN];
    enum jt_err err = jt_rewrap_end(k);
    if (err == JT_OK) {
        jt_keeper_save_again(k);
        err = check(k, number, next, &fault);
    }
    if (err == JT_ERR_NOMEM || err == JT_ERR_CRYPTO) {
        return err; /* it could not be looked at, which says nothing of it */
    }
    bool good = err == JT_OK;
    if (good != k->dir_good) {
        jt_log(good ? JT_LOG_INFO : JT_LOG_ERROR, "the key directory is %s%s%s",
               good ? "good again" : "not good: ", good ? "" : jt_fault_line(&fault, err, line),
               good ? "" : "; no key is acknowledged, nothing new is made");
    }
    k->dir_good = good;
    k->dir_checked_ms = jt_clock_ms();
    return good ? JT_OK : JT_ERR_DIRECTORY_BAD;
}

bool jt_dirwatch_good(struct jt_keeper *k)
{
    if (jt_clock_ms() - k->dir_checked_ms >= AGAIN_MS) {
        enum jt_err err = jt_dirwatch_check(k, 0, NULL);
        (void)err; /* dir_good says it */
    }
    return k->dir_good;
}

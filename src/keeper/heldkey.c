/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/heldkey.h"

#include "base/log.h"
#include "base/secmem.h"
#include "keeper/genmark.h"
#include "keeper/policy.h"
#include "keeper/rewrap.h"
#include "keeper/rowmac.h"

#include <inttypes.h>
#include <string.h>

static bool is_the_rows(const struct jt_genfile *meta, const struct jt_generation_row *row)
{
    return meta->number == row->number && meta->key_id == row->key_id &&
           jt_equal_ct(meta->check_value, row->check_value, sizeof row->check_value);
}

enum jt_err jt_heldkey_find(const struct jt_keeper *k, const struct jt_generation_row *row,
                            const struct jt_genfile **meta, const uint8_t **key)
{
    *meta = NULL;
    *key = NULL;
    enum jt_err err = jt_rowmac_generation_check(k->root, row);
    if (err != JT_OK) {
        return err;
    }
    *meta = jt_keyring_find(k->keyring, row->number);
    *key = jt_keyring_key(k->keyring, row->number);
    if (*meta == NULL) {
        return JT_ERR_KEY_MISSING;
    }
    return is_the_rows(*meta, row) ? JT_OK : JT_ERR_KEY_WRONG;
}

enum jt_err jt_heldkey_store(struct jt_keeper *k, const struct jt_genfile *meta,
                             const uint8_t key[static JT_GENERATION_KEY_LEN])
{
    enum jt_err err = jt_rewrap_end(k);
    if (err == JT_OK) {
        err = jt_genfile_create(k->dir_fd, k->master, meta, key);
    }
    if (err == JT_OK) {
        err = jt_keeper_saw_generation(k, meta->number);
        if (err == JT_OK) {
            err = jt_keyring_add(k->keyring, meta, key);
        }
        if (err != JT_OK && jt_genfile_erase(k->dir_fd, meta->number) != JT_OK) {
            err = JT_ERR_IO; /* the file stays, unknown to all, until the next start finds it */
        }
    }
    return err;
}

enum jt_err jt_heldkey_erase(struct jt_keeper *k, uint64_t number)
{
    /* it would lie in the file of a rotation that has not ended */
    enum jt_err err = jt_rewrap_end(k);
    if (err == JT_OK) {
        /* an older state file may not know the number: no other key may get it */
        err = jt_keeper_saw_generation(k, number);
    }
    if (err == JT_OK) {
        err = jt_genfile_erase(k->dir_fd, number);
        err = err == JT_ERR_NO_FILE ? JT_OK : err; /* a try that failed behind it has got so far */
    }
    if (err == JT_OK) {
        jt_keyring_remove(k->keyring, number);
    }
    return err;
}

/* Whether a held key may go because the row's comes in its place. */
static bool gives_way(const struct jt_keeper *k, const struct jt_genfile *held,
                      const struct jt_generation_row *row)
{
    return !held->used && !held->acked && held->number <= row->number &&
           jt_ring_find(&k->ring, held->number) == NULL;
}

enum jt_err jt_heldkey_may_take(const struct jt_keeper *k, const struct jt_generation_row *row)
{
    enum jt_err err = jt_policy_take(&k->ring, row);
    if (err != JT_OK) {
        return err;
    }
    const struct jt_genfile *held = jt_keyring_find(k->keyring, row->number);
    if (held != NULL && is_the_rows(held, row)) {
        return JT_ERR_KEY_THERE;
    }
    if (held != NULL && !gives_way(k, held, row)) {
        return JT_ERR_KEY_WRONG;
    }
    held = jt_keyring_by_key_id(k->keyring, row->key_id);
    return held != NULL && !gives_way(k, held, row) ? JT_ERR_KEY_ID_TAKEN : JT_OK;
}

static enum jt_err make_room(struct jt_keeper *k, const struct jt_genfile *held)
{
    if (held == NULL) {
        return JT_OK;
    }
    uint64_t number = held->number;
    jt_log(JT_LOG_WARNING,
           "the key of generation %" PRIu64 " that is here was never used, and is not the one that "
           "the database means: it is erased for the one that another keeper has",
           number);
    return jt_heldkey_erase(k, number);
}

/* Whether the key has been in a ring: a mark may be here without its key. */
static enum jt_err look_for_mark(struct jt_keeper *k, struct jt_genfile *meta)
{
    struct jt_fault ignored = { 0 };
    enum jt_err err =
        jt_genmark_check(k->dir_fd, k->root, k->development, meta->number, meta, &ignored);
    meta->used = err == JT_OK;
    return err == JT_ERR_NO_FILE ? JT_OK : err == JT_ERR_FILE_ALTERED ? JT_ERR_KEY_WRONG : err;
}

enum jt_err jt_heldkey_take(struct jt_keeper *k, const struct jt_generation_row *row,
                            uint64_t created_s, const uint8_t key[static JT_GENERATION_KEY_LEN])
{
    struct jt_genfile meta = { .number = row->number,
                               .key_id = row->key_id,
                               .development = k->development,
                               .created_s = created_s,
                               .foreign = true };
    memcpy(meta.check_value, row->check_value, sizeof meta.check_value);
    enum jt_err err = look_for_mark(k, &meta);
    if (err == JT_OK) {
        err = make_room(k, jt_keyring_find(k->keyring, row->number));
    }
    if (err == JT_OK) {
        err = make_room(k, jt_keyring_by_key_id(k->keyring, row->key_id));
    }
    return err == JT_OK ? jt_heldkey_store(k, &meta, key) : err;
}

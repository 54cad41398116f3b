/* SPDX-License-Identifier: Apache-2.0 */
/* GENERATION_CREATE and GENERATION_ABANDON: the verbs that make and erase key files. */
#include "keeper/op.h"

#include "base/secmem.h"
#include "crypto/wrap.h"
#include "keeper/dirwatch.h"
#include "keeper/heldkey.h"
#include "keeper/policy.h"
#include "keeper/rowmac.h"
#include "wire/generation.h"

#include <string.h>
#include <time.h>

static enum jt_err make_key(struct jt_keeper *k, struct jt_genfile *meta)
{
    uint8_t *key = jt_secmem_alloc(JT_GENERATION_KEY_LEN);
    if (key == NULL) {
        return JT_ERR_NOMEM;
    }
    enum jt_err err = jt_wrap_random_key(key, JT_GENERATION_KEY_LEN);
    if (err == JT_OK) {
        err = jt_genfile_check_value(key, meta->check_value);
    }
    if (err == JT_OK) {
        err = jt_heldkey_store(k, meta, key);
    }
    jt_secmem_free(key, JT_GENERATION_KEY_LEN);
    return err;
}

/*
 * A key that was made here and never came into a ring, and of which the database knows nothing: it
 * is given out again.
 */
static bool take_unused(const struct jt_keeper *k, const struct jt_generation_create *create,
                        struct jt_genfile *meta)
{
    uint64_t above = create->db_highest > k->ring.highest ? create->db_highest : k->ring.highest;
    const struct jt_genfile *held = jt_keyring_find(
        k->keyring, jt_keyring_unused_above(k->keyring, above, create->used_key_ids));
    if (held != NULL) {
        *meta = *held;
    }
    return held != NULL;
}

enum jt_err jt_op_generation_create(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_generation_create create;
    struct jt_genfile meta = { .development = k->development, .created_s = (uint64_t)time(NULL) };
    enum jt_err err = jt_generation_create_decode(in, &create);
    if (err == JT_OK && !take_unused(k, &create, &meta)) {
        err = jt_policy_next_generation(k->keyring, &k->ring, k->state.highest_generation, &create,
                                        &meta.number, &meta.key_id);
        if (err == JT_OK) {
            err = make_key(k, &meta);
        }
    }
    if (err == JT_OK) {
        /* a key in a directory that is no more: made again next time */
        err = jt_dirwatch_check(k, meta.number, NULL);
    }
    if (err != JT_OK) {
        return err;
    }
    struct jt_generation_row row = {
        .number = meta.number,
        .key_id = meta.key_id,
        .state = JT_GENERATION_FUTURE,
        .mac_epoch = k->ring.epoch,
    };
    memcpy(row.check_value, meta.check_value, sizeof row.check_value);
    err = jt_rowmac_generation(k->root, &row, row.mac);
    if (err == JT_OK) {
        jt_generation_row_encode(&row, out);
    }
    return err;
}

/*
 * Whether the key of the row may be erased: a future row, authentic and that very key's; a
 * generation that neither the ring lists nor a mark says was ever in one. No generation ever leaves
 * the ring (policy), but the state file may have gone back: the mark has not, and the database's
 * ring was shown since the start.
 */
static enum jt_err may_abandon(const struct jt_keeper *k, const struct jt_generation_row *row)
{
    enum jt_err err = jt_rowmac_generation_check(k->root, row);
    if (err != JT_OK) {
        return err;
    }
    const struct jt_genfile *meta = jt_keyring_find(k->keyring, row->number);
    if (row->state != JT_GENERATION_FUTURE) {
        return JT_ERR_WRONG_STATE;
    }
    if (jt_ring_find(&k->ring, row->number) != NULL) {
        return JT_ERR_USED_BEFORE;
    }
    if (meta == NULL || meta->key_id != row->key_id ||
        !jt_equal_ct(meta->check_value, row->check_value, sizeof row->check_value)) {
        return JT_ERR_KEY_MISSING;
    }
    return meta->used ? JT_ERR_USED_BEFORE : JT_OK;
}

enum jt_err jt_op_generation_abandon(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    (void)out;
    struct jt_generation_row row;
    enum jt_err err = jt_generation_abandon_decode(in, &row);
    if (err == JT_OK) {
        err = may_abandon(k, &row);
    }
    return err == JT_OK ? jt_heldkey_erase(k, row.number) : err;
}

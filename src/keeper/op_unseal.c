/* SPDX-License-Identifier: Apache-2.0 */
/* UNSEAL and SEAL_UP. */
#include "keeper/op.h"

#include "base/log.h"
#include "base/secmem.h"
#include "keeper/ceremony.h"
#include "keeper/rewrap.h"
#include "wire/custody.h"
#include "wire/frame.h"

_Static_assert((int)JT_CUSTODY_PHRASE == (int)JT_MASTER_PASSPHRASE &&
                   (int)JT_CUSTODY_SHARES == (int)JT_MASTER_SHARES &&
                   (int)JT_CUSTODY_PKCS11 == (int)JT_MASTER_PKCS11,
               "methods of the file go over the wire");
_Static_assert(JT_MASTER_PHRASE_MAX == JT_CUSTODY_TEXT_MAX &&
                   JT_SHARES_MAX == JT_CUSTODY_SHARES_MAX,
               "they fit");

static void reply(const struct jt_keeper *k, struct jt_buf *out)
{
    const struct jt_unsealing *u = k->unsealing;
    struct jt_unsealed unsealed = { .method = JT_CUSTODY_CLEAR, .sealed = k->sealed };
    if (u != NULL) {
        unsealed.method = u->file.method;
        unsealed.needed = u->file.k;
        unsealed.given = (uint8_t)u->n;
    } else if (k->master == NULL) {
        unsealed.method = JT_CUSTODY_NONE;
    }
    jt_unsealed_encode(&unsealed, out);
}

/* Everything hangs on it: what does not load is told as a start would tell it. */
static enum jt_err go_on(struct jt_keeper *k, const uint8_t key[static JT_MASTER_KEY_LEN])
{
    struct jt_fault fault = { 0 };
    char line[JT_FAULT_LINE_LEN];
    enum jt_err err = jt_keeper_unseal(k, key, &fault);
    if (err != JT_OK) {
        jt_log(JT_LOG_ERROR, "cannot be unsealed: %s", jt_fault_line(&fault, err, line));
        return err;
    }
    if (k->ceremony != NULL) {
        jt_ceremony_opened(k->ceremony, key);
    }
    jt_log(JT_LOG_INFO, "unsealed: %zu generation keys", jt_keyring_count(k->keyring));
    return JT_OK;
}

static enum jt_err give(struct jt_keeper *k, const struct jt_unseal *unseal)
{
    bool complete = false;
    uint8_t *key = jt_secmem_alloc(JT_MASTER_KEY_LEN);
    enum jt_err err =
        key == NULL ? JT_ERR_NOMEM : jt_unsealing_give(k->unsealing, unseal, &complete, key);
    if (err != JT_OK) {
        jt_log(JT_LOG_WARNING, "sealed: what was given was refused: %s", jt_err_str(err));
    } else if (complete) {
        err = go_on(k, key);
    } else {
        jt_log(JT_LOG_INFO, "sealed: share %zu of %u is there", k->unsealing->n,
               k->unsealing->file.k);
    }
    jt_secmem_free(key, JT_MASTER_KEY_LEN);
    return err;
}

enum jt_err jt_op_unseal(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_unseal unseal;
    enum jt_err err = jt_unseal_decode(in, &unseal);
    if (err == JT_OK && unseal.kind != JT_UNSEAL_NOTHING) {
        err = !k->sealed             ? JT_ERR_NOT_SEALED
              : k->unsealing == NULL ? JT_ERR_NO_CEREMONY
                                     : give(k, &unseal);
    }
    jt_wipe(&unseal, sizeof unseal);
    if (err == JT_OK) {
        reply(k, out);
    }
    return err;
}

enum jt_err jt_op_unseal_box(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    if (jt_wire_end(in) != JT_OK) {
        return JT_ERR_PROTOCOL;
    }
    /* of the master key that is to be opened next: a rotation may be about another node's */
    const struct jt_unsealing *u = k->unsealing;
    if (jt_rewrap_is_askers(k) && k->ceremony->rotation.next != NULL) {
        u = k->ceremony->rotation.next;
    }
    if (u == NULL || u->file.method != JT_MASTER_PKCS11) {
        return JT_ERR_OTHER_METHOD;
    }
    jt_unseal_box_encode(&u->file.box, out);
    return JT_OK;
}

enum jt_err jt_op_seal_up(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    (void)out;
    if (jt_wire_end(in) != JT_OK) {
        return JT_ERR_PROTOCOL;
    }
    if (k->unsealing == NULL) {
        return JT_ERR_OTHER_METHOD;
    }
    jt_honey_tell(&k->honey);
    if (jt_keeper_settle(k) != JT_OK) {
        jt_log(JT_LOG_WARNING, "the state file could not be brought up to date: the next ids will "
                               "begin ahead of the clock");
    }
    jt_keeper_drop(k);
    jt_log(JT_LOG_WARNING, "sealed by order: all keys are wiped");
    return JT_OK;
}

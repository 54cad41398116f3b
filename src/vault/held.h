/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encrypt, decrypt and re-encrypt for applications that keep the ciphertext in their own tables
 * (wire/held.h). A verb of a lane (vault/lane.h): nothing is stored but the audit.
 *
 * A batch is one keeper call for each kind of work in it, then one audit row for each request. The
 * audit is committed under the ring rule: only where the epoch is the keeper's and this node
 * stands, so that no envelope goes out under a generation that was no longer active when it was
 * audited. Only after the commit does anything leave.
 *
 * Every failure to decrypt is the one reason JT_ERR_NOT_OPENED. An unknown key id may be one that
 * this keeper has not heard of: it is looked at once more after a refresh.
 */
#ifndef JETON_VAULT_HELD_H
#define JETON_VAULT_HELD_H

#include "vault/lane.h"

enum jt_held_work { JT_HELD_ENCRYPT, JT_HELD_DECRYPT, JT_HELD_REENCRYPT, JT_N_HELD_WORK };

struct jt_held_item_io {
    /* asked: the caller's memory */
    const uint8_t *row_id;
    uint8_t row_id_len;
    const uint8_t *in; /* the value, or the envelope */
    uint16_t in_len;
    /*
     * JT_OK; JT_ERR_NOT_OPENED; JT_ERR_NO_ACTIVE: nothing may be sealed; JT_ERR_NO_FIELD; what may
     * pass, by its class.
     */
    enum jt_err err;
    /* answered, with JT_OK: malloc'd; jt_held_clear wipes and frees them */
    uint8_t *value; /* decrypt */
    uint16_t value_len;
    uint8_t *envelope; /* fresh; NULL where a decrypt needs none or none can be made */
    uint16_t envelope_len;
    bool stale; /* the envelope that came was not under the active generation */

    /* the lane's own */
    uint64_t generation, tag;
};

/* Owned by the caller, who keeps it alive until `done`, as in vault/tokenize.h. */
struct jt_held_request {
    const char *client;
    const struct jt_origin *origin;
    enum jt_held_work work;
    uint32_t field;
    uint8_t kind; /* enum jt_field_kind: the field's */
    struct jt_held_item_io *items;
    size_t n_items; /* at least 1 */
    void (*done)(struct jt_held_request *request);
    void *arg;

    struct jt_lane_request lane; /* the lane's own */
};

extern const struct jt_lane_verb jt_verb_held;

bool jt_held_submit(struct jt_lane *lane, struct jt_held_request *request);

/* Lets go of what was answered. */
void jt_held_clear(struct jt_held_item_io *item);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/setrule.h"

#include "base/secmem.h"

#include <string.h>

static const struct jt_seen_set *seen_of(const struct jt_keeper *k, uint8_t kind)
{
    return &k->state.seen[kind - 1];
}

enum jt_err jt_setrule_current(const struct jt_keeper *k, const struct jt_set_row *row)
{
    const struct jt_seen_set *seen = seen_of(k, row->kind);
    bool same = row->version == seen->version && jt_equal_ct(row->mac, seen->mac, sizeof seen->mac);
    return row->version > seen->version || same ? JT_OK : JT_ERR_SET_OLD;
}

enum jt_err jt_setrule_agrees(const struct jt_keeper *k, const struct jt_setdigest *rows,
                              const struct jt_set_row *row)
{
    struct jt_setdigest stored;
    enum jt_err err = jt_setdigest_open_row(k->root, row, &stored);
    if (err == JT_OK &&
        (stored.n != rows->n || ((stored.high ^ rows->high) | (stored.low ^ rows->low)) != 0)) {
        err = JT_ERR_SET_WRONG;
    }
    return err;
}

static void note(struct jt_keeper_state *state, const struct jt_set_row *row)
{
    struct jt_seen_set *seen = &state->seen[row->kind - 1];
    seen->version = row->version;
    memcpy(seen->mac, row->mac, sizeof seen->mac);
    if (row->kind == JT_SET_CLIENTS && row->operators > state->operators_revoked) {
        state->operators_revoked = row->operators;
    }
}

enum jt_err jt_setrule_saw(struct jt_keeper *k, const struct jt_set_row *row)
{
    if (row->version == seen_of(k, row->kind)->version) {
        return JT_OK;
    }
    struct jt_keeper_state next = k->state;
    note(&next, row);
    return jt_keeper_save(k, &next);
}

enum jt_err jt_setrule_go_back(struct jt_keeper *k, const struct jt_set_row *clients,
                               const struct jt_set_row *fields)
{
    bool older = jt_setrule_current(k, clients) != JT_OK || jt_setrule_current(k, fields) != JT_OK;
    if (!older || clients->version < k->state.operators_revoked) {
        return JT_ERR_NO_OLD_SET;
    }
    struct jt_keeper_state next = k->state;
    note(&next, clients);
    note(&next, fields);
    return jt_keeper_save(k, &next);
}

enum jt_err jt_setrule_next(const struct jt_keeper *k, const struct jt_set_row *now,
                            enum jt_set_kind kind, bool adds, struct jt_setdigest *d,
                            struct jt_set_row *next)
{
    uint32_t max = kind == JT_SET_CLIENTS ? JT_SET_MAX_CLIENTS : JT_SET_MAX_FIELDS;
    if (now->kind != kind) {
        return JT_ERR_INVALID;
    }
    enum jt_err err = jt_setdigest_open_row(k->root, now, d);
    if (err == JT_OK) {
        err = jt_setrule_current(k, now);
    }
    if (err == JT_OK && ((adds && d->n >= max) || now->version >= INT64_MAX)) {
        err = JT_ERR_SET_FULL;
    }
    *next = (struct jt_set_row){ .kind = now->kind,
                                 .version = now->version + 1,
                                 .operators = now->operators,
                                 .mac_epoch = k->ring.epoch };
    return err;
}

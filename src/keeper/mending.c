/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/mending.h"

#include "base/secmem.h"
#include "keeper/walk.h"

/* Keeps in cards[] those whose envelope decrypts to a card number, which is in pans[at] then. */
static enum jt_err find_candidates(struct jt_batch *b, struct jt_fieldkey *fk, bool dedup,
                                   const struct jt_mending *how, size_t *n)
{
    enum jt_err err = JT_OK;
    size_t kept = 0;
    for (size_t i = 0; i < *n && err == JT_OK; i++) {
        struct jt_batch_card c = b->cards[i];
        const struct jt_open_item *item = how->item(b, c.at);
        err = jt_fieldkey_candidate(fk, item->envelope, item->envelope_len, b->pans[c.at]);
        if (err != JT_OK) {
            break;
        }
        c.value = jt_batch_opened(b, c.at, item->envelope_len);
        c.dedup = dedup;
        jt_batch_set_id(b, c.at, item->id);
        if (jt_batch_value_good(&c.value)) {
            b->cards[kept++] = c;
        } else {
            jt_wipe(b->pans[c.at], sizeof b->pans[c.at]);
            if (how->drop != NULL) {
                how->drop(how->arg, c.at);
            }
        }
    }
    *n = kept;
    return err;
}

enum jt_err jt_mending_try(struct jt_batch *b, struct jt_fieldkey *fk, bool dedup,
                           const struct jt_mending *how, size_t *n)
{
    enum jt_err err = find_candidates(b, fk, dedup, how, n);
    if (err == JT_OK) {
        err = jt_batch_fingerprint(b, fk, *n, b->fingerprints[0], sizeof b->fingerprints[0]);
    }
    for (size_t i = 0; i < *n && err == JT_OK; i++) {
        const struct jt_open_item *item = how->item(b, b->cards[i].at);
        jt_walk_take(b, i, item->id, b->fingerprints[b->cards[i].at], item->envelope,
                     item->envelope_len);
        b->cards[i].digits = &item->digits;
    }
    return err == JT_OK ? jt_batch_open(b, fk, *n) : err;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WRITEOFF_OPEN and WRITEOFF_SHOW: the request to write off cards that nobody can open, and the
 * warrant once two custodians have signed it.
 *
 * No card is listed that this keeper could open or mend: it tries each, under the generation's key,
 * in its row as that was shown. Whoever made up rows gets a list of made-up rows; nothing that
 * stands in the table is moved by it, because a row goes only if it is byte for byte as listed. Of
 * what was tried nothing is told but that, so no card is counted as opened.
 */
#include "keeper/op.h"

#include "base/hex.h"
#include "base/random.h"
#include "base/secmem.h"
#include "crypto/digest.h"
#include "keeper/certtext.h"
#include "keeper/custodians.h"
#include "keeper/mending.h"
#include "keeper/rowmac.h"
#include "keeper/walk.h"
#include "keeper/writeoff.h"
#include "wire/frame.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(JT_WRITEOFF_DIGEST_LEN == JT_SHA256_LEN, "SHA-256");

/* --- trying --- */

static const struct jt_open_item *item_at(const struct jt_batch *b, size_t at)
{
    return &b->items.writeoff[at].card;
}

static void leave_out(struct jt_keeper *k, size_t at)
{
    k->batch->items.writeoff[at].cause = 0;
}

/* Of a form that no envelope has: there is nothing to try. */
static enum jt_err sort_item(struct jt_keeper *k, void *arg, size_t at, struct jt_group *group)
{
    (void)arg;
    struct jt_writeoff_item *item = &k->batch->items.writeoff[at];
    item->cause = JT_STUCK_FOREIGN;
    if (!jt_batch_envelope_len_good(item->card.envelope_len)) {
        return JT_ERR_DECRYPT;
    }
    bool known = jt_fieldtable_find(&k->fields, item->card.field) != NULL;
    item->cause = known ? JT_STUCK_CORRUPT : JT_STUCK_FIELD;
    *group = (struct jt_group){ .key_id = item->card.envelope[0], .field = item->card.field };
    return JT_OK;
}

/* What sort_item refused is on the list; what there was no time for is on the next one. */
static void refuse(struct jt_keeper *k, void *arg, size_t at, enum jt_err err)
{
    (void)arg;
    if (err == JT_ERR_DERIVATIONS) {
        leave_out(k, at);
    }
}

/* As the row stands. The places of those that do not open are in cards[] again. */
static enum jt_err try_to_open(struct jt_keeper *k, struct jt_fieldkey *fk, size_t *n)
{
    struct jt_batch *b = k->batch;
    for (size_t i = 0; i < *n; i++) {
        const struct jt_open_item *item = item_at(b, b->cards[i].at);
        jt_walk_take(b, i, item->id, item->fingerprint, item->envelope, item->envelope_len);
        b->cards[i].digits = &item->digits;
    }
    enum jt_err err = jt_batch_open(b, fk, *n);
    size_t kept = 0;
    for (size_t i = 0; i < *n && err == JT_OK; i++) {
        if (b->siv[i].err == JT_OK) {
            leave_out(k, b->cards[i].at);
        } else {
            b->cards[kept++].at = b->cards[i].at;
        }
    }
    *n = kept;
    return err;
}

static enum jt_err try_to_mend(struct jt_keeper *k, struct jt_fieldkey *fk, bool dedup, size_t n)
{
    static const struct jt_mending how = { .item = item_at };
    struct jt_batch *b = k->batch;
    enum jt_err err = jt_mending_try(b, fk, dedup, &how, &n);
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        if (b->siv[i].err == JT_OK) {
            leave_out(k, b->cards[i].at);
        }
    }
    return err;
}

/* Of a field that is not known, neither is whether it links equal cards: both are tried. */
static enum jt_err try_group(struct jt_keeper *k, void *arg, const struct jt_group *group, size_t n)
{
    struct jt_batch *b = k->batch;
    size_t places[JT_BATCH_CHUNK];
    struct jt_fieldkey *fk;
    (void)arg;
    const struct jt_named_field *named = jt_fieldtable_find(&k->fields, group->field);
    enum jt_err err =
        jt_keyring_fieldkey(k->keyring, jt_walk_entry(k, group)->number, group->field, &fk);
    if (err == JT_OK) {
        err = try_to_open(k, fk, &n);
    }
    for (size_t i = 0; i < n; i++) {
        places[i] = b->cards[i].at;
    }
    for (int linked = 0; linked < 2 && err == JT_OK; linked++) {
        if (named == NULL || named->dedup == (linked == 1)) {
            for (size_t i = 0; i < n; i++) {
                b->cards[i].at = places[i];
            }
            err = try_to_mend(k, fk, linked == 1, n);
        }
    }
    return err;
}

/* --- the request --- */

/* Counts by cause, and what the signature means, in plain words. */
static void add_meaning(const struct jt_batch *b, const struct jt_writeoff_request *r, char *text,
                        size_t *len)
{
    uint32_t by_cause[JT_N_STUCK_CAUSES] = { 0 };
    for (size_t i = 0; i < r->n_cards; i++) {
        by_cause[b->items.writeoff[i].cause]++;
    }
    for (unsigned cause = 0; cause < JT_N_STUCK_CAUSES; cause++) {
        if (by_cause[cause] > 0) {
            jt_certtext_add(text, JT_WRITEOFF_TEXT_MAX, len, "cause: %s %" PRIu32 "\n",
                            jt_stuck_cause_name((enum jt_stuck_cause)cause), by_cause[cause]);
        }
    }
    jt_certtext_add(text, JT_WRITEOFF_TEXT_MAX, len,
                    "meaning: no keeper can open or mend these cards as they stand\n"
                    "meaning: they leave the vault for quarantine, and their tokens are lost\n"
                    "meaning: with the key of the generation they are destroyed for ever\n");
}

static enum jt_err write_request(const struct jt_keeper *k, struct jt_writeoff_request *r)
{
    uint8_t challenge[JT_CHALLENGE_LEN];
    char digest_hex[2 * JT_WRITEOFF_DIGEST_LEN + 1], challenge_hex[2 * sizeof challenge + 1];
    char head[JT_CERTTEXT_HEAD_MAX];
    size_t len = 0;
    jt_hex_encode(r->digest, sizeof r->digest, digest_hex);
    jt_random_fill(challenge, sizeof challenge);
    jt_hex_encode(challenge, sizeof challenge, challenge_hex);
    (void)jt_certtext_head(k, "jeton custodian approval v1\nact: write-off-cards", r->generation,
                           r->key_id, r->check_value, head);
    jt_certtext_add(r->text, JT_WRITEOFF_TEXT_MAX, &len,
                    "%swrite-off: %" PRIu32 "\ncards: %" PRIu32 "\nlist-sha256: %s\n", head,
                    r->number, r->n_cards, digest_hex);
    add_meaning(k->batch, r, r->text, &len);
    jt_certtext_add(r->text, JT_WRITEOFF_TEXT_MAX, &len, "challenge: %s\n", challenge_hex);
    if (len > JT_WRITEOFF_TEXT_MAX) {
        return JT_ERR_LIMIT;
    }
    r->text_len = (uint16_t)len;
    return jt_writeoff_request_mac(k->root, r, r->mac);
}

/* The digest of the list as it is stored: the front makes the same bytes. */
static enum jt_err digest_list(const struct jt_batch *b, size_t n,
                               uint8_t out[static JT_WRITEOFF_DIGEST_LEN])
{
    struct jt_buf list;
    jt_buf_init(&list, JT_WRITEOFF_LIST_MAX);
    jt_writeoff_list_encode(b->items.writeoff, n, &list);
    enum jt_err err = jt_buf_status(&list);
    if (err == JT_OK) {
        err = jt_sha256(list.data, list.len, out);
    }
    jt_buf_clear(&list);
    return err;
}

/* Whether all rows are of a generation that drains, and there is somebody to approve. */
static enum jt_err may_open(const struct jt_keeper *k, const struct jt_writeoff_open *open)
{
    const struct jt_generation_row *row = &open->generation;
    enum jt_err err = jt_rowmac_generation_check(k->root, row);
    if (err != JT_OK) {
        return err;
    }
    const struct jt_ring_entry *e = jt_ring_find(&k->ring, row->number);
    if (e == NULL || e->state != JT_GENERATION_DRAINING || e->key_id != row->key_id ||
        !jt_equal_ct(e->check_value, row->check_value, sizeof e->check_value) ||
        k->live[row->key_id] == NULL) {
        return JT_ERR_WRONG_STATE;
    }
    for (size_t i = 0; i < open->n; i++) {
        if (open->items[i].card.envelope[0] != row->key_id) {
            return JT_ERR_INVALID;
        }
    }
    bool numbered = open->number > 0 && open->number <= JT_WRITEOFF_NUMBER_MAX;
    return k->custodians.set.version == 0 ? JT_ERR_NO_CUSTODIANS
           : !numbered                    ? JT_ERR_INVALID
                                          : JT_OK;
}

/* What is on the list goes to the front of the items; how many there are. */
static size_t gather(struct jt_batch *b, size_t n, uint8_t *causes)
{
    size_t n_listed = 0;
    for (size_t i = 0; i < n; i++) {
        causes[i] = b->items.writeoff[i].cause;
        if (causes[i] != 0) {
            b->items.writeoff[n_listed++] = b->items.writeoff[i];
        }
    }
    return n_listed;
}

static enum jt_err open_request(struct jt_keeper *k, const struct jt_writeoff_open *open,
                                struct jt_writeoff_opened *out)
{
    const struct jt_walk walk = { .sort = sort_item, .work = try_group, .refuse = refuse };
    struct jt_writeoff_request *r = &out->request;
    enum jt_err err = may_open(k, open);
    if (err == JT_OK) {
        err = jt_walk(k, &walk, open->n);
    }
    if (err != JT_OK) {
        return err;
    }
    out->n = open->n;
    r->n_cards = (uint32_t)gather(k->batch, open->n, out->causes);
    out->any = r->n_cards > 0;
    if (!out->any) {
        return JT_OK;
    }
    r->generation = open->generation.number;
    r->key_id = open->generation.key_id;
    r->number = open->number;
    memcpy(r->check_value, open->generation.check_value, sizeof r->check_value);
    err = digest_list(k->batch, r->n_cards, r->digest);
    return err == JT_OK ? write_request(k, r) : err;
}

enum jt_err jt_op_writeoff_open(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_batch *b = k->batch;
    struct jt_writeoff_open open = { .n = 0 };
    struct jt_writeoff_opened *opened = calloc(1, sizeof *opened);
    enum jt_err err =
        opened == NULL ? JT_ERR_NOMEM : jt_writeoff_open_decode(in, b->items.writeoff, &open);
    if (err == JT_OK) {
        err = open_request(k, &open, opened);
        jt_batch_wipe(b, open.n);
    }
    if (err == JT_OK) {
        jt_writeoff_opened_encode(opened, out);
    }
    free(opened);
    return err;
}

/* --- the warrant --- */

static enum jt_err warrant(const struct jt_keeper *k, const struct jt_writeoff_request *r,
                           const uint8_t *by, struct jt_writeoff_shown *out)
{
    struct jt_writeoff_warrant *w = &out->warrant;
    w->generation = r->generation;
    w->number = r->number;
    w->n_cards = r->n_cards;
    memcpy(w->check_value, r->check_value, sizeof w->check_value);
    memcpy(w->digest, r->digest, sizeof w->digest);
    for (w->n_by = 0; w->n_by < out->n_approved; w->n_by++) {
        w->by[w->n_by] = k->custodians.set.all[by[w->n_by]];
    }
    out->warranted = true;
    return jt_writeoff_warrant_mac(k->root, w, w->mac);
}

/* A request that is a keeper's, of a generation that still drains, and of the list if it is there.
 */
static enum jt_err check_shown(const struct jt_keeper *k, const struct jt_writeoff_show *show)
{
    const struct jt_writeoff_request *r = &show->request;
    uint8_t mac[JT_ROW_MAC_LEN], digest[JT_WRITEOFF_DIGEST_LEN];
    enum jt_err err = jt_writeoff_request_mac(k->root, r, mac);
    if (err == JT_OK && !jt_equal_ct(mac, r->mac, sizeof mac)) {
        err = JT_ERR_FORGED;
    }
    if (err == JT_OK && show->list_len > 0) {
        err = jt_sha256(show->list, show->list_len, digest);
        err = err == JT_OK && memcmp(digest, r->digest, sizeof digest) != 0 ? JT_ERR_LIST_ALTERED
                                                                            : err;
    }
    return err;
}

enum jt_err jt_op_writeoff_show(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_writeoff_show *show = calloc(1, sizeof *show);
    struct jt_writeoff_shown *shown = calloc(1, sizeof *shown);
    uint8_t by[JT_CUSTODIANS_MAX];
    enum jt_err err =
        show == NULL || shown == NULL ? JT_ERR_NOMEM : jt_writeoff_show_decode(in, show);
    if (err == JT_OK) {
        err = check_shown(k, show);
    }
    if (err == JT_OK) {
        const struct jt_writeoff_request *r = &show->request;
        const struct jt_ring_entry *e = jt_ring_find(&k->ring, r->generation);
        shown->epoch = k->ring.epoch;
        size_t n = 0;
        err =
            jt_custodians_count(&k->custodians.set, &show->approvals, r->text, r->text_len, by, &n);
        shown->n_approved = (uint8_t)n;
        bool drains = e != NULL && e->state == JT_GENERATION_DRAINING &&
                      jt_equal_ct(e->check_value, r->check_value, sizeof e->check_value);
        if (err == JT_OK && show->list_len > 0 && shown->n_approved >= JT_CUSTODIANS_NEEDED) {
            err = drains ? warrant(k, r, by, shown) : JT_ERR_WRONG_STATE;
        }
    }
    if (err == JT_OK) {
        jt_writeoff_shown_encode(shown, out);
    }
    free(show);
    free(shown);
    return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/destructions.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/secmem.h"
#include "crypto/digest.h"
#include "keeper/certtext.h"
#include "keeper/destructfile.h"
#include "keeper/genmark.h"
#include "keeper/heldkey.h"
#include "keeper/keeper.h"
#include "keeper/rowmac.h"
#include "wire/text.h"

#include <inttypes.h>
#include <string.h>

_Static_assert(JT_DESTRUCTION_DIGEST == JT_SHA256_LEN, "SHA-256");

#define SAVE_EVERY_MS 60000

/* --- requests --- */

static enum jt_err body_of(const struct jt_destruction_request *request, struct jt_buf *body)
{
    jt_buf_init(body, JT_DESTRUCTION_BODY_MAX);
    jt_destruction_body_encode(request, body);
    return jt_buf_status(body);
}

enum jt_err jt_destruction_mac(const struct jt_root *root,
                               const struct jt_destruction_request *request,
                               uint8_t mac[static JT_ROW_MAC_LEN])
{
    struct jt_buf body;
    enum jt_err err = body_of(request, &body);
    if (err == JT_OK) {
        err = jt_rowmac_destruction(root, body.data, body.len, mac);
    }
    jt_buf_clear(&body);
    return err;
}

enum jt_err jt_destruction_check(const struct jt_root *root,
                                 const struct jt_destruction_request *request,
                                 uint8_t digest[static JT_DESTRUCTION_DIGEST])
{
    uint8_t mac[JT_ROW_MAC_LEN];
    struct jt_buf body;
    enum jt_err err = body_of(request, &body);
    if (err == JT_OK) {
        err = jt_rowmac_destruction(root, body.data, body.len, mac);
    }
    if (err == JT_OK && !jt_equal_ct(mac, request->mac, sizeof mac)) {
        err = JT_ERR_FORGED;
    }
    if (err == JT_OK) {
        err = jt_sha256(body.data, body.len, digest);
    }
    jt_buf_clear(&body);
    return err;
}

enum jt_err jt_erased_mac(const struct jt_root *root, const struct jt_destruction_request *request,
                          const uint8_t digest[static JT_DESTRUCTION_DIGEST],
                          const struct jt_erased *erased, uint8_t mac[static JT_ROW_MAC_LEN])
{
    struct jt_buf body;
    jt_buf_init(&body, 256);
    jt_buf_u64(&body, request->generation);
    jt_buf_put(&body, request->check_value, sizeof request->check_value);
    jt_buf_put(&body, digest, JT_DESTRUCTION_DIGEST);
    jt_wire_text_encode(erased->node, JT_NODE_NAME_MAX, &body);
    jt_buf_put(&body, erased->incarnation, sizeof erased->incarnation);
    enum jt_err err = jt_buf_status(&body);
    if (err == JT_OK) {
        err = jt_rowmac_erased(root, body.data, body.len, mac);
    }
    jt_buf_clear(&body);
    return err;
}

/* --- time --- */

static enum jt_err save(struct jt_keeper *k)
{
    enum jt_err err = jt_destructfile_save(k->dir_fd, k->root, k->development, &k->destructions);
    if (err == JT_OK) {
        k->destructions.saved_ms = jt_clock_ms();
    }
    return err;
}

static bool runs(const struct jt_destruction *d)
{
    return !d->cancelled && d->passed_ms / 1000 < d->grace_s;
}

/* Adds the time since it was counted last; *any: to an entry whose grace runs. */
static void count_time(struct jt_destructions *ds, bool *any)
{
    int64_t now = jt_clock_ms(), passed = now - ds->counted_ms;
    *any = false;
    for (size_t i = 0; i < ds->n; i++) {
        if (runs(&ds->all[i])) {
            ds->all[i].passed_ms += passed > 0 ? (uint64_t)passed : 0;
            *any = true;
        }
    }
    ds->counted_ms = now;
}

enum jt_err jt_destructions_settle(struct jt_keeper *k)
{
    bool any;
    count_time(&k->destructions, &any);
    return any ? save(k) : JT_OK;
}

static enum jt_err keep_time(struct jt_keeper *k)
{
    bool any;
    count_time(&k->destructions, &any);
    return any && k->destructions.counted_ms - k->destructions.saved_ms >= SAVE_EVERY_MS ? save(k)
                                                                                         : JT_OK;
}

/* --- entries --- */

static struct jt_destruction *find(struct jt_destructions *ds,
                                   const uint8_t digest[static JT_DESTRUCTION_DIGEST])
{
    for (size_t i = 0; i < ds->n; i++) {
        if (memcmp(ds->all[i].digest, digest, JT_DESTRUCTION_DIGEST) == 0) {
            return &ds->all[i];
        }
    }
    return NULL;
}

/* Drops those of the generation, the cancelled ones too or not; whether there were any. */
static bool drop(struct jt_destructions *ds, uint64_t generation, bool cancelled_too)
{
    size_t kept = 0;
    for (size_t i = 0; i < ds->n; i++) {
        if (ds->all[i].generation != generation || (ds->all[i].cancelled && !cancelled_too)) {
            ds->all[kept++] = ds->all[i];
        }
    }
    bool any = kept != ds->n;
    ds->n = kept;
    return any;
}

/* Whether those who approved it are custodians still. */
static bool stands(const struct jt_keeper *k, const struct jt_destruction *d)
{
    const struct jt_custodian_set *set = &k->custodians.set;
    size_t n = 0;
    for (size_t i = 0; i < JT_CUSTODIANS_NEEDED; i++) {
        for (size_t j = 0; j < set->n; j++) {
            n += memcmp(set->all[j].key, d->approved_by[i], JT_CUSTODIAN_KEY_LEN) == 0;
        }
    }
    return n == JT_CUSTODIANS_NEEDED;
}

static void note_approvals(const struct jt_keeper *k, const uint8_t *by, struct jt_destruction *d)
{
    for (size_t i = 0; i < JT_CUSTODIANS_NEEDED; i++) {
        memcpy(d->approved_by[i], k->custodians.set.all[by[i]].key, JT_CUSTODIAN_KEY_LEN);
    }
}

/* The grace begins. Another request of this generation that ran until now is given up. */
static enum jt_err begin(struct jt_keeper *k, const struct jt_destruction_request *request,
                         const uint8_t digest[static JT_DESTRUCTION_DIGEST], const uint8_t *by,
                         struct jt_destruction **out)
{
    struct jt_destructions *ds = &k->destructions;
    (void)drop(ds, request->generation, false);
    if (ds->n == JT_DESTRUCTIONS_MAX) {
        return JT_ERR_LIMIT;
    }
    struct jt_destruction *d = &ds->all[ds->n];
    *d = (struct jt_destruction){ .generation = request->generation,
                                  .grace_s = ds->grace_s,
                                  .system_identifier = request->system_identifier,
                                  .timeline = request->timeline };
    memcpy(d->check_value, request->check_value, sizeof d->check_value);
    memcpy(d->digest, digest, sizeof d->digest);
    note_approvals(k, by, d);
    ds->n++;
    enum jt_err err = save(k);
    if (err != JT_OK) {
        ds->n--;
        return err;
    }
    jt_log(JT_LOG_WARNING,
           "generation %" PRIu64 ": two custodians approve that its key is destroyed; it stays for "
           "another %" PRIu64 " s, and whoever uses it in that time cancels it",
           d->generation, d->grace_s);
    *out = d;
    return JT_OK;
}

/* Where the request stands with this keeper. */
struct place {
    const struct jt_destruction_show *show;
    uint8_t digest[JT_DESTRUCTION_DIGEST];
    uint8_t by[JT_CUSTODIANS_MAX];
    size_t n_approved;
};

/* The entry of the request, which begins with the second approval; NULL: waits for it. */
static enum jt_err entry_of(struct jt_keeper *k, const struct place *p, struct jt_destruction **out)
{
    *out = find(&k->destructions, p->digest);
    bool enough = p->n_approved >= JT_CUSTODIANS_NEEDED;
    if (*out == NULL) {
        return enough ? begin(k, &p->show->request, p->digest, p->by, out) : JT_OK;
    }
    if (!(*out)->cancelled && !stands(k, *out)) {
        if (!enough) {
            *out = NULL; /* a custodian who approved it is none any more */
            return JT_OK;
        }
        note_approvals(k, p->by, *out);
        return save(k);
    }
    return JT_OK;
}

static enum jt_err view(struct jt_keeper *k, const struct place *p,
                        struct jt_destruction_shown *out)
{
    struct jt_destruction *d;
    enum jt_err err = entry_of(k, p, &d);
    out->view = JT_DESTRUCTION_WAITING;
    if (err == JT_OK && d != NULL) {
        uint64_t passed_s = d->passed_ms / 1000;
        out->view = d->cancelled ? JT_DESTRUCTION_CANCELLED
                    : runs(d)    ? JT_DESTRUCTION_GRACE
                                 : JT_DESTRUCTION_DUE;
        out->left_s = runs(d) ? d->grace_s - passed_s : 0;
        out->n_tried = d->n_tried;
    }
    return err;
}

/* --- showing --- */

static enum jt_err say_erased(const struct jt_keeper *k, const struct place *p,
                              struct jt_destruction_shown *out)
{
    out->view = JT_DESTRUCTION_ERASED;
    memcpy(out->erased.node, p->show->node, sizeof out->erased.node);
    memcpy(out->erased.incarnation, k->incarnation, sizeof out->erased.incarnation);
    return jt_erased_mac(k->root, &p->show->request, p->digest, &out->erased, out->erased.mac);
}

static enum jt_err erase(struct jt_keeper *k, uint64_t generation)
{
    bool held = jt_keyring_find(k->keyring, generation) != NULL;
    enum jt_err err = held ? jt_heldkey_erase(k, generation) : JT_OK;
    if (err == JT_OK) {
        err = jt_genmark_erase(k->dir_fd, generation);
    }
    if (err == JT_OK && drop(&k->destructions, generation, true)) {
        err = save(k);
    }
    if (err == JT_OK && held) {
        jt_log(JT_LOG_WARNING, "generation %" PRIu64 ": its key is erased here", generation);
    }
    return err;
}

/* The ring is without it: another keeper has let it go, by the same rules. */
static enum jt_err show_gone(struct jt_keeper *k, const struct place *p,
                             struct jt_destruction_shown *out)
{
    const struct jt_destruction_request *r = &p->show->request;
    const struct jt_genfile *held = jt_keyring_find(k->keyring, r->generation);
    if (r->generation > k->ring.highest) {
        return JT_ERR_WRONG_STATE;
    }
    if (held != NULL && (held->key_id != r->key_id ||
                         !jt_equal_ct(held->check_value, r->check_value, JT_CHECK_VALUE_LEN))) {
        return JT_ERR_KEY_WRONG;
    }
    bool certified = false;
    enum jt_err err = JT_OK;
    if (p->show->certified) {
        err = jt_certtext_check(k, JT_CERTTEXT_DESTRUCTION, r->generation, r->key_id,
                                r->check_value, &p->show->certificate, &certified);
    }
    bool may = certified || (held == NULL && p->n_approved >= JT_CUSTODIANS_NEEDED);
    if (err == JT_OK && !may) {
        err = view(k, p, out);
        may = err == JT_OK && out->view == JT_DESTRUCTION_DUE;
    }
    if (err == JT_OK && may) {
        err = erase(k, r->generation);
        err = err == JT_OK ? say_erased(k, p, out) : err;
    }
    return err;
}

enum jt_err jt_destructions_show(struct jt_keeper *k, const struct jt_destruction_show *show,
                                 struct jt_destruction_shown *out)
{
    const struct jt_destruction_request *r = &show->request;
    struct place p = { .show = show };
    *out = (struct jt_destruction_shown){ .view = JT_DESTRUCTION_WAITING };
    enum jt_err err = jt_destruction_check(k->root, r, p.digest);
    if (err == JT_OK) {
        err = keep_time(k);
    }
    if (err == JT_OK) {
        err = jt_custodians_count(&k->custodians.set, &show->approvals, r->text, r->text_len, p.by,
                                  &p.n_approved);
    }
    if (err != JT_OK) {
        return err;
    }
    out->n_approved = (uint8_t)p.n_approved;
    const struct jt_ring_entry *e = jt_ring_find(&k->ring, r->generation);
    if (e == NULL) {
        return show_gone(k, &p, out);
    }
    bool same = e->state == JT_GENERATION_RETIRED && e->key_id == r->key_id &&
                jt_equal_ct(e->check_value, r->check_value, sizeof e->check_value);
    return same ? view(k, &p, out) : JT_ERR_WRONG_STATE;
}

/* --- what follows from them --- */

enum jt_err jt_destructions_due(struct jt_keeper *k, const struct jt_generation_row *row,
                                uint64_t system_identifier, uint32_t timeline)
{
    enum jt_err err = keep_time(k), found = JT_ERR_NOT_APPROVED;
    for (size_t i = 0; i < k->destructions.n && err == JT_OK; i++) {
        const struct jt_destruction *d = &k->destructions.all[i];
        if (d->generation != row->number ||
            !jt_equal_ct(d->check_value, row->check_value, sizeof d->check_value)) {
            continue;
        }
        if (d->cancelled) {
            found = JT_ERR_DESTRUCTION_CANCELLED;
            continue;
        }
        if (!stands(k, d)) {
            return JT_ERR_NOT_APPROVED;
        }
        if (runs(d)) {
            return JT_ERR_GRACE_RUNS;
        }
        return d->system_identifier == system_identifier && timeline >= d->timeline
                   ? JT_OK
                   : JT_ERR_OTHER_DATABASE;
    }
    return err == JT_OK ? found : err;
}

static enum jt_err cancel(struct jt_keeper *k, struct jt_destruction *d, const char *why)
{
    d->cancelled = true;
    enum jt_err err = save(k);
    if (err != JT_OK) {
        d->cancelled = false; /* whoever asked is refused, and asks again */
        return err;
    }
    jt_log(JT_LOG_ERROR, "alarm: generation %" PRIu64 ": its destruction is cancelled: %s",
           d->generation, why);
    return JT_OK;
}

enum jt_err jt_destructions_used(struct jt_keeper *k, uint64_t generation, size_t n_opened,
                                 size_t n_tried)
{
    enum jt_err err = JT_OK;
    for (size_t i = 0; i < k->destructions.n && err == JT_OK; i++) {
        struct jt_destruction *d = &k->destructions.all[i];
        if (d->generation == generation && !d->cancelled) {
            d->n_tried += n_tried;
            err = n_opened == 0 ? JT_OK
                                : cancel(k, d, "ciphertext that applications keep was opened");
        }
    }
    return err;
}

enum jt_err jt_destructions_follow(struct jt_keeper *k, const struct jt_ring *next)
{
    enum jt_err err = JT_OK;
    for (size_t i = 0; i < k->destructions.n && err == JT_OK; i++) {
        struct jt_destruction *d = &k->destructions.all[i];
        const struct jt_ring_entry *e = jt_ring_find(next, d->generation);
        if (!d->cancelled && e != NULL && e->state != JT_GENERATION_RETIRED) {
            err = cancel(k, d, "the generation is in use again");
        }
    }
    return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CERTIFY: the text of a retirement certificate, written here from the facts and the keeper's own
 * ring, and signed. Whoever reads the certificate relies on the keeper for number, key id, check
 * value, environment and the fact of the retirement; counts and times are the front's word under
 * the keeper's signature.
 */
#include "keeper/op.h"

#include "base/hex.h"
#include "keeper/certtext.h"
#include "keeper/writeoff.h"
#include "wire/certificate.h"

#include <inttypes.h>
#include <stdlib.h>

static bool facts_good(const struct jt_retirement_facts *f, const struct jt_ring *ring)
{
    return f->rows_left == 0 && f->epoch > 0 && f->epoch <= ring->epoch &&
           jt_certtext_fact_good(f->started_at) && jt_certtext_fact_good(f->retired_at) &&
           jt_certtext_fact_good(f->node) && jt_certtext_fact_good(f->actor);
}

/* Which cards were written off, by which list, and who has approved of it. */
static void add_written_off(const struct jt_certify *certify, struct jt_certificate *c, size_t *len)
{
    char hex[2 * JT_WRITEOFF_DIGEST_LEN + 1], custodian[JT_CUSTODIAN_TEXT_MAX + 1];
    for (size_t i = 0; i < certify->n_done; i++) {
        const struct jt_writeoff_done *d = &certify->done[i];
        jt_hex_encode(d->warrant.digest, sizeof d->warrant.digest, hex);
        jt_certtext_add(c->text, JT_CERTIFICATE_TEXT_MAX, len,
                        "write-off: %" PRIu32 " cards %" PRIu32 " listed %" PRIu32
                        " list-sha256 %s\n",
                        d->warrant.number, d->n_moved, d->warrant.n_cards, hex);
        for (size_t j = 0; j < d->warrant.n_by; j++) {
            jt_custodian_format(&d->warrant.by[j], custodian);
            jt_certtext_add(c->text, JT_CERTIFICATE_TEXT_MAX, len,
                            "write-off-approved-by: %" PRIu32 " %s\n", d->warrant.number,
                            custodian);
        }
    }
}

static enum jt_err write_text(const struct jt_keeper *k, const struct jt_certify *certify,
                              const struct jt_ring_entry *entry, struct jt_certificate *c)
{
    const struct jt_retirement_facts *f = &certify->facts;
    char head[JT_CERTTEXT_HEAD_MAX];
    size_t len = 0, max = JT_CERTIFICATE_TEXT_MAX;
    (void)jt_certtext_head(k, JT_CERTTEXT_RETIREMENT, entry->number, entry->key_id,
                           entry->check_value, head);
    jt_certtext_add(c->text, max, &len,
                    "%s"
                    "epoch: %" PRIu64 "\n"
                    "rows-written: %" PRIu64 "\n"
                    "rows-moved-in: %" PRIu64 "\n"
                    "rows-moved-out: %" PRIu64 "\n"
                    "rows-deleted: %" PRIu64 "\n"
                    "rows-written-off: %" PRIu64 "\n",
                    head, f->epoch, f->rows_written, f->rows_moved_in, f->rows_moved_out,
                    f->rows_deleted, f->rows_written_off);
    add_written_off(certify, c, &len);
    jt_certtext_add(c->text, max, &len,
                    "rows-left: %" PRIu64 "\n"
                    "system-identifier: %" PRIu64 "\n"
                    "timeline: %" PRIu32 "\n"
                    "lsn: %" PRIX32 "/%" PRIX32 "\n"
                    "started-at: %s\n"
                    "retired-at: %s\n"
                    "node: %s\n"
                    "actor: %s\n",
                    f->rows_left, f->system_identifier, f->timeline, (uint32_t)(f->lsn >> 32),
                    (uint32_t)f->lsn, f->started_at, f->retired_at, f->node, f->actor);
    c->text_len = len;
    return len > max ? JT_ERR_LIMIT : JT_OK;
}

static enum jt_err certify_it(const struct jt_keeper *k, const struct jt_certify *certify,
                              struct jt_certificate *out)
{
    const struct jt_ring_entry *entry = jt_ring_find(&k->ring, certify->facts.generation);
    if (entry == NULL || entry->state != JT_GENERATION_RETIRED) {
        return JT_ERR_WRONG_STATE;
    }
    if (!facts_good(&certify->facts, &k->ring)) {
        return JT_ERR_INVALID;
    }
    enum jt_err err = jt_writeoff_check(k->root, entry, certify);
    if (err == JT_OK) {
        err = write_text(k, certify, entry, out);
    }
    return err == JT_OK ? jt_certtext_sign(k, out) : err;
}

enum jt_err jt_op_certify(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_certify *certify = calloc(1, sizeof *certify);
    struct jt_certificate *certificate = calloc(1, sizeof *certificate);
    enum jt_err err =
        certify == NULL || certificate == NULL ? JT_ERR_NOMEM : jt_certify_decode(in, certify);
    if (err == JT_OK) {
        err = certify_it(k, certify, certificate);
    }
    if (err == JT_OK) {
        jt_certificate_encode(certificate, out);
    }
    free(certify);
    free(certificate);
    return err;
}

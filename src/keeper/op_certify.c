/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CERTIFY: the text of a retirement certificate, written here from the facts and the keeper's own
 * ring, and signed. Whoever reads the certificate relies on the keeper for number, key id, check
 * value, environment and the fact of the retirement; counts and times are the front's word under
 * the keeper's signature.
 */
#include "keeper/op.h"

#include "keeper/certtext.h"
#include "wire/certificate.h"
#include "wire/frame.h"

#include <inttypes.h>
#include <stdio.h>

static bool facts_good(const struct jt_retirement_facts *f, const struct jt_ring *ring)
{
    return f->rows_left == 0 && f->epoch > 0 && f->epoch <= ring->epoch &&
           jt_certtext_fact_good(f->started_at) && jt_certtext_fact_good(f->retired_at) &&
           jt_certtext_fact_good(f->node) && jt_certtext_fact_good(f->actor);
}

static enum jt_err write_text(const struct jt_keeper *k, const struct jt_retirement_facts *f,
                              const struct jt_ring_entry *entry, struct jt_certificate *c)
{
    char head[JT_CERTTEXT_HEAD_MAX];
    (void)jt_certtext_head(k, JT_CERTTEXT_RETIREMENT, entry->number, entry->key_id,
                           entry->check_value, head);
    int n = snprintf(c->text, sizeof c->text,
                     "%s"
                     "epoch: %" PRIu64 "\n"
                     "rows-written: %" PRIu64 "\n"
                     "rows-moved-in: %" PRIu64 "\n"
                     "rows-moved-out: %" PRIu64 "\n"
                     "rows-deleted: %" PRIu64 "\n"
                     "rows-left: %" PRIu64 "\n"
                     "system-identifier: %" PRIu64 "\n"
                     "timeline: %" PRIu32 "\n"
                     "lsn: %" PRIX32 "/%" PRIX32 "\n"
                     "started-at: %s\n"
                     "retired-at: %s\n"
                     "node: %s\n"
                     "actor: %s\n",
                     head, f->epoch, f->rows_written, f->rows_moved_in, f->rows_moved_out,
                     f->rows_deleted, f->rows_left, f->system_identifier, f->timeline,
                     (uint32_t)(f->lsn >> 32), (uint32_t)f->lsn, f->started_at, f->retired_at,
                     f->node, f->actor);
    if (n < 0 || (size_t)n >= sizeof c->text) {
        return JT_ERR_LIMIT;
    }
    c->text_len = (size_t)n;
    return JT_OK;
}

enum jt_err jt_op_certify(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_retirement_facts facts;
    struct jt_certificate certificate = { 0 };
    enum jt_err err = jt_retirement_facts_decode(in, &facts);
    if (err == JT_OK) {
        err = jt_wire_end(in);
    }
    if (err != JT_OK) {
        return err;
    }
    const struct jt_ring_entry *entry = jt_ring_find(&k->ring, facts.generation);
    if (entry == NULL || entry->state != JT_GENERATION_RETIRED) {
        return JT_ERR_WRONG_STATE;
    }
    if (!facts_good(&facts, &k->ring)) {
        return JT_ERR_INVALID;
    }
    err = write_text(k, &facts, entry, &certificate);
    if (err == JT_OK) {
        err = jt_certtext_sign(k, &certificate);
    }
    if (err == JT_OK) {
        jt_certificate_encode(&certificate, out);
    }
    return err;
}

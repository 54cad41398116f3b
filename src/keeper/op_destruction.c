/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DESTRUCTION_OPEN, DESTRUCTION_SHOW and DESTRUCTION_CERTIFY: the request that custodians sign, a
 * look at it, and the certificate that the key is gone. What decides is in keeper/destructions.h.
 */
#include "keeper/op.h"

#include "base/hex.h"
#include "base/random.h"
#include "base/secmem.h"
#include "crypto/digest.h"
#include "keeper/certtext.h"
#include "keeper/policy.h"
#include "keeper/rowmac.h"
#include "wire/certificate.h"
#include "wire/frame.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- the request --- */

static void add_database(const struct jt_certificate *c, char *text, size_t *len)
{
    const char *system, *timeline, *lsn;
    int n_system = jt_certtext_value(c, "system-identifier", &system);
    int n_timeline = jt_certtext_value(c, "timeline", &timeline);
    int n_lsn = jt_certtext_value(c, "lsn", &lsn);
    jt_certtext_add(text, JT_DESTRUCTION_TEXT_MAX, len, "retired-in: %.*s timeline %.*s lsn %.*s\n",
                    n_system, system, n_timeline, timeline, n_lsn, lsn);
}

/* The bytes in quarantine are of this key, too. */
static void add_written_off(const struct jt_certificate *c, char *text, size_t *len)
{
    const char *n;
    int n_len = jt_certtext_value(c, "rows-written-off", &n);
    if (n[0] != '-' && n[0] != '0') {
        jt_certtext_add(text, JT_DESTRUCTION_TEXT_MAX, len, "written-off: %.*s\n", n_len, n);
    }
}

static void add_held(const struct jt_destruction_open *open, char *text, size_t *len)
{
    for (size_t i = 0; i < open->n_held; i++) {
        const struct jt_destruction_held *h = &open->held[i];
        jt_certtext_add(text, JT_DESTRUCTION_TEXT_MAX, len, "held: %s sealed %s opened %s\n",
                        h->field, h->sealed_at[0] == '\0' ? "never" : h->sealed_at,
                        h->opened_at[0] == '\0' ? "never" : h->opened_at);
    }
}

static enum jt_err write_request(const struct jt_keeper *k, const struct jt_destruction_open *open,
                                 struct jt_destruction_request *r)
{
    uint8_t digest[JT_SHA256_LEN], challenge[JT_CHALLENGE_LEN];
    char digest_hex[2 * sizeof digest + 1], challenge_hex[2 * sizeof challenge + 1];
    char head[JT_CERTTEXT_HEAD_MAX];
    enum jt_err err = jt_sha256(open->certificate.text, open->certificate.text_len, digest);
    if (err != JT_OK) {
        return err;
    }
    jt_hex_encode(digest, sizeof digest, digest_hex);
    jt_random_fill(challenge, sizeof challenge);
    jt_hex_encode(challenge, sizeof challenge, challenge_hex);
    (void)jt_certtext_head(k, "jeton custodian approval v1\nact: destroy-key", r->generation,
                           r->key_id, r->check_value, head);
    size_t len = 0;
    jt_certtext_add(r->text, JT_DESTRUCTION_TEXT_MAX, &len,
                    "%scertificate-sha256: %s\nsystem-identifier: %" PRIu64 "\ntimeline: %" PRIu32
                    "\n",
                    head, digest_hex, r->system_identifier, r->timeline);
    add_database(&open->certificate, r->text, &len);
    add_written_off(&open->certificate, r->text, &len);
    add_held(open, r->text, &len);
    jt_certtext_add(r->text, JT_DESTRUCTION_TEXT_MAX, &len, "challenge: %s\n", challenge_hex);
    if (len > JT_DESTRUCTION_TEXT_MAX) {
        return JT_ERR_LIMIT;
    }
    r->text_len = len;
    return jt_destruction_mac(k->root, r, r->mac);
}

/* A time may be empty; whatever is there cannot forge a line. */
static bool held_good(const struct jt_destruction_open *open)
{
    for (size_t i = 0; i < open->n_held; i++) {
        const struct jt_destruction_held *h = &open->held[i];
        if (!jt_certtext_fact_good(h->field) ||
            (h->sealed_at[0] != '\0' && !jt_certtext_fact_good(h->sealed_at)) ||
            (h->opened_at[0] != '\0' && !jt_certtext_fact_good(h->opened_at))) {
            return false;
        }
    }
    return true;
}

static enum jt_err may_open(const struct jt_keeper *k, const struct jt_destruction_open *open)
{
    const struct jt_generation_row *row = &open->generation;
    enum jt_err err = jt_rowmac_generation_check(k->root, row);
    if (err != JT_OK) {
        return err;
    }
    const struct jt_ring_entry *e = jt_ring_find(&k->ring, row->number);
    if (e == NULL || e->state != JT_GENERATION_RETIRED || e->key_id != row->key_id ||
        memcmp(e->check_value, row->check_value, sizeof e->check_value) != 0) {
        return JT_ERR_WRONG_STATE;
    }
    if (k->custodians.set.version == 0) {
        return JT_ERR_NO_CUSTODIANS;
    }
    bool certified;
    err = jt_certtext_check(k, JT_CERTTEXT_RETIREMENT, row->number, row->key_id, row->check_value,
                            &open->certificate, &certified);
    if (err == JT_OK && !certified) {
        err = JT_ERR_NOT_CERTIFIED;
    }
    return err == JT_OK && !held_good(open) ? JT_ERR_INVALID : err;
}

static enum jt_err open_request(const struct jt_keeper *k, const struct jt_destruction_open *open,
                                struct jt_buf *out)
{
    struct jt_destruction_request *r = calloc(1, sizeof *r);
    enum jt_err err = r == NULL ? JT_ERR_NOMEM : may_open(k, open);
    if (err == JT_OK) {
        r->generation = open->generation.number;
        r->key_id = open->generation.key_id;
        r->system_identifier = open->system_identifier;
        r->timeline = open->timeline;
        memcpy(r->check_value, open->generation.check_value, sizeof r->check_value);
        err = write_request(k, open, r);
    }
    if (err == JT_OK) {
        jt_destruction_request_encode(r, out);
    }
    free(r);
    return err;
}

enum jt_err jt_op_destruction_open(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_destruction_open *open = calloc(1, sizeof *open);
    struct jt_destruction_held *held = calloc(JT_DESTRUCTION_HELD_MAX, sizeof *held);
    enum jt_err err =
        open == NULL || held == NULL ? JT_ERR_NOMEM : jt_destruction_open_decode(in, held, open);
    if (err == JT_OK) {
        err = open_request(k, open, out);
    }
    free(open);
    free(held);
    return err;
}

/* --- a look --- */

enum jt_err jt_op_destruction_show(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_destruction_shown shown;
    struct jt_destruction_show *show = calloc(1, sizeof *show);
    enum jt_err err = show == NULL ? JT_ERR_NOMEM : jt_destruction_show_decode(in, show);
    if (err == JT_OK && !jt_node_name_valid(show->node)) {
        err = JT_ERR_INVALID;
    }
    if (err == JT_OK) {
        err = jt_destructions_show(k, show, &shown);
    }
    if (err == JT_OK) {
        jt_destruction_shown_encode(&shown, out);
    }
    free(show);
    return err;
}

/* --- the certificate --- */

static enum jt_err check_nodes(const struct jt_keeper *k, const struct jt_destruction_certify *c,
                               const uint8_t digest[static JT_DESTRUCTION_DIGEST])
{
    enum jt_err err = c->n == 0 ? JT_ERR_NOT_ERASED : JT_OK;
    for (size_t i = 0; i < c->n && err == JT_OK; i++) {
        uint8_t mac[JT_ROW_MAC_LEN];
        err = jt_erased_mac(k->root, &c->request, digest, &c->nodes[i], mac);
        if (err == JT_OK && !jt_equal_ct(mac, c->nodes[i].mac, sizeof mac)) {
            err = JT_ERR_FORGED;
        }
        for (size_t j = 0; j < i && err == JT_OK; j++) {
            err = strcmp(c->nodes[i].node, c->nodes[j].node) == 0 ? JT_ERR_INVALID : JT_OK;
        }
        if (err == JT_OK && !jt_certtext_fact_good(c->nodes[i].node)) {
            err = JT_ERR_INVALID;
        }
    }
    return err;
}

/* This keeper itself holds it no more, and knows of two custodians who approved that. */
static enum jt_err may_certify(const struct jt_keeper *k, const struct jt_destruction_certify *c,
                               uint8_t by[static JT_CUSTODIANS_MAX], size_t *n_approved)
{
    uint8_t digest[JT_DESTRUCTION_DIGEST];
    const struct jt_destruction_request *r = &c->request;
    enum jt_err err = jt_destruction_check(k->root, r, digest);
    if (err == JT_OK) {
        err = jt_custodians_count(&k->custodians.set, &c->approvals, r->text, r->text_len, by,
                                  n_approved);
    }
    if (err != JT_OK) {
        return err;
    }
    if (jt_ring_find(&k->ring, r->generation) != NULL || r->generation > k->ring.highest) {
        return JT_ERR_WRONG_STATE;
    }
    if (jt_keyring_find(k->keyring, r->generation) != NULL) {
        return JT_ERR_NOT_ERASED;
    }
    if (*n_approved < JT_CUSTODIANS_NEEDED) {
        return JT_ERR_NOT_APPROVED;
    }
    bool good = jt_certtext_fact_good(c->requested_at) && jt_certtext_fact_good(c->destroyed_at) &&
                jt_certtext_fact_good(c->certified_at) && jt_certtext_fact_good(c->actor);
    return good ? check_nodes(k, c, digest) : JT_ERR_INVALID;
}

/* Lines of the request that the certificate repeats: what the custodians have accepted. */
static void add_accepted(const struct jt_destruction_request *r, char *text, size_t *len)
{
    static const char *const names[] = { "certificate-sha256: ", "retired-in: ", "written-off: ",
                                         "held: " };
    for (const char *line = r->text; *line != '\0';) {
        int n = (int)strcspn(line, "\n");
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            if (strncmp(line, names[i], strlen(names[i])) == 0) {
                jt_certtext_add(text, JT_CERTIFICATE_TEXT_MAX, len, "%.*s\n", n, line);
            }
        }
        line += n + (line[n] == '\n');
    }
}

/* Whose files are still to be destroyed, each by its own digest. */
static void add_backups(const struct jt_destruction_certify *c, char *text, size_t *len)
{
    char hex[2 * JT_BACKUP_DIGEST_LEN + 1];
    for (size_t i = 0; i < c->n_backups; i++) {
        jt_hex_encode(c->backups[i], sizeof c->backups[i], hex);
        jt_certtext_add(text, JT_CERTIFICATE_TEXT_MAX, len, "backup: %s\n", hex);
    }
    if (c->n_more_backups > 0) {
        jt_certtext_add(text, JT_CERTIFICATE_TEXT_MAX, len, "backups-besides: %" PRIu32 "\n",
                        c->n_more_backups);
    }
}

static enum jt_err write_certificate(const struct jt_keeper *k,
                                     const struct jt_destruction_certify *c, const uint8_t *by,
                                     size_t n_approved, struct jt_certificate *out)
{
    const struct jt_destruction_request *r = &c->request;
    char head[JT_CERTTEXT_HEAD_MAX], hex[2 * JT_INCARNATION_LEN + 1];
    size_t len = 0, max = JT_CERTIFICATE_TEXT_MAX;
    (void)jt_certtext_head(k, JT_CERTTEXT_DESTRUCTION, r->generation, r->key_id, r->check_value,
                           head);
    jt_certtext_add(out->text, max, &len, "%s", head);
    add_accepted(r, out->text, &len);
    for (size_t i = 0; i < n_approved; i++) {
        char custodian[JT_CUSTODIAN_TEXT_MAX + 1];
        jt_custodian_format(&k->custodians.set.all[by[i]], custodian);
        jt_certtext_add(out->text, max, &len, "approved-by: %s\n", custodian);
    }
    for (size_t i = 0; i < c->n; i++) {
        jt_hex_encode(c->nodes[i].incarnation, JT_INCARNATION_LEN, hex);
        jt_certtext_add(out->text, max, &len, "erased-by: %s %s\n", c->nodes[i].node, hex);
    }
    add_backups(c, out->text, &len);
    jt_certtext_add(out->text, max, &len,
                    "requested-at: %s\ndestroyed-at: %s\ncertified-at: %s\nactor: %s\n",
                    c->requested_at, c->destroyed_at, c->certified_at, c->actor);
    out->text_len = len;
    return len > max ? JT_ERR_LIMIT : jt_certtext_sign(k, out);
}

static enum jt_err certify(const struct jt_keeper *k, const struct jt_destruction_certify *c,
                           struct jt_buf *out)
{
    uint8_t by[JT_CUSTODIANS_MAX] = { 0 };
    size_t n_approved = 0;
    struct jt_certificate *certificate = calloc(1, sizeof *certificate);
    enum jt_err err = certificate == NULL ? JT_ERR_NOMEM : may_certify(k, c, by, &n_approved);
    if (err == JT_OK) {
        err = write_certificate(k, c, by, n_approved, certificate);
    }
    if (err == JT_OK) {
        jt_certificate_encode(certificate, out);
    }
    free(certificate);
    return err;
}

enum jt_err jt_op_destruction_certify(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_destruction_certify *c = calloc(1, sizeof *c);
    enum jt_err err = c == NULL ? JT_ERR_NOMEM : jt_destruction_certify_decode(in, c);
    if (err == JT_OK) {
        err = certify(k, c, out);
    }
    free(c);
    return err;
}

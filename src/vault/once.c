/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/once.h"

#include "base/container.h"
#include "base/notice.h"
#include "base/secmem.h"
#include "crypto/digest.h"

#include <string.h>

#define BATCH        JT_LANE_BRIEF_BATCH
#define DIGESTED_MAX 1024

_Static_assert(JT_SHA256_LEN == JT_ONCE_DIGEST_LEN, "the digest is a SHA-256");

struct claimer {
    struct jt_lane lane;
    size_t n_claims, n_releases;
    struct jt_lane_entry *entries[BATCH]; /* of the claims */
    struct jt_once_item items[BATCH];
    const struct jt_claim *claims[BATCH];
    struct jt_claim_release releases[BATCH];
};

static struct claimer *of(struct jt_lane *lane)
{
    return jt_container_of(lane, struct claimer, lane);
}

static struct jt_once *once_of(const struct jt_lane_entry *e)
{
    return e->item;
}

/* The cards are not concerned: the node stays ready for whoever sends no key. */
static void fail(struct claimer *c, enum jt_err err)
{
    static struct jt_notice failed = { .what = "requests could not be claimed" };
    char line[JT_FAULT_LINE_LEN];
    jt_notice(&failed, jt_fault_line(jt_pipe_fault(c->lane.pipe), err, line));
    c->lane.told = true;
    jt_lane_end(&c->lane, err);
}

static void on_run(void *arg, enum jt_err err, struct jt_claim_result *results, size_t n)
{
    struct claimer *c = arg;
    if (err != JT_OK) {
        fail(c, err);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        struct jt_once *once = once_of(c->entries[i]);
        once->claim.attempt = results[i].attempt;
        once->cards = results[i].cards;
        once->n_cards = results[i].n_cards;
        results[i].cards = NULL;
        jt_lane_end_item(&c->lane, c->entries[i], results[i].err);
    }
    jt_lane_end(&c->lane, JT_OK);
}

static void run(struct claimer *c)
{
    const struct jt_claim_txn txn = { .claims = c->claims,
                                      .n_claims = c->n_claims,
                                      .releases = c->releases,
                                      .n_releases = c->n_releases,
                                      .writer = c->lane.writer };
    enum jt_err err = jt_claims_run(c->lane.pipe, &txn, on_run, c);
    if (err != JT_OK) {
        jt_lane_end(&c->lane, err);
    }
}

static void on_maced(void *arg, enum jt_err err, const struct jt_once_reply *reply)
{
    struct claimer *c = arg;
    if (err != JT_OK) {
        jt_lane_end(&c->lane, err);
        return;
    }
    for (size_t i = 0; i < reply->n; i++) {
        memcpy(once_of(c->entries[i])->claim.mac, reply->results[i].mac, JT_ROW_MAC_LEN);
    }
    run(c);
}

static void begin(struct jt_lane *lane)
{
    struct claimer *c = of(lane);
    size_t n = jt_lane_open(lane);
    c->n_claims = c->n_releases = 0;
    for (size_t i = 0; i < n; i++) {
        struct jt_lane_entry *e = &lane->entries[lane->sent[i]];
        const struct jt_once *once = once_of(e);
        if (once->release) {
            c->releases[c->n_releases++] = (struct jt_claim_release){ .claim = &once->claim,
                                                                      .cards = once->cards,
                                                                      .n_cards = once->n_cards };
        } else {
            c->entries[c->n_claims] = e;
            c->claims[c->n_claims] = &once->claim;
            c->items[c->n_claims++] = (struct jt_once_item){ .digest = once->digest };
        }
    }
    if (c->n_claims > 0) {
        jt_keyclient_once(lane->keeper, c->items, c->n_claims, on_maced, c);
    } else {
        run(c);
    }
}

static void give_up(struct jt_lane *lane, enum jt_err err)
{
    jt_lane_end(lane, err);
}

static void end_item(void *item, enum jt_err err)
{
    ((struct jt_once *)item)->err = err;
}

static void done(struct jt_lane_request *lane_request)
{
    struct jt_once_request *request = jt_container_of(lane_request, struct jt_once_request, lane);
    request->done(request);
}

const struct jt_lane_verb jt_verb_once = {
    .name = "idempotency",
    .application = "jetond idempotency",
    .size = sizeof(struct claimer),
    .item_size = sizeof(struct jt_once),
    .batch_max = BATCH,
    .waiting_max = JT_LANE_WAITING_MAX,
    .writes = true, /* no cards, but rows that are counted by writer */
    .unleased = true,
    .round = begin,
    .give_up = give_up,
    .end_item = end_item,
    .done = done,
};
_Static_assert(offsetof(struct claimer, lane) == 0, "a lane is allocated as its verb's struct");

bool jt_once_submit(struct jt_lane *lane, struct jt_once_request *request)
{
    request->lane = (struct jt_lane_request){ .client = request->once->claim.client,
                                              .items = request->once,
                                              .n_items = 1 };
    return jt_lane_submit(lane, &request->lane);
}

static void put_text(struct jt_buf *out, const char *text)
{
    jt_buf_put(out, text, strlen(text) + 1);
}

enum jt_err jt_once_name(struct jt_once *once, const struct jt_once_what *what)
{
    uint8_t body[JT_SHA256_LEN];
    struct jt_buf m;
    jt_buf_init(&m, DIGESTED_MAX);
    put_text(&m, once->claim.client);
    put_text(&m, once->claim.key);
    put_text(&m, what->method);
    put_text(&m, what->path);
    put_text(&m, what->field);
    put_text(&m, what->client);
    jt_buf_u64(&m, what->number);
    enum jt_err err = jt_sha256(what->body, what->body_len, body);
    jt_buf_put(&m, body, sizeof body);
    if (err == JT_OK) {
        err = jt_buf_status(&m);
    }
    if (err == JT_OK) {
        err = jt_sha256(m.data, m.len, once->digest);
    }
    jt_buf_clear(&m);
    jt_wipe(body, sizeof body);
    return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/fields/{field}/encrypt, /decrypt and /reencrypt, for applications that keep the
 * ciphertext: {"row_id": …, "pan" or "value" or "envelope": …}, or items of these.
 */
#include "api/api.h"
#include "api/budget.h"
#include "api/card.h"
#include "api/items.h"
#include "api/operation.h"
#include "base/base64.h"
#include "base/container.h"
#include "base/jsonw.h"
#include "base/secmem.h"

#include <stdlib.h>
#include <string.h>

/* What an item came with. */
struct came {
    uint8_t row_id[JT_HELD_ROW_ID_MAX];
    uint8_t *bytes; /* the value or the envelope */
    uint16_t len;
};

struct held {
    struct jt_items items;
    struct jt_held_request request;
    struct jt_held_item_io *ask;
    struct came *came;
    struct jt_field_spec field;
    struct jt_card_terms terms;
    enum jt_held_work work;
};

static struct held *of(const struct jt_items *items)
{
    return jt_container_of(items, struct held, items);
}

/* --- taking --- */

static enum jt_problem_type take_row_id(struct held *h, size_t at, json_t *value)
{
    size_t len = json_string_length(value);
    if (!json_is_string(value) || len == 0 || len > JT_HELD_ROW_ID_MAX) {
        return JT_PROBLEM_ROW_ID_MALFORMED;
    }
    memcpy(h->came[at].row_id, json_string_value(value), len);
    h->ask[at].row_id = h->came[at].row_id;
    h->ask[at].row_id_len = (uint8_t)len;
    return JT_PROBLEM_NONE;
}

static enum jt_problem_type take_pan(struct held *h, size_t at, json_t *value)
{
    struct jt_pan pan = { 0 };
    enum jt_problem_type problem = jt_card_take(value, &h->terms, &pan);
    struct came *c = &h->came[at];
    if (problem == JT_PROBLEM_NONE) {
        c->bytes = malloc(sizeof pan.packed);
        problem = c->bytes == NULL ? JT_PROBLEM_OUT_OF_MEMORY : JT_PROBLEM_NONE;
    }
    if (problem == JT_PROBLEM_NONE) {
        memcpy(c->bytes, pan.packed, pan.packed_len);
        c->len = pan.packed_len;
    }
    jt_wipe(&pan, sizeof pan);
    return problem;
}

static enum jt_problem_type take_base64(struct held *h, size_t at, json_t *value, size_t max,
                                        enum jt_problem_type malformed)
{
    size_t len = json_string_length(value), room = len / 4 * 3, n = 0;
    struct came *c = &h->came[at];
    if (!json_is_string(value) || len == 0 || room > max + 2) {
        return malformed;
    }
    c->bytes = malloc(room + 1);
    if (c->bytes == NULL) {
        return JT_PROBLEM_OUT_OF_MEMORY;
    }
    c->len = (uint16_t)room; /* for whoever wipes it, if no more comes of it */
    enum jt_err err = jt_base64_decode(json_string_value(value), len, c->bytes, room, &n);
    c->len = err == JT_OK ? (uint16_t)n : c->len;
    return err == JT_OK && n >= 1 && n <= max ? JT_PROBLEM_NONE : malformed;
}

static const char *member_of(const struct held *h)
{
    if (h->work != JT_HELD_ENCRYPT) {
        return "envelope";
    }
    return h->field.kind == JT_FIELD_PAN ? "pan" : "value";
}

static enum jt_problem_type take_value(struct held *h, size_t at, json_t *value)
{
    if (h->work != JT_HELD_ENCRYPT) {
        return take_base64(h, at, value, JT_ENVELOPE_OVERHEAD + JT_PLAINTEXT_MAX,
                           JT_PROBLEM_ENVELOPE_MALFORMED);
    }
    if (h->field.kind == JT_FIELD_PAN) {
        return take_pan(h, at, value);
    }
    return take_base64(h, at, value, JT_PLAINTEXT_MAX, JT_PROBLEM_VALUE_MALFORMED);
}

static void forget(struct came *c)
{
    if (c->bytes != NULL) {
        jt_wipe(c->bytes, c->len);
    }
    free(c->bytes);
    c->bytes = NULL;
}

static enum jt_problem_type take(struct jt_items *items, size_t at, json_t *object)
{
    struct held *h = of(items);
    json_t *row_id = json_object_get(object, "row_id");
    json_t *value = json_object_get(object, member_of(h));
    if (row_id == NULL || value == NULL || json_object_size(object) != 2) {
        return JT_PROBLEM_MALFORMED_ITEM;
    }
    enum jt_problem_type problem = take_row_id(h, at, row_id);
    if (problem == JT_PROBLEM_NONE) {
        problem = take_value(h, at, value);
    }
    if (problem != JT_PROBLEM_NONE) {
        forget(&h->came[at]);
        return problem;
    }
    h->ask[at].in = h->came[at].bytes;
    h->ask[at].in_len = h->came[at].len;
    return JT_PROBLEM_NONE;
}

/* --- answering --- */

static enum jt_problem_type outcome(const struct jt_items *items, size_t at)
{
    return jt_problem_of_err(of(items)->ask[at].err);
}

static void write_base64(struct jt_buf *out, const char *name, const uint8_t *bytes, size_t len)
{
    char text[JT_BASE64_LEN(JT_ENVELOPE_OVERHEAD + JT_PLAINTEXT_MAX) + 1];
    jt_base64_encode(bytes, len, text);
    jt_jsonw_text(out, name, text);
    jt_wipe(text, sizeof text);
}

static void write_value(const struct held *h, const struct jt_held_item_io *item,
                        struct jt_buf *out)
{
    if (h->field.kind == JT_FIELD_BYTES) {
        write_base64(out, "value", item->value, item->value_len);
        return;
    }
    char digits[JT_PAN_MAX_DIGITS + 1] = "";
    if (jt_pan_unpack(item->value, item->value_len, digits) == JT_OK) {
        jt_jsonw_text(out, "pan", digits); /* the keeper has seen to it that it is one */
    }
    jt_wipe(digits, sizeof digits);
}

static void write(const struct jt_items *items, size_t at, struct jt_buf *out)
{
    const struct held *h = of(items);
    const struct jt_held_item_io *item = &h->ask[at];
    if (h->work == JT_HELD_DECRYPT) {
        write_value(h, item, out);
    }
    if (h->work != JT_HELD_ENCRYPT) {
        jt_jsonw_bool(out, "stale", item->stale);
    }
    if (item->envelope != NULL) {
        write_base64(out, "envelope", item->envelope, item->envelope_len);
    }
}

static const struct jt_items_kind kind = { NULL, take, outcome, write, NULL };

static void free_state(void *state)
{
    struct held *h = state;
    for (size_t i = 0; i < h->items.n; i++) {
        if (h->came != NULL) {
            forget(&h->came[i]);
        }
        if (h->ask != NULL) {
            jt_held_clear(&h->ask[i]);
        }
    }
    free(h->came);
    free(h->ask);
    jt_items_clear(&h->items);
    free(h);
}

static void answer(struct held *h)
{
    struct jt_counters *c = &h->items.request->api->vault->counters;
    size_t refused = 0;
    for (size_t i = 0; i < h->items.n_good; i++) {
        refused += h->ask[i].err == JT_ERR_NOT_OPENED;
    }
    jt_count(h->work == JT_HELD_ENCRYPT   ? &c->encrypt_items
             : h->work == JT_HELD_DECRYPT ? &c->decrypt_items
                                          : &c->reencrypt_items,
             h->items.n);
    jt_count(&c->decrypt_refused, refused);
    jt_items_answer(&h->items);
}

static void on_done(struct jt_held_request *request)
{
    answer(request->arg);
}

static void send(struct jt_request *r)
{
    struct held *h = r->state;
    r->audited = true;
    if (!jt_lanes_held(r->api->lanes, &h->request)) {
        jt_request_answer_err(r, JT_ERR_OVER_SHARE);
    }
}

static void on_field(void *arg, enum jt_err err, const struct jt_field_spec *field)
{
    struct held *h = arg;
    struct jt_request *r = h->items.request;
    if (err == JT_OK) {
        err = jt_card_terms_of(field, &h->terms);
    }
    if (err != JT_OK) {
        jt_request_answer_err(r, err);
        return;
    }
    h->field = *field;
    jt_items_take(&h->items);
    if (h->items.n_good == 0) {
        answer(h);
        return;
    }
    h->request = (struct jt_held_request){ .client = r->client,
                                           .origin = &r->origin,
                                           .work = h->work,
                                           .field = field->id,
                                           .kind = field->kind,
                                           .items = h->ask,
                                           .n_items = h->items.n_good,
                                           .done = on_done,
                                           .arg = h };
    if (jt_budget_take(r, h->items.n_good, send)) {
        send(r);
    }
}

static void serve(struct jt_request *r, enum jt_held_work work)
{
    struct held *h = calloc(1, sizeof *h);
    r->state = h;
    r->state_free = h == NULL ? NULL : free_state;
    if (h == NULL) {
        jt_request_answer_err(r, JT_ERR_NOMEM);
        return;
    }
    h->work = work;
    if (!jt_items_init(&h->items, r, &kind)) {
        return;
    }
    h->ask = calloc(h->items.n, sizeof *h->ask);
    h->came = calloc(h->items.n, sizeof *h->came);
    if (h->ask == NULL || h->came == NULL) {
        jt_request_answer_err(r, JT_ERR_NOMEM);
        return;
    }
    jt_directory_field(r->api->lanes->directory, r->params.field, on_field, h);
}

static void encrypt(struct jt_request *r)
{
    serve(r, JT_HELD_ENCRYPT);
}

static void decrypt(struct jt_request *r)
{
    serve(r, JT_HELD_DECRYPT);
}

static void reencrypt(struct jt_request *r)
{
    serve(r, JT_HELD_REENCRYPT);
}

static const struct jt_member of_encrypt[] = {
    { .name = "row_id" }, { .name = "pan" }, { .name = "value" }, { .name = "items" }
};
static const struct jt_member of_envelopes[] = { { .name = "row_id" },
                                                 { .name = "envelope" },
                                                 { .name = "items" } };

const struct jt_operation jt_operation_encrypt = {
    .members = JT_MEMBERS(of_encrypt),
    .one_of = true,
    .once = JT_ONCE_IGNORED,
    .handler = encrypt,
};

const struct jt_operation jt_operation_decrypt = {
    .members = JT_MEMBERS(of_envelopes),
    .one_of = true,
    .once = JT_ONCE_IGNORED,
    .handler = decrypt,
};

const struct jt_operation jt_operation_reencrypt = {
    .members = JT_MEMBERS(of_envelopes),
    .one_of = true,
    .once = JT_ONCE_IGNORED,
    .handler = reencrypt,
};

/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/seal.h"

#include "wire/digits.h"
#include "wire/items.h"
#include "wire/text.h"

#include <string.h>

/* of a probed generation */
enum { RETIRED = 1 << 0 };
/* of a result */
enum { GUARDED = 1 << 0 };

static void item_encode(const struct jt_seal_item *item, struct jt_buf *out)
{
    uint8_t *p = jt_buf_append(out, 4u + JT_VALUE_HEAD_LEN + item->value.len);
    if (p == NULL) {
        return;
    }
    jt_put_u32(p, item->field);
    (void)jt_value_encode(&item->value, p + 4);
}

void jt_seal_request_encode(const struct jt_seal_request *request, struct jt_buf *out)
{
    if (request->n_retired > JT_WIRE_MAX_PROBED) {
        out->err = JT_ERR_LIMIT;
        return;
    }
    jt_buf_u8(out, request->n_retired);
    jt_buf_put(out, request->retired, request->n_retired);
    bool good = jt_wire_n_encode(request->n, JT_WIRE_MAX_ITEMS, out);
    for (size_t i = 0; i < request->n && good; i++) {
        item_encode(&request->items[i], out);
    }
}

static void item_decode(struct jt_reader *in, const void *arg, void *decoded)
{
    (void)arg;
    struct jt_seal_item *item = decoded;
    item->field = jt_reader_u32(in);
    jt_value_decode(in, &item->value);
}

enum jt_err jt_seal_request_decode(struct jt_reader *in, struct jt_seal_item *items,
                                   struct jt_seal_request *request)
{
    const struct jt_wire_list list = { items, sizeof items[0], item_decode, NULL };
    *request = (struct jt_seal_request){ .items = items };
    uint8_t n_retired = jt_reader_u8(in);
    if (n_retired > JT_WIRE_MAX_PROBED) {
        return JT_ERR_LIMIT;
    }
    jt_reader_copy(in, request->retired, n_retired);
    enum jt_err err = jt_wire_items_decode(in, &list, JT_WIRE_MAX_ITEMS, &request->n);
    request->n_retired = err == JT_OK ? n_retired : 0;
    return err;
}

size_t jt_seal_draining(const struct jt_seal_reply *reply)
{
    size_t n = 0;
    while (n < reply->n_probed && !reply->probed[n].retired) {
        n++;
    }
    return n;
}

/* What a result has because its token is numeric; one byte of an opaque one. */
static void numeric_encode(const struct jt_seal_result *r, size_t n_draining, struct jt_buf *out)
{
    uint8_t *p = jt_buf_append(out, JT_DIGITS_WIRE_LEN(&r->digits));
    if (p == NULL) {
        return;
    }
    (void)jt_digits_encode(&r->digits, p);
    if (r->digits.packed_len > 0) {
        jt_buf_u8(out, r->value_tok != NULL ? GUARDED : 0);
    }
    if (r->digits.packed_len > 0 && r->value_tok != NULL) {
        jt_buf_put(out, r->value_tok, JT_TOK_LEN);
        jt_buf_put(out, r->digit_fps, (1 + n_draining) * JT_FINGERPRINT_LEN);
    }
}

static void numeric_decode(struct jt_reader *in, size_t n_draining, struct jt_seal_result *r)
{
    jt_digits_decode(in, &r->digits);
    if (r->digits.packed_len > 0 && (jt_wire_flags_decode(in, GUARDED) & GUARDED) != 0) {
        r->value_tok = jt_reader_bytes(in, JT_TOK_LEN);
        r->digit_fps = jt_reader_bytes(in, (1 + n_draining) * JT_FINGERPRINT_LEN);
    }
}

static void result_encode(const struct jt_seal_result *r, size_t probes_len, struct jt_buf *out)
{
    if (r->err != JT_OK) {
        jt_buf_u8(out, (uint8_t)r->err);
        return;
    }
    uint8_t *p = jt_buf_append(out, 1 + JT_ROW_ID_LEN + JT_TOKEN_LEN + JT_FINGERPRINT_LEN +
                                        probes_len + 2 + r->envelope_len);
    if (p == NULL) {
        return;
    }
    *p++ = JT_OK;
    jt_put_u64(p, r->id);
    p += JT_ROW_ID_LEN;
    memcpy(p, r->token, JT_TOKEN_LEN);
    p += JT_TOKEN_LEN;
    memcpy(p, r->fingerprint, JT_FINGERPRINT_LEN);
    p += JT_FINGERPRINT_LEN;
    if (probes_len > 0) {
        memcpy(p, r->probes, probes_len);
        p += probes_len;
    }
    jt_put_u16(p, r->envelope_len);
    memcpy(p + 2, r->envelope, r->envelope_len);
}

void jt_seal_probed_encode(const struct jt_seal_probed *probed, uint8_t n, struct jt_buf *out)
{
    jt_buf_u8(out, n);
    for (size_t i = 0; i < n; i++) {
        jt_buf_u64(out, probed[i].key.generation);
        jt_buf_u8(out, probed[i].key.key_id);
        jt_buf_u8(out, probed[i].retired ? RETIRED : 0);
    }
}

void jt_seal_reply_encode(const struct jt_seal_reply *reply, struct jt_buf *out)
{
    jt_buf_u64(out, reply->epoch);
    jt_buf_u64(out, reply->active.generation);
    jt_buf_u8(out, reply->active.key_id);
    jt_seal_probed_encode(reply->probed, reply->n_probed, out);
    jt_buf_u16(out, (uint16_t)reply->n);
    for (size_t i = 0; i < reply->n; i++) {
        result_encode(&reply->results[i], (size_t)reply->n_probed * JT_FINGERPRINT_LEN, out);
        if (reply->results[i].err == JT_OK) {
            numeric_encode(&reply->results[i], jt_seal_draining(reply), out);
        }
    }
}

/* what an item may be answered with */
static const enum jt_err reasons[] = { JT_ERR_INVALID, JT_ERR_NO_FIELD, JT_ERR_TOKEN_SPACE,
                                       JT_ERR_NUMERIC_WAITS, JT_OK };

static void result_decode(struct jt_reader *in, const void *arg, void *decoded)
{
    const struct jt_seal_reply *reply = arg;
    struct jt_seal_result *r = decoded;
    *r = (struct jt_seal_result){ .err = jt_wire_item_reason(in, reasons) };
    if (in->bad || r->err != JT_OK) {
        return;
    }
    r->id = jt_reader_u64(in);
    r->token = jt_reader_bytes(in, JT_TOKEN_LEN);
    r->fingerprint = jt_reader_bytes(in, JT_FINGERPRINT_LEN);
    r->probes = jt_reader_bytes(in, (size_t)reply->n_probed * JT_FINGERPRINT_LEN);
    r->envelope_len = jt_reader_u16(in);
    r->envelope = jt_reader_bytes(in, r->envelope_len);
    numeric_decode(in, jt_seal_draining(reply), r);
    if (r->id == 0 || r->id > INT64_MAX || r->envelope == NULL ||
        r->envelope_len < JT_PAN_ENVELOPE_MIN || r->envelope_len > JT_PAN_ENVELOPE_MAX ||
        r->envelope[0] != reply->active.key_id) {
        in->bad = true;
    }
}

uint8_t jt_seal_probed_decode(struct jt_reader *in,
                              struct jt_seal_probed probed[static JT_WIRE_MAX_PROBED])
{
    uint8_t n = jt_reader_u8(in);
    in->bad = in->bad || n > JT_WIRE_MAX_PROBED;
    for (size_t i = 0; i < n && !in->bad; i++) {
        struct jt_seal_probed *p = &probed[i];
        p->key.generation = jt_reader_u64(in);
        p->key.key_id = jt_reader_u8(in);
        p->retired = (jt_wire_flags_decode(in, RETIRED) & RETIRED) != 0;
        in->bad = in->bad || (i > 0 && probed[i - 1].retired && !p->retired);
    }
    return in->bad ? 0 : n;
}

enum jt_err jt_seal_reply_decode(struct jt_reader *in, size_t n, struct jt_seal_reply *reply)
{
    const struct jt_wire_list list = { reply->results, sizeof reply->results[0], result_decode,
                                       reply };
    *reply = (struct jt_seal_reply){ .results = reply->results };
    reply->epoch = jt_reader_u64(in);
    reply->active.generation = jt_reader_u64(in);
    reply->active.key_id = jt_reader_u8(in);
    reply->n_probed = jt_seal_probed_decode(in, reply->probed);
    return jt_wire_results_decode(in, &list, reply->active.key_id == 0 ? 0 : n, &reply->n);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/batch.h"

#include "base/secmem.h"

#include <string.h>

/* No key id is above 255, so no group of items has this name. */
#define NO_GROUP UINT64_MAX

enum jt_err jt_batch_new(struct jt_batch **out)
{
    *out = jt_secmem_alloc(sizeof **out);
    return *out != NULL ? JT_OK : JT_ERR_NOMEM;
}

void jt_batch_free(struct jt_batch *b)
{
    jt_secmem_free(b, sizeof *b);
}

void jt_batch_wipe(struct jt_batch *b, size_t n)
{
    jt_wipe(b->pans, n * sizeof b->pans[0]);
    jt_wipe(b->numeric, (n < JT_BATCH_CHUNK ? n : JT_BATCH_CHUNK) * sizeof b->numeric[0]);
    jt_wipe(b->linked, (n < JT_BATCH_CHUNK ? n : JT_BATCH_CHUNK) * sizeof b->linked[0]);
}

size_t jt_batch_chunk(struct jt_batch *b, size_t first, size_t n)
{
    b->first = first;
    b->n_chunk = n - first < JT_BATCH_CHUNK ? n - first : JT_BATCH_CHUNK;
    b->cursor = 0;
    for (size_t i = 0; i < b->n_chunk; i++) {
        b->group[i] = NO_GROUP;
    }
    return b->n_chunk;
}

void jt_batch_group(struct jt_batch *b, size_t i, uint8_t key_id, uint32_t field)
{
    b->group[i] = (uint64_t)key_id << 32 | field;
}

size_t jt_batch_next_group(struct jt_batch *b, uint8_t *key_id, uint32_t *field)
{
    while (b->cursor < b->n_chunk && b->group[b->cursor] == NO_GROUP) {
        b->cursor++;
    }
    if (b->cursor == b->n_chunk) {
        return 0;
    }
    uint64_t group = b->group[b->cursor];
    size_t n = 0;
    for (size_t i = b->cursor; i < b->n_chunk; i++) {
        if (b->group[i] == group) {
            b->group[i] = NO_GROUP;
            b->cards[n++].at = b->first + i;
        }
    }
    *key_id = (uint8_t)(group >> 32);
    *field = (uint32_t)group;
    return n;
}

void jt_batch_set_id(struct jt_batch *b, size_t at, uint64_t id)
{
    jt_put_u64(b->row_ids[at], id);
}

static bool is_pan(const struct jt_value *value)
{
    char digits[JT_PAN_MAX_DIGITS + 1];
    bool good = jt_pan_unpack(value->bytes, value->len, digits) == JT_OK;
    jt_wipe(digits, sizeof digits);
    return good;
}

bool jt_batch_value_good(const struct jt_value *value)
{
    return value->kind == JT_FIELD_PAN && jt_value_len_valid(value->kind, value->len) &&
           is_pan(value);
}

struct jt_value jt_batch_opened(const struct jt_batch *b, size_t at, size_t envelope_len)
{
    return (struct jt_value){ .kind = JT_FIELD_PAN,
                              .bytes = b->pans[at],
                              .len = (uint16_t)(envelope_len - JT_ENVELOPE_OVERHEAD) };
}

bool jt_batch_envelope_len_good(size_t len)
{
    return len >= JT_PAN_ENVELOPE_MIN && len <= JT_PAN_ENVELOPE_MAX;
}

enum jt_err jt_batch_seal(struct jt_batch *b, struct jt_fieldkey *fk, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct jt_batch_card *c = &b->cards[i];
        b->siv[i] = (struct jt_siv_record){ .in = c->value.bytes,
                                            .in_len = c->value.len,
                                            .out = b->envelopes[c->at] };
        jt_fieldkey_bind(&b->siv[i], b->row_ids[c->at], b->fingerprints[c->at]);
        if (c->digits != NULL) {
            jt_fieldkey_bind_digits(&b->siv[i], c->digits->packed, c->digits->packed_len);
        }
    }
    enum jt_err err = jt_fieldkey_seal(fk, b->siv, n);
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        err = b->siv[i].err; /* the verb let only good cards come here */
    }
    return err;
}

enum jt_err jt_batch_fingerprint(struct jt_batch *b, struct jt_fieldkey *fk, size_t n, uint8_t *out,
                                 size_t stride)
{
    for (size_t i = 0; i < n; i++) {
        const struct jt_batch_card *c = &b->cards[i];
        struct jt_cmac_record *r = &b->cmac[i];
        *r = (struct jt_cmac_record){ .in = c->value.bytes,
                                      .in_len = c->value.len,
                                      .out = out + c->at * stride };
        if (!c->dedup) {
            memcpy(b->linked[i], c->value.bytes, c->value.len);
            memcpy(b->linked[i] + c->value.len, b->row_ids[c->at], JT_ROW_ID_LEN);
            r->in = b->linked[i];
            r->in_len += JT_ROW_ID_LEN;
        }
    }
    return jt_fieldkey_fingerprint(fk, b->cmac, n);
}

enum jt_err jt_batch_open(struct jt_batch *b, struct jt_fieldkey *fk, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct jt_batch_card *c = &b->cards[i];
        jt_fieldkey_bind(&b->siv[i], b->row_ids[c->at], c->fingerprint);
        if (c->digits != NULL) {
            jt_fieldkey_bind_digits(&b->siv[i], c->digits->packed, c->digits->packed_len);
        }
        b->siv[i].out = b->pans[c->at];
    }
    enum jt_err err = jt_fieldkey_open(fk, b->siv, n);
    if (err != JT_OK) {
        return err;
    }
    for (size_t i = 0; i < n; i++) {
        struct jt_siv_record *r = &b->siv[i];
        const struct jt_value value = jt_batch_opened(b, b->cards[i].at, r->in_len);
        if (r->err != JT_OK || !jt_batch_value_good(&value)) {
            r->err = JT_ERR_DECRYPT;
            jt_wipe(r->out, JT_PAN_MAX_PACKED);
        }
    }
    return JT_OK;
}

enum jt_err jt_batch_token(struct jt_batch *b, struct jt_tokenkey *tk, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        b->group_ids[i] = jt_get_u64(b->row_ids[b->cards[i].at]);
    }
    enum jt_err err = jt_tokenkey_seal(tk, b->group_ids, n, b->group_tokens);
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        memcpy(b->tokens[b->cards[i].at], b->group_tokens[i], JT_TOKEN_LEN);
    }
    return err;
}

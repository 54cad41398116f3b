/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/seal_numeric.h"

#include "base/secmem.h"
#include "crypto/wrap.h"

#include <string.h>

/* Two digits of a byte, and one where the last half byte is the filler. */
static size_t n_digits(const struct jt_value *value)
{
    return 2u * value->len - ((value->bytes[value->len - 1] & 0xf) == 0xf);
}

enum jt_err jt_seal_numeric_check(const struct jt_keeper *k, const struct jt_named_field *field,
                                  const struct jt_value *value)
{
    if (!jt_numeric_fits(&field->form, n_digits(value))) {
        return JT_ERR_TOKEN_SPACE;
    }
    return k->numeric_open ? JT_OK : JT_ERR_NUMERIC_WAITS;
}

static enum jt_err mint(struct jt_batch *b, const struct jt_named_field *field, size_t n)
{
    enum jt_err err = JT_OK;
    b->source.fill = jt_wrap_random_key;
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        struct jt_batch_card *c = &b->cards[i];
        struct jt_digits *digits = &b->digits[c->at];
        struct jt_pan token;
        err = jt_numeric_mint(&field->form, c->value.bytes, c->value.len, &b->source, &token);
        digits->packed_len = token.packed_len;
        memcpy(digits->packed, token.packed, sizeof token.packed);
        c->digits = digits;
    }
    return err;
}

/* The toks of the group's digits, or of its values, to out[at]. */
static enum jt_err make_toks(struct jt_keeper *k, const struct jt_named_field *field, bool digits,
                             size_t n, uint8_t (*out)[JT_TOK_LEN])
{
    struct jt_batch *b = k->batch;
    struct jt_cmac *key;
    enum jt_err err = jt_root_numeric(k->root, field->id, &key);
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        const struct jt_batch_card *c = &b->cards[i];
        const uint8_t *packed = digits ? c->digits->packed : c->value.bytes;
        size_t len = digits ? c->digits->packed_len : c->value.len;
        err = jt_numeric_message(&field->form, packed, len, &b->numeric[i]);
    }
    if (err == JT_OK) {
        err = jt_numeric_macs(key, b->numeric, b->cmac, n);
    }
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        jt_numeric_tok(&b->numeric[i], out[b->cards[i].at]);
    }
    jt_wipe(b->numeric, n * sizeof b->numeric[0]);
    return err;
}

/* Fingerprints of the group's digits as if they were cards, under one generation. */
static enum jt_err fingerprint_digits(struct jt_keeper *k, const struct jt_named_field *field,
                                      uint64_t generation, size_t place, size_t n)
{
    struct jt_batch *b = k->batch;
    struct jt_fieldkey *fk;
    enum jt_err err = jt_keyring_fieldkey(k->keyring, generation, field->id, &fk);
    for (size_t i = 0; i < n; i++) {
        const struct jt_digits *digits = b->cards[i].digits;
        b->cmac[i] = (struct jt_cmac_record){ .in = digits->packed,
                                              .in_len = digits->packed_len,
                                              .out = b->digit_fps[b->cards[i].at] +
                                                     place * JT_FINGERPRINT_LEN };
    }
    return err == JT_OK ? jt_fieldkey_fingerprint(fk, b->cmac, n) : err;
}

static enum jt_err guard(struct jt_keeper *k, const struct jt_named_field *field,
                         const struct jt_seal_reply *reply, size_t n)
{
    enum jt_err err = make_toks(k, field, false, n, k->batch->value_toks);
    if (err == JT_OK) {
        err = fingerprint_digits(k, field, reply->active.generation, 0, n);
    }
    for (size_t p = 0; p < jt_seal_draining(reply) && err == JT_OK; p++) {
        err = fingerprint_digits(k, field, reply->probed[p].key.generation, p + 1, n);
    }
    return err;
}

enum jt_err jt_seal_numeric(struct jt_keeper *k, const struct jt_named_field *field,
                            const struct jt_seal_reply *reply, size_t n)
{
    enum jt_err err = mint(k->batch, field, n);
    if (err == JT_OK) {
        err = make_toks(k, field, true, n, k->batch->tokens);
    }
    return err == JT_OK && field->form.guarded ? guard(k, field, reply, n) : err;
}

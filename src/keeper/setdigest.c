/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/setdigest.h"

#include "base/random.h"
#include "base/secmem.h"
#include "keeper/rowmac.h"

#include <string.h>

#define MESSAGE_MAX 1024

static void add(struct jt_setdigest *d, uint64_t high, uint64_t low)
{
    d->low += low;
    d->high += high + (d->low < low);
}

static void take(struct jt_setdigest *d, uint64_t high, uint64_t low)
{
    uint64_t borrow = d->low < low;
    d->low -= low;
    d->high -= high + borrow;
}

/* F of a row: `encoded` is the whole row as the digest covers it. */
static enum jt_err row_value(const struct jt_root *root, uint8_t kind, struct jt_buf *encoded,
                             uint64_t *high, uint64_t *low)
{
    uint8_t value[JT_SET_DIGEST_LEN] = { 0 };
    enum jt_err err = jt_buf_status(encoded);
    if (err == JT_OK) {
        err = jt_rowmac_set_member(root, kind, encoded->data, encoded->len, value);
    }
    *high = jt_get_u64(value);
    *low = jt_get_u64(value + 8);
    jt_wipe(value, sizeof value);
    jt_buf_clear(encoded);
    return err;
}

static enum jt_err client_value(const struct jt_root *root, const struct jt_client_row *row,
                                uint64_t *high, uint64_t *low)
{
    struct jt_buf encoded;
    jt_buf_init(&encoded, MESSAGE_MAX);
    jt_client_member_encode(row, &encoded);
    return row_value(root, JT_SET_CLIENTS, &encoded, high, low);
}

static enum jt_err field_value(const struct jt_root *root, const struct jt_field_row *row,
                               uint64_t *high, uint64_t *low)
{
    struct jt_buf encoded;
    jt_buf_init(&encoded, MESSAGE_MAX);
    jt_field_row_encode(row, &encoded);
    return row_value(root, JT_SET_FIELDS, &encoded, high, low);
}

enum jt_err jt_setdigest_add_client(const struct jt_root *root, struct jt_setdigest *d,
                                    const struct jt_client_row *row)
{
    uint64_t high, low;
    enum jt_err err = client_value(root, row, &high, &low);
    if (err == JT_OK) {
        add(d, high, low);
        d->n++;
    }
    return err;
}

enum jt_err jt_setdigest_take_client(const struct jt_root *root, struct jt_setdigest *d,
                                     const struct jt_client_row *row)
{
    uint64_t high, low;
    enum jt_err err = client_value(root, row, &high, &low);
    if (err == JT_OK) {
        take(d, high, low);
        d->n--;
    }
    return err;
}

enum jt_err jt_setdigest_add_field(const struct jt_root *root, struct jt_setdigest *d,
                                   const struct jt_field_row *row)
{
    uint64_t high, low;
    enum jt_err err = field_value(root, row, &high, &low);
    if (err == JT_OK) {
        add(d, high, low);
        d->n++;
    }
    return err;
}

enum jt_err jt_setdigest_take_field(const struct jt_root *root, struct jt_setdigest *d,
                                    const struct jt_field_row *row)
{
    uint64_t high, low;
    enum jt_err err = field_value(root, row, &high, &low);
    if (err == JT_OK) {
        take(d, high, low);
        d->n--;
    }
    return err;
}

/* Takes G of the nonce away from what is stored. */
static enum jt_err unmask(const struct jt_root *root, uint8_t kind, const uint8_t *nonce,
                          const uint8_t *digest, uint32_t n, struct jt_setdigest *out)
{
    uint8_t mask[JT_SET_DIGEST_LEN];
    enum jt_err err = jt_rowmac_set_mask(root, kind, nonce, mask);
    *out = (struct jt_setdigest){ .n = n };
    if (err == JT_OK) {
        add(out, jt_get_u64(digest), jt_get_u64(digest + 8));
        take(out, jt_get_u64(mask), jt_get_u64(mask + 8));
    }
    jt_wipe(mask, sizeof mask);
    return err;
}

static enum jt_err mask(const struct jt_root *root, uint8_t kind, const struct jt_setdigest *d,
                        uint8_t *nonce, uint8_t *digest)
{
    uint8_t value[JT_SET_DIGEST_LEN];
    jt_random_fill(nonce, JT_SET_NONCE_LEN);
    enum jt_err err = jt_rowmac_set_mask(root, kind, nonce, value);
    if (err == JT_OK) {
        struct jt_setdigest masked = *d;
        add(&masked, jt_get_u64(value), jt_get_u64(value + 8));
        jt_put_u64(digest, masked.high);
        jt_put_u64(digest + 8, masked.low);
    }
    jt_wipe(value, sizeof value);
    return err;
}

enum jt_err jt_setdigest_open_row(const struct jt_root *root, const struct jt_set_row *row,
                                  struct jt_setdigest *out)
{
    uint8_t mac[JT_ROW_MAC_LEN];
    *out = (struct jt_setdigest){ 0 };
    if (row->version == 0) {
        const struct jt_set_row empty = jt_set_row_empty(row->kind);
        bool nothing = row->n == 0 && row->operators == 0 && jt_set_row_same(row, &empty);
        return nothing ? JT_OK : JT_ERR_FORGED;
    }
    enum jt_err err = jt_rowmac_set_row(root, row, mac);
    if (err == JT_OK && !jt_equal_ct(mac, row->mac, sizeof mac)) {
        err = JT_ERR_FORGED;
    }
    return err == JT_OK ? unmask(root, row->kind, row->nonce, row->digest, row->n, out) : err;
}

enum jt_err jt_setdigest_close_row(const struct jt_root *root, const struct jt_setdigest *d,
                                   struct jt_set_row *row)
{
    row->n = d->n;
    enum jt_err err = mask(root, row->kind, d, row->nonce, row->digest);
    return err == JT_OK ? jt_rowmac_set_row(root, row, row->mac) : err;
}

static enum jt_err sum_mac(const struct jt_root *root, const struct jt_set_sum *sum,
                           uint8_t out[static JT_ROW_MAC_LEN])
{
    struct jt_set_sum body = *sum;
    struct jt_buf encoded;
    memset(body.mac, 0, sizeof body.mac);
    jt_buf_init(&encoded, MESSAGE_MAX);
    jt_set_sum_encode(&body, &encoded);
    enum jt_err err = jt_buf_status(&encoded);
    if (err == JT_OK) {
        err = jt_rowmac_set_sum(root, encoded.data, encoded.len - sizeof body.mac, out);
    }
    jt_buf_clear(&encoded);
    return err;
}

enum jt_err jt_setdigest_open_sum(const struct jt_root *root, const struct jt_set_sum *sum,
                                  struct jt_setdigest *out)
{
    uint8_t mac[JT_ROW_MAC_LEN];
    *out = (struct jt_setdigest){ 0 };
    enum jt_err err = sum_mac(root, sum, mac);
    if (err == JT_OK && !jt_equal_ct(mac, sum->mac, sizeof mac)) {
        err = JT_ERR_FORGED;
    }
    return err == JT_OK ? unmask(root, sum->kind, sum->nonce, sum->digest, sum->n, out) : err;
}

enum jt_err jt_setdigest_close_sum(const struct jt_root *root, const struct jt_setdigest *d,
                                   struct jt_set_sum *sum)
{
    sum->n = d->n;
    enum jt_err err = mask(root, sum->kind, d, sum->nonce, sum->digest);
    return err == JT_OK ? sum_mac(root, sum, sum->mac) : err;
}

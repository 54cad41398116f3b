/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/cbcmac.h"

#include "base/secmem.h"

enum jt_err jt_cbcmac_init(struct jt_cbcmac *m, const uint8_t *key, size_t key_len)
{
    enum jt_err err = jt_aes_init(&m->aes, key, key_len);
    if (err != JT_OK) {
        return err;
    }
    /* SP 800-38B section 6.1: L = AES(0), K1 = dbl(L), K2 = dbl(K1). */
    struct jt_block l = { { 0, 0 } };
    err = jt_aes_encrypt(&m->aes, &l, 1);
    if (err != JT_OK) {
        jt_aes_clear(&m->aes);
        return err;
    }
    m->k1 = jt_block_dbl(l);
    m->k2 = jt_block_dbl(m->k1);
    jt_wipe(&l, sizeof(l));
    return JT_OK;
}

void jt_cbcmac_clear(struct jt_cbcmac *m)
{
    jt_aes_clear(&m->aes);
    jt_wipe(m, sizeof(*m));
}

/*
 * Makes the last block of a message from its `len` (0 to 16) last bytes: padded where it is short,
 * then masked.
 */
static void masked_last(const struct jt_cbcmac *m, struct jt_block *last, const uint8_t *in,
                        size_t len)
{
    if (len == JT_BLOCK_LEN) {
        *last = jt_block_xor(jt_block_load(in), m->k1);
    } else {
        jt_block_pad(last, in, len);
        *last = jt_block_xor(*last, m->k2);
    }
}

void jt_cbcmac_message(struct jt_cbcmac *m, size_t i, const uint8_t *in, size_t len)
{
    struct jt_cbcmac_lane *lane = &m->lane[i];
    lane->head = in;
    lane->n_head = len == 0 ? 0 : (len - 1) / JT_BLOCK_LEN;
    lane->n_tail = 1;
    size_t head_len = lane->n_head * JT_BLOCK_LEN;
    masked_last(m, &lane->tail[0], len == 0 ? NULL : in + head_len, len - head_len);
}

enum jt_err jt_cbcmac_run(struct jt_cbcmac *m, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        m->chain[i] = (struct jt_block){ { 0, 0 } };
        m->running[i] = (uint16_t)i;
    }
    size_t n_running = n;
    for (size_t step = 0; n_running > 0; step++) {
        for (size_t k = 0; k < n_running; k++) {
            const struct jt_cbcmac_lane *lane = &m->lane[m->running[k]];
            struct jt_block next = step < lane->n_head
                                       ? jt_block_load(lane->head + step * JT_BLOCK_LEN)
                                       : lane->tail[step - lane->n_head];
            m->chain[k] = jt_block_xor(m->chain[k], next);
        }
        enum jt_err err = jt_aes_encrypt(&m->aes, m->chain, n_running);
        if (err != JT_OK) {
            return err;
        }
        size_t n_left = 0;
        for (size_t k = 0; k < n_running; k++) {
            struct jt_cbcmac_lane *lane = &m->lane[m->running[k]];
            if (step + 1 == lane->n_head + lane->n_tail) {
                lane->mac = m->chain[k];
            } else {
                m->chain[n_left] = m->chain[k];
                m->running[n_left++] = m->running[k];
            }
        }
        n_running = n_left;
    }
    return JT_OK;
}

void jt_cbcmac_wipe(struct jt_cbcmac *m, size_t n)
{
    size_t used = n < JT_CBCMAC_LANES ? n : JT_CBCMAC_LANES;
    jt_wipe(m->lane, used * sizeof(m->lane[0]));
    jt_wipe(m->chain, used * sizeof(m->chain[0]));
}

enum jt_err jt_cbcmac_parts(struct jt_cbcmac *m, const struct jt_bytes *parts, size_t n_parts,
                            struct jt_block *mac)
{
    struct jt_block chain = { { 0, 0 } };
    struct jt_block last = { { 0, 0 } };
    /*
     * Gathered and not yet chained: the last block is to be masked, and only the message's end
     * tells which one that is.
     */
    uint8_t block[JT_BLOCK_LEN];
    size_t gathered = 0;
    enum jt_err err = JT_OK;

    for (size_t i = 0; i < n_parts; i++) {
        const uint8_t *p = parts[i].p;
        size_t left = parts[i].len;
        while (left > 0) {
            if (gathered == JT_BLOCK_LEN) {
                chain = jt_block_xor(chain, jt_block_load(block));
                err = jt_aes_encrypt(&m->aes, &chain, 1);
                if (err != JT_OK) {
                    goto out;
                }
                gathered = 0;
            }
            size_t take = JT_BLOCK_LEN - gathered < left ? JT_BLOCK_LEN - gathered : left;
            memcpy(block + gathered, p, take);
            gathered += take;
            p += take;
            left -= take;
        }
    }
    masked_last(m, &last, block, gathered);
    chain = jt_block_xor(chain, last);
    err = jt_aes_encrypt(&m->aes, &chain, 1);
    if (err == JT_OK) {
        *mac = chain;
    }
out:
    jt_wipe(block, sizeof(block));
    jt_wipe(&last, sizeof(last));
    jt_wipe(&chain, sizeof(chain));
    return err;
}

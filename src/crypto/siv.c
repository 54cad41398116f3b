/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/siv.h"

#include "base/secmem.h"
#include "crypto/cbcmac.h"

/*
 * Keystream blocks made by one AES call: enough for a full chunk of short records, or for 4 KiB of
 * a long one.
 */
#define KEYSTREAM_BLOCKS 256

/* One CTR message of a run: where it stands is kept by a cursor over the whole run. */
struct ctr_job {
    struct jt_block start; /* the first counter block */
    const uint8_t *in;
    uint8_t *out;
    size_t len;
};

struct ctr_cursor {
    size_t job;
    size_t offset; /* bytes of that job done, a multiple of the block */
};

struct jt_siv {
    struct jt_cbcmac mac;       /* K1: S2V */
    struct jt_aes ctr;          /* K2: CTR */
    struct jt_block cmac_zero;  /* AES-CMAC(K1, <zero>), where every S2V starts */
    struct jt_block cmac_empty; /* AES-CMAC(K1, ""), what an empty component adds */
    struct jt_siv_record *chunk[JT_CBCMAC_LANES];
    struct jt_block d[JT_CBCMAC_LANES];  /* S2V's D of each record in the chunk */
    uint16_t record_of[JT_CBCMAC_LANES]; /* whose component a lane has */
    struct ctr_job job[JT_CBCMAC_LANES];
    struct jt_block keystream[KEYSTREAM_BLOCKS];
    size_t keystream_used; /* blocks to wipe when the call ends */
};

enum jt_err jt_siv_new(const uint8_t *key, size_t key_len, struct jt_siv **out)
{
    *out = NULL;
    if (key_len != JT_SIV_256_KEY_LEN && key_len != JT_SIV_128_KEY_LEN) {
        return JT_ERR_INVALID;
    }
    struct jt_siv *siv = jt_secmem_alloc(sizeof(*siv));
    if (siv == NULL) {
        return JT_ERR_NOMEM;
    }
    /* RFC 5297 section 2.2: the key is K1 || K2. */
    size_t half = key_len / 2;
    enum jt_err err = jt_cbcmac_init(&siv->mac, key, half);
    if (err != JT_OK) {
        goto out;
    }
    err = jt_aes_init(&siv->ctr, key + half, half);
    if (err != JT_OK) {
        goto out;
    }
    static const uint8_t zero[JT_BLOCK_LEN];
    err = jt_cbcmac_parts(&siv->mac, &(struct jt_bytes){ zero, sizeof(zero) }, 1, &siv->cmac_zero);
    if (err != JT_OK) {
        goto out;
    }
    err = jt_cbcmac_parts(&siv->mac, NULL, 0, &siv->cmac_empty);
    if (err != JT_OK) {
        goto out;
    }
    *out = siv;
    siv = NULL;
out:
    jt_siv_free(siv);
    return err;
}

void jt_siv_free(struct jt_siv *siv)
{
    if (siv != NULL) {
        jt_cbcmac_clear(&siv->mac);
        jt_aes_clear(&siv->ctr);
        jt_secmem_free(siv, sizeof(*siv));
    }
}

static void wipe_scratch(struct jt_siv *siv, size_t n)
{
    size_t used = n < JT_CBCMAC_LANES ? n : JT_CBCMAC_LANES;
    jt_cbcmac_wipe(&siv->mac, used);
    jt_wipe(siv->job, used * sizeof(siv->job[0]));
    jt_wipe(siv->d, used * sizeof(siv->d[0]));
    jt_wipe(siv->keystream, siv->keystream_used * sizeof(siv->keystream[0]));
    siv->keystream_used = 0;
}

/*
 * RFC 5297 section 2.4, the last lines of S2V: with D after all components of associated data, the
 * message for the final CMAC is T = text xorend D, or for a text shorter than a block T = dbl(D)
 * xor pad(text), which is always one whole block.
 */
static void s2v_last(struct jt_cbcmac *m, size_t i, struct jt_block d, const uint8_t *text,
                     size_t len)
{
    struct jt_cbcmac_lane *lane = &m->lane[i];
    lane->head = text;
    if (len < JT_BLOCK_LEN) {
        lane->n_head = 0;
        lane->n_tail = 1;
        jt_block_pad(&lane->tail[0], text, len);
        lane->tail[0] = jt_block_xor(lane->tail[0], jt_block_xor(jt_block_dbl(d), m->k1));
        return;
    }
    /*
     * xorend touches the last 16 bytes: they and what precedes them in their first block are
     * changed in the lane's copy.
     */
    size_t rest = len % JT_BLOCK_LEN;
    size_t tail_len = JT_BLOCK_LEN + rest;
    uint8_t *tail = (uint8_t *)lane->tail;
    lane->n_head = (len - tail_len) / JT_BLOCK_LEN;
    lane->n_tail = rest == 0 ? 1 : 2;
    lane->tail[1] = (struct jt_block){ { 0, 0 } };
    memcpy(tail, text + len - tail_len, tail_len);
    jt_block_store(jt_block_xor(jt_block_load(tail + rest), d), tail + rest);
    if (rest == 0) {
        lane->tail[0] = jt_block_xor(lane->tail[0], m->k1);
    } else {
        tail[tail_len] = 0x80;
        lane->tail[1] = jt_block_xor(lane->tail[1], m->k2);
    }
}

/* RFC 5297 section 2.6: Q = V bitand (1^64 || 0^1 || 1^31 || 0^1 || 1^31). */
static void ctr_job_set(struct ctr_job *job, struct jt_block v, const uint8_t *in, uint8_t *out,
                        size_t len)
{
    v.w[1] &= htobe64(UINT64_C(0x7fffffff7fffffff));
    *job = (struct ctr_job){ .start = v, .in = in, .out = out, .len = len };
}

/* Lays out the counter blocks from the cursor on, as many as fit; returns how many. */
static size_t ctr_fill(struct jt_siv *siv, size_t n, struct ctr_cursor *at)
{
    size_t used = 0;
    while (at->job < n && used < KEYSTREAM_BLOCKS) {
        const struct ctr_job *job = &siv->job[at->job];
        /* Bit 63 of Q is zero, so adding a block number to the low half never carries out of it. */
        uint64_t low = be64toh(job->start.w[1]) + at->offset / JT_BLOCK_LEN;
        for (; at->offset < job->len && used < KEYSTREAM_BLOCKS; at->offset += JT_BLOCK_LEN) {
            siv->keystream[used++] = (struct jt_block){ { job->start.w[0], htobe64(low++) } };
        }
        if (at->offset >= job->len) {
            at->job++;
            at->offset = 0;
        }
    }
    return used;
}

/* XORs `used` keystream blocks over the texts, walking exactly as ctr_fill did. */
static void ctr_apply(struct jt_siv *siv, size_t n, struct ctr_cursor *at, size_t used)
{
    size_t next = 0;
    while (at->job < n) {
        const struct ctr_job *job = &siv->job[at->job];
        for (; at->offset < job->len && next < used; at->offset += JT_BLOCK_LEN, next++) {
            size_t left = job->len - at->offset;
            const uint8_t *in = job->in + at->offset;
            uint8_t *out = job->out + at->offset;
            if (left >= JT_BLOCK_LEN) {
                jt_block_store(jt_block_xor(jt_block_load(in), siv->keystream[next]), out);
                continue;
            }
            const uint8_t *key = (const uint8_t *)&siv->keystream[next];
            for (size_t i = 0; i < left; i++) {
                out[i] = in[i] ^ key[i];
            }
        }
        if (at->offset < job->len) {
            return;
        }
        at->job++;
        at->offset = 0;
    }
}

/* En- or decrypts jobs 0 to n-1. */
static enum jt_err ctr_run(struct jt_siv *siv, size_t n)
{
    struct ctr_cursor fill = { 0, 0 };
    struct ctr_cursor apply = { 0, 0 };
    while (fill.job < n) {
        size_t used = ctr_fill(siv, n, &fill);
        if (used > siv->keystream_used) {
            siv->keystream_used = used;
        }
        enum jt_err err = jt_aes_encrypt(&siv->ctr, siv->keystream, used);
        if (err != JT_OK) {
            return err;
        }
        ctr_apply(siv, n, &apply, used);
    }
    return JT_OK;
}

/* S2V of one message; the result is in lane 0. */
static enum jt_err s2v_one(struct jt_siv *siv, const struct jt_bytes *ad, size_t n_ad,
                           const uint8_t *text, size_t len)
{
    struct jt_cbcmac *m = &siv->mac;
    struct jt_block d = siv->cmac_zero;
    enum jt_err err = JT_OK;
    for (size_t i = 0; i < n_ad && err == JT_OK; i++) {
        jt_cbcmac_message(m, 0, ad[i].p, ad[i].len);
        err = jt_cbcmac_run(m, 1);
        d = jt_block_xor(jt_block_dbl(d), m->lane[0].mac);
    }
    if (err == JT_OK) {
        s2v_last(m, 0, d, text, len);
        err = jt_cbcmac_run(m, 1);
    }
    jt_wipe(&d, sizeof(d));
    return err;
}

enum jt_err jt_siv_seal(struct jt_siv *siv, const struct jt_bytes *ad, size_t n_ad,
                        const uint8_t *in, size_t in_len, uint8_t *out)
{
    if (n_ad > JT_SIV_MAX_COMPONENTS) {
        return JT_ERR_LIMIT;
    }
    enum jt_err err = s2v_one(siv, ad, n_ad, in, in_len);
    if (err == JT_OK) {
        jt_block_store(siv->mac.lane[0].mac, out);
        ctr_job_set(&siv->job[0], siv->mac.lane[0].mac, in, out + JT_SIV_TAG_LEN, in_len);
        err = ctr_run(siv, 1);
    }
    if (err != JT_OK) {
        jt_wipe(out, JT_SIV_TAG_LEN + in_len);
    }
    wipe_scratch(siv, 1);
    return err;
}

enum jt_err jt_siv_open(struct jt_siv *siv, const struct jt_bytes *ad, size_t n_ad,
                        const uint8_t *in, size_t in_len, uint8_t *out)
{
    if (n_ad > JT_SIV_MAX_COMPONENTS) {
        return JT_ERR_LIMIT;
    }
    if (in_len < JT_SIV_TAG_LEN) {
        return JT_ERR_DECRYPT;
    }
    size_t out_len = in_len - JT_SIV_TAG_LEN;
    struct jt_block tag = jt_block_load(in);
    ctr_job_set(&siv->job[0], tag, in + JT_SIV_TAG_LEN, out, out_len);
    enum jt_err err = ctr_run(siv, 1);
    if (err == JT_OK) {
        err = s2v_one(siv, ad, n_ad, out, out_len);
    }
    if (err == JT_OK && !jt_block_equal_ct(siv->mac.lane[0].mac, tag)) {
        err = JT_ERR_DECRYPT;
    }
    if (err != JT_OK) {
        jt_wipe(out, out_len);
    }
    wipe_scratch(siv, 1);
    return err;
}

enum jt_err jt_siv_candidate(struct jt_siv *siv, const uint8_t *in, size_t in_len, uint8_t *out)
{
    if (in_len < JT_SIV_TAG_LEN) {
        return JT_ERR_DECRYPT;
    }
    size_t out_len = in_len - JT_SIV_TAG_LEN;
    ctr_job_set(&siv->job[0], jt_block_load(in), in + JT_SIV_TAG_LEN, out, out_len);
    enum jt_err err = ctr_run(siv, 1);
    if (err != JT_OK) {
        jt_wipe(out, out_len);
    }
    wipe_scratch(siv, 1);
    return err;
}

enum jt_err jt_siv_header(struct jt_siv *siv, const uint8_t *header, size_t header_len,
                          uint8_t header_mac[static JT_SIV_TAG_LEN])
{
    struct jt_block mac;
    enum jt_err err = jt_cbcmac_parts(&siv->mac, &(struct jt_bytes){ header, header_len }, 1, &mac);
    if (err != JT_OK) {
        jt_wipe(header_mac, JT_SIV_TAG_LEN);
        return err;
    }
    /* D after the first component. */
    jt_block_store(jt_block_xor(jt_block_dbl(siv->cmac_zero), mac), header_mac);
    jt_wipe(&mac, sizeof(mac));
    return JT_OK;
}

/* What S2V authenticates and CTR hides. */
static const uint8_t *plain_of(const struct jt_siv_record *r, bool sealing)
{
    return sealing ? r->in : r->out;
}

static size_t plain_len_of(const struct jt_siv_record *r, bool sealing)
{
    return sealing ? r->in_len : r->in_len - JT_SIV_TAG_LEN;
}

/*
 * RFC 5297 section 2.4, one round of S2V's loop for the chunk: D = dbl(D) xor CMAC(component k).
 * Only components that are not empty take a lane.
 */
static enum jt_err s2v_component(struct jt_siv *siv, size_t n, size_t k)
{
    struct jt_cbcmac *m = &siv->mac;
    size_t n_lanes = 0;
    for (size_t i = 0; i < n; i++) {
        const struct jt_siv_record *r = siv->chunk[i];
        if (k >= r->n_ad) {
            continue;
        }
        siv->d[i] = jt_block_dbl(siv->d[i]);
        if (r->ad[k].len == 0) {
            siv->d[i] = jt_block_xor(siv->d[i], siv->cmac_empty);
        } else {
            jt_cbcmac_message(m, n_lanes, r->ad[k].p, r->ad[k].len);
            siv->record_of[n_lanes++] = (uint16_t)i;
        }
    }
    enum jt_err err = jt_cbcmac_run(m, n_lanes);
    for (size_t lane = 0; lane < n_lanes && err == JT_OK; lane++) {
        size_t i = siv->record_of[lane];
        siv->d[i] = jt_block_xor(siv->d[i], m->lane[lane].mac);
    }
    return err;
}

/*
 * S2V of chunk[0 .. n-1] with associated data (header, the record's own); the results are in the
 * lanes.
 */
static enum jt_err s2v_chunk(struct jt_siv *siv, struct jt_block header_mac, size_t n, bool sealing)
{
    struct jt_cbcmac *m = &siv->mac;
    enum jt_err err = JT_OK;
    for (size_t i = 0; i < n; i++) {
        siv->d[i] = header_mac;
    }
    for (size_t k = 0; k < JT_SIV_RECORD_AD && err == JT_OK; k++) {
        err = s2v_component(siv, n, k);
    }
    if (err != JT_OK) {
        return err;
    }
    for (size_t i = 0; i < n; i++) {
        const struct jt_siv_record *r = siv->chunk[i];
        s2v_last(m, i, siv->d[i], plain_of(r, sealing), plain_len_of(r, sealing));
    }
    return jt_cbcmac_run(m, n);
}

static enum jt_err seal_chunk(struct jt_siv *siv, struct jt_block header_mac, size_t n)
{
    enum jt_err err = s2v_chunk(siv, header_mac, n, true);
    if (err != JT_OK) {
        return err;
    }
    for (size_t i = 0; i < n; i++) {
        struct jt_siv_record *r = siv->chunk[i];
        struct jt_block v = siv->mac.lane[i].mac;
        jt_block_store(v, r->out);
        ctr_job_set(&siv->job[i], v, r->in, r->out + JT_SIV_TAG_LEN, r->in_len);
    }
    return ctr_run(siv, n);
}

static enum jt_err open_chunk(struct jt_siv *siv, struct jt_block header_mac, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct jt_siv_record *r = siv->chunk[i];
        ctr_job_set(&siv->job[i], jt_block_load(r->in), r->in + JT_SIV_TAG_LEN, r->out,
                    r->in_len - JT_SIV_TAG_LEN);
    }
    enum jt_err err = ctr_run(siv, n);
    if (err != JT_OK) {
        return err;
    }
    err = s2v_chunk(siv, header_mac, n, false);
    if (err != JT_OK) {
        return err;
    }
    for (size_t i = 0; i < n; i++) {
        struct jt_siv_record *r = siv->chunk[i];
        if (!jt_block_equal_ct(siv->mac.lane[i].mac, jt_block_load(r->in))) {
            jt_wipe(r->out, r->in_len - JT_SIV_TAG_LEN);
            r->err = JT_ERR_DECRYPT;
        }
    }
    return JT_OK;
}

/*
 * Takes the records in chunks of as many lanes as there are; one too short to hold a tag is refused
 * here and takes no lane.
 */
static enum jt_err run_many(struct jt_siv *siv, const uint8_t *header_mac,
                            struct jt_siv_record *records, size_t n, bool sealing)
{
    struct jt_block header = jt_block_load(header_mac);
    enum jt_err err = JT_OK;
    for (size_t next = 0; next < n && err == JT_OK;) {
        size_t n_chunk = 0;
        for (; next < n && n_chunk < JT_CBCMAC_LANES; next++) {
            struct jt_siv_record *r = &records[next];
            r->err = !sealing && r->in_len < JT_SIV_TAG_LEN ? JT_ERR_DECRYPT : JT_OK;
            if (r->err == JT_OK) {
                siv->chunk[n_chunk++] = r;
            }
        }
        err = sealing ? seal_chunk(siv, header, n_chunk) : open_chunk(siv, header, n_chunk);
    }
    for (size_t i = 0; i < n && err != JT_OK; i++) {
        struct jt_siv_record *r = &records[i];
        if (sealing) {
            jt_wipe(r->out, JT_SIV_TAG_LEN + r->in_len);
        } else if (r->in_len >= JT_SIV_TAG_LEN) {
            jt_wipe(r->out, r->in_len - JT_SIV_TAG_LEN);
        }
        r->err = err;
    }
    wipe_scratch(siv, n);
    jt_wipe(&header, sizeof(header));
    return err;
}

enum jt_err jt_siv_seal_many(struct jt_siv *siv, const uint8_t header_mac[static JT_SIV_TAG_LEN],
                             struct jt_siv_record *records, size_t n)
{
    return run_many(siv, header_mac, records, n, true);
}

enum jt_err jt_siv_open_many(struct jt_siv *siv, const uint8_t header_mac[static JT_SIV_TAG_LEN],
                             struct jt_siv_record *records, size_t n)
{
    return run_many(siv, header_mac, records, n, false);
}

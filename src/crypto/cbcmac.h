/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine under cmac.c and siv.c: CMAC (NIST SP 800-38B) over many messages side by side.
 *
 * CBC-MAC is a chain, one block after the other; its steps cannot be made parallel within a
 * message. They can between messages: step s of N messages is one jt_aes_encrypt call of N blocks.
 * Messages of different lengths may run together: one that is finished leaves, and the rest close
 * up.
 *
 * Call order for a run: fill lane[0 .. n-1] (jt_cbcmac_message, or by hand as S2V does),
 * jt_cbcmac_run(n), read lane[i].mac, and when the last run of a call is over jt_cbcmac_wipe(n).
 * For one message in several parts: jt_cbcmac_parts.
 *
 * Internal to src/crypto. The struct is large and holds secrets: it belongs inside memory from
 * jt_secmem_alloc.
 */
#ifndef JETON_CRYPTO_CBCMAC_H
#define JETON_CRYPTO_CBCMAC_H

#include "crypto/aes.h"
#include "crypto/bytes.h"

/*
 * Messages that run side by side. More gain nothing: OpenSSL's cost a call is spread thin already,
 * and scratch outgrows L1.
 */
#define JT_CBCMAC_LANES 128

/*
 * A message is n_head whole blocks read in place, then n_tail (1 or 2) blocks held here, the last
 * masked with a subkey.
 */
struct jt_cbcmac_lane {
    const uint8_t *head;
    size_t n_head;
    size_t n_tail;
    struct jt_block tail[2];
    struct jt_block mac; /* the result */
};

struct jt_cbcmac {
    struct jt_aes aes;
    struct jt_block k1; /* masks a last block that is whole: SP 800-38B section 6.1 */
    struct jt_block k2; /* masks a last block that was padded */
    struct jt_cbcmac_lane lane[JT_CBCMAC_LANES];
    /* chaining values of the lanes still running, closed up */
    struct jt_block chain[JT_CBCMAC_LANES];
    uint16_t running[JT_CBCMAC_LANES]; /* which lane each of them belongs to */
};

/* `key_len` is 16 or 32, else JT_ERR_INVALID. On failure there is nothing to clear. */
enum jt_err jt_cbcmac_init(struct jt_cbcmac *m, const uint8_t *key, size_t key_len) JT_CHECKED;
void jt_cbcmac_clear(struct jt_cbcmac *m);

/* Sets lane `i` to a plain CMAC message. `in` must stay valid until the run. */
void jt_cbcmac_message(struct jt_cbcmac *m, size_t i, const uint8_t *in, size_t len);

/* Computes the MACs of lanes 0 to n-1, n at most JT_CBCMAC_LANES. */
enum jt_err jt_cbcmac_run(struct jt_cbcmac *m, size_t n) JT_CHECKED;

/* Wipes what runs of up to `n` lanes have left in the scratch memory. */
void jt_cbcmac_wipe(struct jt_cbcmac *m, size_t n);

/* The MAC of one message, the concatenation of `parts`. Uses no lane. */
enum jt_err jt_cbcmac_parts(struct jt_cbcmac *m, const struct jt_bytes *parts, size_t n_parts,
                            struct jt_block *mac) JT_CHECKED;

#endif

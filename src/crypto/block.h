/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One AES block, and the three things that CMAC and S2V do with blocks outside AES: exclusive or,
 * doubling, padding.
 *
 * The two words hold the block's bytes in memory order, so that XOR needs no byte swapping; only
 * doubling, which is arithmetic in GF(2^128), reads them as big-endian numbers. Nothing here
 * branches on or indexes by the contents of a block.
 */
#ifndef JETON_CRYPTO_BLOCK_H
#define JETON_CRYPTO_BLOCK_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define JT_BLOCK_LEN 16

struct jt_block {
    uint64_t w[2];
};

static inline struct jt_block jt_block_load(const uint8_t *p)
{
    struct jt_block b;
    memcpy(&b, p, sizeof(b));
    return b;
}

static inline void jt_block_store(struct jt_block b, uint8_t *p)
{
    memcpy(p, &b, sizeof(b));
}

static inline struct jt_block jt_block_xor(struct jt_block a, struct jt_block b)
{
    return (struct jt_block){ { a.w[0] ^ b.w[0], a.w[1] ^ b.w[1] } };
}

/*
 * RFC 5297 section 2.3, SP 800-38B section 5.3: shift left by one bit; if the bit shifted out was
 * 1, XOR with 0x87.
 */
static inline struct jt_block jt_block_dbl(struct jt_block a)
{
    uint64_t high = be64toh(a.w[0]);
    uint64_t low = be64toh(a.w[1]);
    uint64_t carry_mask = (uint64_t)0 - (high >> 63);
    return (struct jt_block){ { htobe64(high << 1 | low >> 63),
                                htobe64(low << 1 ^ (carry_mask & 0x87)) } };
}

/*
 * RFC 5297 section 2.1, pad(): `len` bytes (0 to 15), then the bit 1, then zeros. Built in place: a
 * copy on the stack would leave a plaintext behind there.
 */
static inline void jt_block_pad(struct jt_block *out, const uint8_t *p, size_t len)
{
    *out = (struct jt_block){ { 0, 0 } };
    if (len > 0) {
        memcpy(out, p, len);
    }
    ((uint8_t *)out)[len] = 0x80;
}

/*
 * In a time that does not depend on where the blocks differ: the empty asm keeps the compiler from
 * comparing word by word.
 */
static inline bool jt_block_equal_ct(struct jt_block a, struct jt_block b)
{
    uint64_t diff = (a.w[0] ^ b.w[0]) | (a.w[1] ^ b.w[1]);
    __asm__("" : "+r"(diff));
    return diff == 0;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/tokenkey.h"

#include "base/buf.h"
#include "base/secmem.h"
#include "crypto/aes.h"
#include "crypto/kdf.h"

#include <string.h>

#define CHUNK         128
#define CONSTANT      UINT64_C(0x4a54) /* "JT" */
#define TOKEN_KEY_LEN 32

_Static_assert(JT_TOKEN_LEN == JT_BLOCK_LEN, "a token is one block");

struct jt_tokenkey {
    struct jt_aes encrypting;
    struct jt_aes decrypting;
    uint64_t low; /* the second half of every block: field, bucket, constant */
    struct jt_block blocks[CHUNK];
};

static enum jt_err init(struct jt_tokenkey *tk, const uint8_t *root, uint32_t field)
{
    uint8_t context[4];
    uint8_t key[TOKEN_KEY_LEN];
    jt_put_u32(context, field);
    tk->low = (uint64_t)field << 32 | CONSTANT;
    enum jt_err err = jt_kdf_derive(root, JT_KDF_TOKEN, context, sizeof context, key, sizeof key);
    if (err == JT_OK) {
        err = jt_aes_init(&tk->encrypting, key, sizeof key);
    }
    if (err == JT_OK) {
        err = jt_aes_init_decrypting(&tk->decrypting, key, sizeof key);
    }
    jt_wipe(key, sizeof key);
    return err;
}

enum jt_err jt_tokenkey_new(const uint8_t root[static JT_TOKENKEY_ROOT_LEN], uint32_t field,
                            struct jt_tokenkey **out)
{
    *out = NULL;
    struct jt_tokenkey *tk = jt_secmem_alloc(sizeof *tk);
    if (tk == NULL) {
        return JT_ERR_NOMEM;
    }
    enum jt_err err = init(tk, root, field);
    if (err != JT_OK) {
        jt_tokenkey_free(tk);
        return err;
    }
    *out = tk;
    return JT_OK;
}

void jt_tokenkey_free(struct jt_tokenkey *tk)
{
    if (tk != NULL) {
        jt_aes_clear(&tk->encrypting);
        jt_aes_clear(&tk->decrypting);
        jt_secmem_free(tk, sizeof *tk);
    }
}

/* Fills the blocks of a chunk. */
static enum jt_err lay_out(struct jt_tokenkey *tk, const uint64_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (ids[i] == 0 || ids[i] > INT64_MAX) {
            return JT_ERR_INVALID;
        }
        tk->blocks[i] = (struct jt_block){ { htobe64(ids[i]), htobe64(tk->low) } };
    }
    return JT_OK;
}

enum jt_err jt_tokenkey_seal(struct jt_tokenkey *tk, const uint64_t *ids, size_t n,
                             uint8_t (*tokens)[JT_TOKEN_LEN])
{
    enum jt_err err = JT_OK;
    for (size_t done = 0; done < n && err == JT_OK; done += CHUNK) {
        size_t n_chunk = n - done < CHUNK ? n - done : CHUNK;
        err = lay_out(tk, ids + done, n_chunk);
        if (err == JT_OK) {
            err = jt_aes_encrypt(&tk->encrypting, tk->blocks, n_chunk);
        }
        if (err == JT_OK) {
            memcpy(tokens[done], tk->blocks, n_chunk * sizeof tk->blocks[0]);
        }
    }
    if (err != JT_OK) {
        jt_wipe(tokens, n * sizeof tokens[0]);
    }
    return err;
}

/*
 * The id of a decrypted block, or 0, without a branch on its contents: whoever times refusals does
 * not learn how much of a guess was right.
 */
static uint64_t id_of(const struct jt_tokenkey *tk, struct jt_block block)
{
    uint64_t id = be64toh(block.w[0]);
    uint64_t wrong = (be64toh(block.w[1]) ^ tk->low) | id >> 63;
    uint64_t good = ((wrong | (0 - wrong)) >> 63) ^ 1;
    __asm__("" : "+r"(good));
    return id & (0 - good);
}

enum jt_err jt_tokenkey_open(struct jt_tokenkey *tk, const uint8_t (*tokens)[JT_TOKEN_LEN],
                             size_t n, uint64_t *ids)
{
    enum jt_err err = JT_OK;
    for (size_t done = 0; done < n && err == JT_OK; done += CHUNK) {
        size_t n_chunk = n - done < CHUNK ? n - done : CHUNK;
        memcpy(tk->blocks, tokens[done], n_chunk * sizeof tk->blocks[0]);
        err = jt_aes_decrypt(&tk->decrypting, tk->blocks, n_chunk);
        for (size_t i = 0; i < n_chunk && err == JT_OK; i++) {
            ids[done + i] = id_of(tk, tk->blocks[i]);
        }
    }
    if (err != JT_OK) {
        jt_wipe(ids, n * sizeof ids[0]);
    }
    jt_wipe(tk->blocks, (n < CHUNK ? n : CHUNK) * sizeof tk->blocks[0]);
    return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/selftest.h"

#include "base/hex.h"
#include "crypto/cmac.h"
#include "crypto/fieldkey.h"
#include "crypto/kdf.h"
#include "crypto/ecdh.h"
#include "crypto/sign.h"
#include "crypto/siv.h"
#include "crypto/tokenkey.h"

#include <stdbool.h>
#include <string.h>

/* Longest byte string of the tables below. */
#define BYTES_MAX 128

struct run {
    int corrupt; /* which comparison gets a false answer */
    int n_compared;
};

/* A table's hexadecimal string as bytes. */
struct hex {
    uint8_t p[BYTES_MAX];
    size_t len;
};

static struct hex unhex(const char *text)
{
    struct hex h = { .len = strlen(text) / 2 };
    if (h.len > sizeof(h.p) || jt_hex_decode(text, h.len, h.p) != JT_OK) {
        h.len = 0; /* a broken table fails its comparison */
    }
    return h;
}

/* Compares an answer; `got` is falsified here when the unit test asks for it. */
static bool answer_is(struct run *run, uint8_t *got, size_t got_len, const uint8_t *want,
                      size_t want_len)
{
    if (run->n_compared++ == run->corrupt && got_len > 0) {
        got[got_len - 1] ^= 0x01;
    }
    return got_len == want_len && want_len > 0 && memcmp(got, want, want_len) == 0;
}

static const struct {
    const char *key;
    const char *ad[3];
    size_t n_ad;
    const char *plain;
    const char *sealed;
} siv_table[] = {
    /* RFC 5297 A.1 */
    { "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
      { "101112131415161718191a1b1c1d1e1f2021222324252627" },
      1,
      "112233445566778899aabbccddee",
      "85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c" },
    /* RFC 5297 A.2 */
    { "7f7e7d7c7b7a79787776757473727170404142434445464748494a4b4c4d4e4f",
      { "00112233445566778899aabbccddeeffdeaddadadeaddadaffeeddccbbaa99887766554433221100",
        "102030405060708090a0", "09f911029d74e35bd84156c5635688c0" },
      3,
      "7468697320697320736f6d6520706c61696e7465787420746f20656e6372797074207573696e67205349562d4145"
      "53",
      "7bdb6e3b432667eb06f4d14bff2fbd0fcb900f2fddbe404326601965c889bf17dba77ceb094fa663b7a3f748ba8a"
      "f829"
      "ea64ad544a272e9c485b62a3fd5c0d" },
    /* Wycheproof aes_siv_cmac, tcId 297: AES-256-SIV, the empty plaintext */
    { "aff6388fdd2908e0c3b610e3dcd410c8146a268d6befd5c45ffdd23508b5b311"
      "cc3a9d8f838f456436b289018682151dd57d8d65d1a823c06eca8ab8ee01da01",
      { "d0bb2949a411e22d32964526" },
      1,
      "",
      "e288d802a0e56ed7544a2e5775459389" },
    /* Wycheproof aes_siv_cmac, tcId 312: AES-256-SIV, eight bytes as a packed PAN has */
    { "a661c6a90fd40d8a734873d66afd4477c5041cdc2b31a3cd0ac3604cac4f7441"
      "1219e544615b56e17f5774b5085129f6dd69893bb7216b539cf42b79f0068278",
      { "7a5dbdbf803b2593d3e17097" },
      1,
      "deb2c7c6204496e5",
      "2f8b7583773ae03ba7b3952453c81431780bfcc9d7df9a43" },
};

static bool siv_answers(struct run *run)
{
    for (size_t i = 0; i < sizeof(siv_table) / sizeof(siv_table[0]); i++) {
        struct hex key = unhex(siv_table[i].key);
        struct hex plain = unhex(siv_table[i].plain);
        struct hex want = unhex(siv_table[i].sealed);
        struct hex ad[3];
        struct jt_bytes parts[3];
        for (size_t k = 0; k < siv_table[i].n_ad; k++) {
            ad[k] = unhex(siv_table[i].ad[k]);
            parts[k] = (struct jt_bytes){ ad[k].p, ad[k].len };
        }
        uint8_t sealed[BYTES_MAX];
        uint8_t opened[BYTES_MAX + 1] = { 0 };
        struct jt_siv *siv = NULL;
        bool good =
            jt_siv_new(key.p, key.len, &siv) == JT_OK &&
            jt_siv_seal(siv, parts, siv_table[i].n_ad, plain.p, plain.len, sealed) == JT_OK &&
            answer_is(run, sealed, JT_SIV_TAG_LEN + plain.len, want.p, want.len) &&
            jt_siv_open(siv, parts, siv_table[i].n_ad, want.p, want.len, opened) == JT_OK;
        /* One byte more than the plaintext, so that the empty one is compared too. */
        good = good && answer_is(run, opened, plain.len + 1, plain.p, plain.len + 1);
        jt_siv_free(siv);
        if (!good) {
            return false;
        }
    }
    return true;
}

/*
 * Many-record calls against single ones, at a step of lengths that meets every shape of a last
 * block: a header and three components, the last of them empty in every other record.
 */
static bool siv_many_agrees(struct run *run)
{
    enum { N = 40 };
    static const uint8_t header[16] = { 1, 2, 0, 0, 3 };
    uint8_t key[JT_SIV_256_KEY_LEN];
    uint8_t bytes[3 * N];
    uint8_t many[N][JT_SIV_TAG_LEN + N];
    uint8_t single[JT_SIV_TAG_LEN + N];
    uint8_t mac[JT_SIV_TAG_LEN];
    struct jt_siv_record records[N];
    struct jt_siv *siv = NULL;
    memset(key, 0x5a, sizeof(key));
    for (size_t i = 0; i < N; i++) {
        memset(bytes + 3 * i, (int)i, 3);
        records[i] = (struct jt_siv_record){
            .ad = { { bytes, 1 + (7 * i) % N },
                    { bytes + i, 16 },
                    { bytes + N, i % 2 == 0 ? 0 : i } },
            .n_ad = 3,
            .in = bytes,
            .in_len = i,
            .out = many[i],
        };
    }
    bool good = jt_siv_new(key, sizeof(key), &siv) == JT_OK &&
                jt_siv_header(siv, header, sizeof(header), mac) == JT_OK &&
                jt_siv_seal_many(siv, mac, records, N) == JT_OK;
    for (size_t i = 0; i < N && good; i++) {
        const struct jt_bytes *own = records[i].ad;
        const struct jt_bytes ad[] = { { header, sizeof(header) }, own[0], own[1], own[2] };
        good = jt_siv_seal(siv, ad, 4, bytes, i, single) == JT_OK &&
               answer_is(run, many[i], JT_SIV_TAG_LEN + i, single, JT_SIV_TAG_LEN + i);
    }
    jt_siv_free(siv);
    return good;
}

/* SP 800-38B, CMAC-AES-256: one key, one message of which each answer takes a beginning. */
static const char cmac_key[] = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
static const char cmac_message[] =
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
static const struct {
    size_t len;
    const char *mac;
} cmac_table[] = {
    { 0, "028962f61b7bf89efc6b551f4667d983" },
    { 16, "28a7023f452e8f82bd4bf28d8c37c35c" },
    { 40, "aaf3d8f1de5640c232f5b169b9c911e6" },
    { 64, "e1992190549f6ed5696a2c056c315410" },
};
#define N_CMAC (sizeof(cmac_table) / sizeof(cmac_table[0]))

static bool cmac_answers(struct run *run)
{
    struct hex key = unhex(cmac_key);
    struct hex message = unhex(cmac_message);
    uint8_t single[JT_CMAC_LEN];
    uint8_t many[N_CMAC][JT_CMAC_LEN];
    struct jt_cmac_record records[N_CMAC];
    struct jt_cmac *cmac = NULL;
    for (size_t i = 0; i < N_CMAC; i++) {
        records[i] =
            (struct jt_cmac_record){ .in = message.p, .in_len = cmac_table[i].len, .out = many[i] };
    }
    bool good = jt_cmac_new(key.p, &cmac) == JT_OK && jt_cmac_many(cmac, records, N_CMAC) == JT_OK;
    for (size_t i = 0; i < N_CMAC && good; i++) {
        struct hex want = unhex(cmac_table[i].mac);
        good = jt_cmac_compute(cmac, &(struct jt_bytes){ message.p, cmac_table[i].len }, 1,
                               single) == JT_OK &&
               answer_is(run, single, sizeof(single), want.p, want.len) &&
               answer_is(run, many[i], sizeof(many[i]), want.p, want.len);
    }
    jt_cmac_free(cmac);
    return good;
}

static bool kdf_answers(struct run *run)
{
    /* CAVP SP 800-108 KDFCTR, CMAC_AES256, counter of 32 bits before the fixed input, COUNT = 30 */
    struct hex key = unhex("dabde95d751ff1c132bd49f80f4ee347bf39218cf8bfec61bc3ad865d9aa1182");
    struct hex fixed = unhex("55da554307ed756764d4e97febb77ce85391b53225ee09417ad57def48ead090"
                             "e3d1e7c2ed04f02462a6324ea0163b18f86201c69db27fd50b4c42c5");
    struct hex want =
        unhex("5cc29221cfa6f3a4ded7afeef5a59c05bac787fc5e98a35ee0c96ba582b05c42f758966566084f69");
    uint8_t out[64];
    if (jt_kdf_counter(key.p, &(struct jt_bytes){ fixed.p, fixed.len }, 1, out, want.len) !=
            JT_OK ||
        !answer_is(run, out, want.len, want.p, want.len)) {
        return false;
    }
    /*
     * With K(0), where NIST publishes no vectors: the construction of section 4.1 put together by
     * hand.
     */
    static const char label[] = "jeton/v1/field-siv";
    static const uint8_t context[4] = { 0, 0, 0, 7 };
    static const uint8_t l[4] = { 0, 0, 2, 0 };
    uint8_t k0[JT_CMAC_LEN];
    uint8_t by_hand[64];
    const struct jt_bytes parts[] = {
        { label, sizeof(label) },
        { context, sizeof(context) },
        { l, sizeof(l) },
        { k0, sizeof(k0) },
    };
    struct jt_cmac *cmac = NULL;
    bool good =
        jt_cmac_new(key.p, &cmac) == JT_OK && jt_cmac_compute(cmac, parts, 3, k0) == JT_OK &&
        jt_kdf_counter(key.p, parts, 4, by_hand, sizeof(by_hand)) == JT_OK &&
        jt_kdf_derive(key.p, JT_KDF_FIELD_SIV, context, sizeof(context), out, sizeof(out)) ==
            JT_OK &&
        answer_is(run, out, sizeof(out), by_hand, sizeof(by_hand));
    jt_cmac_free(cmac);
    return good;
}

/* RFC 8032 section 7.1, TEST 2 */
static bool sign_answers(struct run *run)
{
    struct hex seed = unhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
    struct hex public_key =
        unhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    struct hex want = unhex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
    static const uint8_t message[] = { 0x72 };
    static const uint8_t other[] = { 0x73 };
    uint8_t derived[JT_SIGN_PUBLIC_LEN];
    uint8_t signature[JT_SIGN_LEN];
    return jt_sign_public(seed.p, derived) == JT_OK &&
           answer_is(run, derived, sizeof(derived), public_key.p, public_key.len) &&
           jt_sign(seed.p, message, sizeof(message), signature) == JT_OK &&
           answer_is(run, signature, sizeof(signature), want.p, want.len) &&
           jt_sign_verify(public_key.p, message, sizeof(message), want.p) == JT_OK &&
           jt_sign_verify(public_key.p, other, sizeof(other), want.p) == JT_ERR_BAD_SIGNATURE;
}

/* RFC 7748 section 5.2, the first vector; a point of order 1 */
static bool ecdh_answers(struct run *run)
{
    struct hex scalar = unhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4");
    struct hex u = unhex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c");
    struct hex want = unhex("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
    static const uint8_t low[JT_ECDH_PUBLIC_LEN];
    uint8_t shared[JT_ECDH_SHARED_LEN];
    return jt_ecdh_shared(scalar.p, low, shared) == JT_ERR_INVALID &&
           jt_ecdh_shared(scalar.p, u.p, shared) == JT_OK &&
           answer_is(run, shared, sizeof(shared), want.p, want.len);
}

/*
 * Seals one envelope, opens it, then expects a flipped bit in each of its parts and a foreign row
 * to be refused.
 */
static bool forgeries_refused(struct run *run)
{
    static const uint8_t generation_key[JT_GENERATION_KEY_LEN] = { 1 };
    static const uint8_t row[JT_ROW_ID_LEN] = { 2 };
    static const uint8_t foreign_row[JT_ROW_ID_LEN] = { 3 };
    static const uint8_t fingerprint[JT_FINGERPRINT_LEN] = { 5 };
    static const uint8_t foreign_fingerprint[JT_FINGERPRINT_LEN] = { 6 };
    static const uint8_t plain[8] = { 4 };
    static const size_t flipped[] = { 0, 1, JT_SIV_TAG_LEN, JT_ENVELOPE_OVERHEAD };
    uint8_t envelope[JT_ENVELOPE_OVERHEAD + sizeof(plain)];
    uint8_t opened[sizeof(plain)] = { 0 };
    struct jt_fieldkey *fk = NULL;
    struct jt_siv_record seal = { .in = plain, .in_len = sizeof(plain), .out = envelope };
    struct jt_siv_record open = { .in = envelope, .in_len = sizeof(envelope), .out = opened };
    jt_fieldkey_bind(&seal, row, fingerprint);
    jt_fieldkey_bind(&open, row, fingerprint);
    bool good = jt_fieldkey_new(generation_key, 5, 6, 7, &fk) == JT_OK &&
                jt_fieldkey_seal(fk, &seal, 1) == JT_OK && seal.err == JT_OK &&
                jt_fieldkey_open(fk, &open, 1) == JT_OK && open.err == JT_OK &&
                answer_is(run, opened, sizeof(opened), plain, sizeof(plain));
    for (size_t i = 0; i < sizeof(flipped) / sizeof(flipped[0]) && good; i++) {
        envelope[flipped[i]] ^= 0x80;
        good = jt_fieldkey_open(fk, &open, 1) == JT_OK && open.err == JT_ERR_DECRYPT;
        envelope[flipped[i]] ^= 0x80;
    }
    jt_fieldkey_bind(&open, foreign_row, fingerprint);
    good = good && jt_fieldkey_open(fk, &open, 1) == JT_OK && open.err == JT_ERR_DECRYPT;
    jt_fieldkey_bind(&open, row, foreign_fingerprint);
    good = good && jt_fieldkey_open(fk, &open, 1) == JT_OK && open.err == JT_ERR_DECRYPT;
    jt_fieldkey_free(fk);
    return good;
}

/* Opens tokens that lie one behind the other. */
static bool tokens_open(struct jt_tokenkey *tk, const uint8_t *tokens, size_t n, uint64_t *ids)
{
    return jt_tokenkey_open(tk, (const uint8_t(*)[JT_TOKEN_LEN])tokens, n, ids) == JT_OK;
}

/* Answers of tests/vectors/crypto/make_frozen.py: service root 00 01 .. 1f, field 7. */
static bool token_answers(struct run *run)
{
    static const uint64_t ids[2] = { 1, UINT64_C(0x0123456789abcdef) };
    struct hex root = unhex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    struct hex want = unhex("8113f5488f42ef27abb297d84fee055550c35427d1a4de6a9c9092faeed0a542");
    uint8_t tokens[2][JT_TOKEN_LEN];
    uint64_t opened[2];
    struct jt_tokenkey *tk = NULL;
    struct jt_tokenkey *foreign = NULL;
    bool good = jt_tokenkey_new(root.p, 7, &tk) == JT_OK &&
                jt_tokenkey_new(root.p, 8, &foreign) == JT_OK &&
                jt_tokenkey_seal(tk, ids, 2, tokens) == JT_OK &&
                answer_is(run, tokens[0], sizeof(tokens), want.p, want.len);
    good = good && tokens_open(tk, want.p, 2, opened) &&
           answer_is(run, (uint8_t *)opened, sizeof(opened), (const uint8_t *)ids, sizeof(ids));
    good = good && tokens_open(foreign, want.p, 2, opened) && opened[0] == 0 && opened[1] == 0;
    want.p[0] ^= 0x80;
    good = good && tokens_open(tk, want.p, 1, opened) && opened[0] == 0;
    jt_tokenkey_free(tk);
    jt_tokenkey_free(foreign);
    return good;
}

static const struct {
    const char *name;
    bool (*passes)(struct run *run);
} tests[] = {
    { "CMAC-AES-256 (SP 800-38B)", cmac_answers },
    { "AES-SIV (RFC 5297)", siv_answers },
    { "AES-SIV, many records against one", siv_many_agrees },
    { "KDF (SP 800-108)", kdf_answers },
    { "Ed25519 (RFC 8032)", sign_answers },
    { "X25519 (RFC 7748)", ecdh_answers },
    { "forged envelopes refused", forgeries_refused },
    { "tokens", token_answers },
};

enum jt_err jt_crypto_selftest_corrupted(int corrupt, const char **failed)
{
    struct run run = { .corrupt = corrupt, .n_compared = 0 };
    *failed = NULL;
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        if (!tests[i].passes(&run)) {
            *failed = tests[i].name;
            return JT_ERR_CRYPTO;
        }
    }
    return JT_OK;
}

enum jt_err jt_crypto_selftest(const char **failed)
{
    return jt_crypto_selftest_corrupted(JT_SELFTEST_NONE, failed);
}

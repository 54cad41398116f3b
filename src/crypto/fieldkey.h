/*
 * The keys of one (generation, field): envelopes and fingerprints of that field under that generation.
 *
 * Envelope (docs/data-format.md): key id (1 byte), SIV tag (16), ciphertext. Associated data has two S2V components: the
 * header (u8 format version = 1, u8 key id, u16 zero, u32 field id, u64 generation) and the row-id. A 16-digit PAN, 8
 * bytes packed, makes 25 bytes.
 *
 * Fingerprint: CMAC-AES-256 of the packed PAN; without dedup, of the packed PAN followed by the token.
 *
 * One thread at a time for one struct jt_fieldkey.
 */
#ifndef JETON_CRYPTO_FIELDKEY_H
#define JETON_CRYPTO_FIELDKEY_H

#include "base/err.h"
#include "crypto/cmac.h"
#include "crypto/siv.h"

#include <stdint.h>

#define JT_ENVELOPE_VERSION 1
#define JT_ENVELOPE_OVERHEAD (1 + JT_SIV_TAG_LEN)
#define JT_FINGERPRINT_LEN JT_CMAC_LEN
#define JT_GENERATION_KEY_LEN 32
#define JT_ROW_ID_MAX 255
#define JT_PLAINTEXT_MAX 4096

struct jt_fieldkey;

/* Derives the field's keys from the generation key. `key_id` is 1 to 255, else JT_ERR_INVALID. */
enum jt_err jt_fieldkey_new(const uint8_t generation_key[static JT_GENERATION_KEY_LEN], uint64_t generation, uint8_t key_id,
                            uint32_t field, struct jt_fieldkey **out) JT_CHECKED;
void jt_fieldkey_free(struct jt_fieldkey *fk);

/*
 * Seals records into envelopes: record.in is the plaintext (1 to JT_PLAINTEXT_MAX bytes), record.out receives
 * JT_ENVELOPE_OVERHEAD + in_len bytes, record.row_id has 1 to JT_ROW_ID_MAX bytes. A record outside these bounds gets
 * err = JT_ERR_INVALID and an untouched output; its neighbours are sealed. The return value is JT_OK unless libcrypto
 * failed as a whole (JT_ERR_CRYPTO, all outputs wiped).
 */
enum jt_err jt_fieldkey_seal(struct jt_fieldkey *fk, struct jt_siv_record *records, size_t n) JT_CHECKED;

/*
 * Opens envelopes: record.in is the whole envelope, record.out receives in_len - JT_ENVELOPE_OVERHEAD bytes. An
 * envelope that is too short or too long, carries another key id, comes with a row-id out of bounds or is refused by
 * SIV gets JT_ERR_DECRYPT and a wiped output, all alike. Returns as jt_fieldkey_seal does.
 */
enum jt_err jt_fieldkey_open(struct jt_fieldkey *fk, struct jt_siv_record *records, size_t n) JT_CHECKED;

/* Fingerprints: record.in is the packed PAN, or without dedup the packed PAN followed by the token. */
enum jt_err jt_fieldkey_fingerprint(struct jt_fieldkey *fk, struct jt_cmac_record *records, size_t n) JT_CHECKED;

#endif

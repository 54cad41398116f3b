/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of one (generation, field): envelopes and fingerprints of that field under that
 * generation.
 *
 * Envelope (docs/data-format.md): key id (1 byte), SIV tag (16), ciphertext. Associated data has
 * four S2V components: the header (u8 format = 2, u8 key id, u16 bucket = 0, u32 field id, u64
 * generation), the row-id (the 8 bytes of the id), the row's fingerprint, and its numeric token,
 * which is empty as long as there are none. So no part of a row can be exchanged for that of
 * another. A 16-digit PAN, 8 bytes packed, makes 25 bytes.
 *
 * Fingerprint: CMAC-AES-256 of the packed PAN; without dedup, of the packed PAN followed by the
 * row-id.
 *
 * One thread at a time for one struct jt_fieldkey.
 */
#ifndef JETON_CRYPTO_FIELDKEY_H
#define JETON_CRYPTO_FIELDKEY_H

#include "base/err.h"
#include "crypto/cmac.h"
#include "crypto/siv.h"
#include "model/sizes.h"

#include <stdint.h>

#define JT_ENVELOPE_VERSION   2
#define JT_GENERATION_KEY_LEN 32

struct jt_fieldkey;

/* Derives the field's keys from the generation key. `key_id` is 1 to 255, else JT_ERR_INVALID. */
enum jt_err jt_fieldkey_new(const uint8_t generation_key[static JT_GENERATION_KEY_LEN],
                            uint64_t generation, uint8_t key_id, uint32_t field,
                            struct jt_fieldkey **out) JT_CHECKED;
void jt_fieldkey_free(struct jt_fieldkey *fk);

/*
 * Sets what the record's envelope is bound to. Both must stay valid until the record is sealed or
 * opened.
 */
void jt_fieldkey_bind(struct jt_siv_record *record, const uint8_t row_id[static JT_ROW_ID_LEN],
                      const uint8_t fingerprint[static JT_FINGERPRINT_LEN]);

/*
 * After jt_fieldkey_bind: the envelope is bound to the packed digits of a numeric token as well,
 * which must stay valid too; none are those of an opaque one.
 */
void jt_fieldkey_bind_digits(struct jt_siv_record *record, const uint8_t *digits, size_t len);

/*
 * The same for an envelope that an application keeps, with a row-id of 1 to JT_HELD_ROW_ID_MAX
 * bytes: after the header the row-id is the only component. S2V of two components is independent of
 * S2V of four (RFC 5297 section 2.4), so that neither kind of envelope opens as the other.
 */
void jt_fieldkey_bind_held(struct jt_siv_record *record, const uint8_t *row_id, size_t row_id_len);

/*
 * Seals records into envelopes: record.in is the plaintext (1 to JT_PLAINTEXT_MAX bytes),
 * record.out receives JT_ENVELOPE_OVERHEAD + in_len bytes, record.ad was set by jt_fieldkey_bind. A
 * record that is not so gets err = JT_ERR_INVALID and an untouched output; its neighbours are
 * sealed. The return value is JT_OK unless libcrypto failed as a whole (JT_ERR_CRYPTO, all outputs
 * wiped).
 */
enum jt_err jt_fieldkey_seal(struct jt_fieldkey *fk, struct jt_siv_record *records,
                             size_t n) JT_CHECKED;

/*
 * Opens envelopes: record.in is the whole envelope, record.out receives in_len -
 * JT_ENVELOPE_OVERHEAD bytes. An envelope that is too short or too long, carries another key id, is
 * not bound to a row or is refused by SIV gets JT_ERR_DECRYPT and a wiped output, all alike.
 * Returns as jt_fieldkey_seal does.
 */
enum jt_err jt_fieldkey_open(struct jt_fieldkey *fk, struct jt_siv_record *records,
                             size_t n) JT_CHECKED;

/*
 * What an envelope would open to if it is authentic, for whoever has to find out what it is bound
 * to (jt_siv_candidate): `out` receives envelope_len - JT_ENVELOPE_OVERHEAD bytes that nobody is
 * told of before jt_fieldkey_open has accepted the envelope. JT_ERR_DECRYPT for another key id, or
 * a length that is none.
 */
enum jt_err jt_fieldkey_candidate(struct jt_fieldkey *fk, const uint8_t *envelope,
                                  size_t envelope_len, uint8_t *out) JT_CHECKED;

/*
 * Fingerprints: record.in is the packed PAN, or without dedup the packed PAN followed by the
 * row-id.
 */
enum jt_err jt_fieldkey_fingerprint(struct jt_fieldkey *fk, struct jt_cmac_record *records,
                                    size_t n) JT_CHECKED;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/fieldkey.h"

#include "base/buf.h"
#include "base/secmem.h"
#include "crypto/kdf.h"

#define HEADER_LEN 16
#define CHUNK      128

_Static_assert(JT_ENVELOPE_OVERHEAD == JT_KEY_ID_LEN + JT_SIV_TAG_LEN, "key id and tag");
_Static_assert(JT_FINGERPRINT_LEN == JT_CMAC_LEN, "a fingerprint is a CMAC");

struct jt_fieldkey {
    struct jt_siv *siv;
    struct jt_cmac *fingerprint;
    uint8_t header_mac[JT_SIV_TAG_LEN];
    uint8_t key_id;
};

/* The keys while they are on their way from the KDF into OpenSSL's contexts. */
struct derived {
    uint8_t siv[JT_SIV_256_KEY_LEN];
    uint8_t fingerprint[JT_CMAC_KEY_LEN];
};

static enum jt_err keys_derive(const uint8_t *generation_key, uint32_t field, struct derived *keys)
{
    uint8_t context[4];
    jt_put_u32(context, field);
    enum jt_err err = jt_kdf_derive(generation_key, JT_KDF_FIELD_SIV, context, sizeof(context),
                                    keys->siv, sizeof(keys->siv));
    if (err != JT_OK) {
        return err;
    }
    return jt_kdf_derive(generation_key, JT_KDF_FIELD_FINGERPRINT, context, sizeof(context),
                         keys->fingerprint, sizeof(keys->fingerprint));
}

/* The first component of every envelope. */
static void header_encode(uint8_t key_id, uint32_t field, uint64_t generation,
                          uint8_t out[static HEADER_LEN])
{
    out[0] = JT_ENVELOPE_VERSION;
    out[1] = key_id;
    jt_put_u16(out + 2, 0); /* bucket: no field has any yet */
    jt_put_u32(out + 4, field);
    jt_put_u64(out + 8, generation);
}

enum jt_err jt_fieldkey_new(const uint8_t generation_key[static JT_GENERATION_KEY_LEN],
                            uint64_t generation, uint8_t key_id, uint32_t field,
                            struct jt_fieldkey **out)
{
    *out = NULL;
    if (key_id == 0) {
        return JT_ERR_INVALID;
    }
    uint8_t header[HEADER_LEN];
    header_encode(key_id, field, generation, header);
    enum jt_err err = JT_ERR_NOMEM;
    struct derived *keys = jt_secmem_alloc(sizeof(*keys));
    struct jt_fieldkey *fk = jt_secmem_alloc(sizeof(*fk));
    if (keys == NULL || fk == NULL) {
        goto out;
    }
    fk->key_id = key_id;
    err = keys_derive(generation_key, field, keys);
    if (err != JT_OK) {
        goto out;
    }
    err = jt_siv_new(keys->siv, sizeof(keys->siv), &fk->siv);
    if (err != JT_OK) {
        goto out;
    }
    err = jt_siv_header(fk->siv, header, sizeof(header), fk->header_mac);
    if (err != JT_OK) {
        goto out;
    }
    err = jt_cmac_new(keys->fingerprint, &fk->fingerprint);
    if (err != JT_OK) {
        goto out;
    }
    *out = fk;
    fk = NULL;
out:
    jt_fieldkey_free(fk);
    jt_secmem_free(keys, sizeof(*keys));
    return err;
}

void jt_fieldkey_free(struct jt_fieldkey *fk)
{
    if (fk != NULL) {
        jt_siv_free(fk->siv);
        jt_cmac_free(fk->fingerprint);
        jt_secmem_free(fk, sizeof(*fk));
    }
}

void jt_fieldkey_bind(struct jt_siv_record *record, const uint8_t row_id[static JT_ROW_ID_LEN],
                      const uint8_t fingerprint[static JT_FINGERPRINT_LEN])
{
    record->ad[0] = (struct jt_bytes){ row_id, JT_ROW_ID_LEN };
    record->ad[1] = (struct jt_bytes){ fingerprint, JT_FINGERPRINT_LEN };
    record->ad[2] = (struct jt_bytes){ NULL, 0 };
    record->n_ad = 3;
}

void jt_fieldkey_bind_digits(struct jt_siv_record *record, const uint8_t *digits, size_t len)
{
    record->ad[2] = (struct jt_bytes){ digits, len };
}

void jt_fieldkey_bind_held(struct jt_siv_record *record, const uint8_t *row_id, size_t row_id_len)
{
    record->ad[0] = (struct jt_bytes){ row_id, row_id_len };
    record->n_ad = 1;
}

static bool bound(const struct jt_siv_record *r)
{
    if (r->n_ad == 1) {
        return r->ad[0].len >= 1 && r->ad[0].len <= JT_HELD_ROW_ID_MAX;
    }
    return r->n_ad == 3 && r->ad[0].len == JT_ROW_ID_LEN && r->ad[1].len == JT_FINGERPRINT_LEN &&
           r->ad[2].len <= JT_PAN_MAX_PACKED;
}

static bool sealable(const struct jt_siv_record *r)
{
    return bound(r) && r->in_len >= 1 && r->in_len <= JT_PLAINTEXT_MAX;
}

static bool openable(const struct jt_siv_record *r)
{
    return bound(r) && r->in_len > JT_ENVELOPE_OVERHEAD &&
           r->in_len <= JT_ENVELOPE_OVERHEAD + JT_PLAINTEXT_MAX;
}

static void wipe_opened(const struct jt_siv_record *r)
{
    if (r->in_len > JT_ENVELOPE_OVERHEAD) {
        jt_wipe(r->out, r->in_len - JT_ENVELOPE_OVERHEAD);
    }
}

enum jt_err jt_fieldkey_seal(struct jt_fieldkey *fk, struct jt_siv_record *records, size_t n)
{
    struct jt_siv_record inner[CHUNK];
    struct jt_siv_record *outer[CHUNK];
    enum jt_err err = JT_OK;
    for (size_t next = 0; next < n && err == JT_OK;) {
        size_t n_chunk = 0;
        for (; next < n && n_chunk < CHUNK; next++) {
            struct jt_siv_record *r = &records[next];
            if (!sealable(r)) {
                r->err = JT_ERR_INVALID;
                continue;
            }
            inner[n_chunk] = *r;
            inner[n_chunk].out += JT_KEY_ID_LEN;
            outer[n_chunk++] = r;
        }
        err = jt_siv_seal_many(fk->siv, fk->header_mac, inner, n_chunk);
        for (size_t i = 0; i < n_chunk; i++) {
            outer[i]->out[0] = fk->key_id;
            outer[i]->err = inner[i].err;
        }
    }
    for (size_t i = 0; i < n && err != JT_OK; i++) {
        if (sealable(&records[i])) {
            jt_wipe(records[i].out, JT_ENVELOPE_OVERHEAD + records[i].in_len);
        }
        records[i].err = err;
    }
    return err;
}

enum jt_err jt_fieldkey_open(struct jt_fieldkey *fk, struct jt_siv_record *records, size_t n)
{
    struct jt_siv_record inner[CHUNK];
    struct jt_siv_record *outer[CHUNK];
    enum jt_err err = JT_OK;
    for (size_t next = 0; next < n && err == JT_OK;) {
        size_t n_chunk = 0;
        for (; next < n && n_chunk < CHUNK; next++) {
            struct jt_siv_record *r = &records[next];
            if (!openable(r)) {
                r->err = JT_ERR_DECRYPT;
                wipe_opened(r);
                continue;
            }
            inner[n_chunk] = *r;
            inner[n_chunk].in += JT_KEY_ID_LEN;
            inner[n_chunk].in_len -= JT_KEY_ID_LEN;
            outer[n_chunk++] = r;
        }
        err = jt_siv_open_many(fk->siv, fk->header_mac, inner, n_chunk);
        for (size_t i = 0; i < n_chunk && err == JT_OK; i++) {
            struct jt_siv_record *r = outer[i];
            /*
             * A foreign key id is looked at only now, so that it takes as long to refuse as a
             * forged tag.
             */
            r->err = inner[i].err == JT_OK && r->in[0] == fk->key_id ? JT_OK : JT_ERR_DECRYPT;
            if (r->err != JT_OK) {
                wipe_opened(r);
            }
        }
    }
    for (size_t i = 0; i < n && err != JT_OK; i++) {
        wipe_opened(&records[i]);
        records[i].err = err;
    }
    return err;
}

enum jt_err jt_fieldkey_candidate(struct jt_fieldkey *fk, const uint8_t *envelope,
                                  size_t envelope_len, uint8_t *out)
{
    if (envelope_len <= JT_ENVELOPE_OVERHEAD ||
        envelope_len > JT_ENVELOPE_OVERHEAD + JT_PLAINTEXT_MAX || envelope[0] != fk->key_id) {
        return JT_ERR_DECRYPT;
    }
    return jt_siv_candidate(fk->siv, envelope + JT_KEY_ID_LEN, envelope_len - JT_KEY_ID_LEN, out);
}

enum jt_err jt_fieldkey_fingerprint(struct jt_fieldkey *fk, struct jt_cmac_record *records,
                                    size_t n)
{
    return jt_cmac_many(fk->fingerprint, records, n);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/parcel.h"

#include "base/secmem.h"
#include "crypto/cmac.h"
#include "crypto/digest.h"
#include "crypto/kdf.h"
#include "crypto/wrap.h"
#include "keeper/rowmac.h"

#include <string.h>

_Static_assert(JT_PARCEL_SEALED_LEN == JT_WRAP_OVERHEAD + JT_PARCEL_KEY_LEN, "a wrapped key");
_Static_assert(JT_SHA256_LEN == JT_KDF_KEY_LEN, "the hashed secret is a key");

#define SECRET_AT  JT_CMAC_KEY_LEN /* in the base, behind the key of requests */
#define SECRET_LEN (JT_PARCEL_BASE_LEN - SECRET_AT)
#define SAID_MAX                                                                        \
    (4 + JT_ECDH_SHARED_LEN + SECRET_LEN + JT_PARCEL_REQUEST_MAX + JT_PARCEL_HEAD_LEN + \
     JT_PARCEL_PUBLIC_LEN)

enum jt_err jt_parcel_request_mac(const uint8_t base[static JT_PARCEL_BASE_LEN],
                                  const struct jt_parcel_request *request,
                                  uint8_t out[static JT_ROW_MAC_LEN])
{
    struct jt_buf body;
    struct jt_cmac *cmac = NULL;
    jt_buf_init(&body, 1 + JT_PARCEL_REQUEST_MAX);
    jt_buf_u8(&body, JT_ROWMAC_PARCEL);
    jt_parcel_request_body_encode(request, &body);
    enum jt_err err = jt_buf_status(&body);
    if (err == JT_OK) {
        err = jt_cmac_new(base, &cmac);
    }
    if (err == JT_OK) {
        err = jt_cmac_compute(cmac, &(struct jt_bytes){ body.data, body.len }, 1, out);
    }
    jt_cmac_free(cmac);
    jt_buf_clear(&body);
    return err;
}

enum jt_err jt_parcel_request_check(const uint8_t base[static JT_PARCEL_BASE_LEN],
                                    const struct jt_parcel_request *request)
{
    uint8_t mac[JT_ROW_MAC_LEN];
    enum jt_err err = jt_parcel_request_mac(base, request, mac);
    return err == JT_OK && !jt_equal_ct(mac, request->mac, sizeof mac) ? JT_ERR_FORGED : err;
}

/* One and the same on both sides: `private_key` is that of one, `peer` the public one of the other.
 */
static enum jt_err sealing_key(const uint8_t *base, const struct jt_parcel_request *request,
                               const struct jt_parcel *parcel, const uint8_t *private_key,
                               const uint8_t *peer, uint8_t out[static JT_SIV_256_KEY_LEN])
{
    uint8_t shared[JT_ECDH_SHARED_LEN], hashed[JT_KDF_KEY_LEN];
    struct jt_buf said;
    jt_buf_init(&said, SAID_MAX);
    enum jt_err err = jt_ecdh_shared(private_key, peer, shared);
    if (err == JT_OK) {
        jt_buf_u32(&said, 1); /* the counter of SP 800-56C */
        jt_buf_put(&said, shared, sizeof shared);
        jt_buf_put(&said, base + SECRET_AT, SECRET_LEN);
        jt_parcel_request_encode(request, &said);
        jt_parcel_head_encode(parcel, &said);
        jt_buf_put(&said, parcel->public_key, sizeof parcel->public_key);
        err = jt_buf_status(&said);
    }
    if (err == JT_OK) {
        err = jt_sha256(said.data, said.len, hashed);
    }
    if (err == JT_OK) {
        err = jt_kdf_derive(hashed, JT_KDF_PARCEL_SIV, NULL, 0, out, JT_SIV_256_KEY_LEN);
    }
    jt_wipe(shared, sizeof shared);
    jt_wipe(hashed, sizeof hashed);
    jt_buf_clear(&said);
    return err == JT_ERR_INVALID ? JT_ERR_FORGED : err;
}

/* The head as associated data; `out` has JT_PARCEL_HEAD_LEN bytes. */
static enum jt_err put_head(const struct jt_parcel *parcel, uint8_t *out)
{
    struct jt_buf head;
    jt_buf_init(&head, JT_PARCEL_HEAD_LEN);
    jt_parcel_head_encode(parcel, &head);
    enum jt_err err = jt_buf_status(&head);
    if (err == JT_OK) {
        memcpy(out, head.data, JT_PARCEL_HEAD_LEN);
    }
    jt_buf_clear(&head);
    return err;
}

enum jt_err jt_parcel_seal(const uint8_t base[static JT_PARCEL_BASE_LEN],
                           const struct jt_parcel_request *request,
                           const uint8_t key[static JT_PARCEL_KEY_LEN], struct jt_parcel *parcel)
{
    uint8_t private_key[JT_ECDH_PRIVATE_LEN], siv_key[JT_SIV_256_KEY_LEN];
    uint8_t head[JT_PARCEL_HEAD_LEN];
    enum jt_err err = jt_ecdh_generate(private_key, parcel->public_key);
    if (err == JT_OK) {
        err = sealing_key(base, request, parcel, private_key, request->public_key, siv_key);
    }
    if (err == JT_OK) {
        err = put_head(parcel, head);
    }
    if (err == JT_OK) {
        err = jt_wrap_seal(siv_key, head, sizeof head, key, JT_PARCEL_KEY_LEN, parcel->sealed);
    }
    jt_wipe(private_key, sizeof private_key);
    jt_wipe(siv_key, sizeof siv_key);
    return err;
}

enum jt_err jt_parcel_open(const uint8_t base[static JT_PARCEL_BASE_LEN],
                           const struct jt_parcel_request *request,
                           const uint8_t private_key[static JT_ECDH_PRIVATE_LEN],
                           const struct jt_parcel *parcel, uint8_t key[static JT_PARCEL_KEY_LEN])
{
    uint8_t siv_key[JT_SIV_256_KEY_LEN];
    uint8_t head[JT_PARCEL_HEAD_LEN];
    enum jt_err err = sealing_key(base, request, parcel, private_key, parcel->public_key, siv_key);
    if (err == JT_OK) {
        err = put_head(parcel, head);
    }
    if (err == JT_OK) {
        err = jt_wrap_open(siv_key, head, sizeof head, parcel->sealed, sizeof parcel->sealed, key);
    }
    if (err != JT_OK) {
        jt_wipe(key, JT_PARCEL_KEY_LEN);
    }
    jt_wipe(siv_key, sizeof siv_key);
    return err == JT_ERR_DECRYPT ? JT_ERR_FORGED : err;
}

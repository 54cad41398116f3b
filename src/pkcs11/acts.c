/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/acts.h"

#include "base/random.h"
#include "base/secmem.h"
#include "cli/exit.h"

#include <stdio.h>
#include <string.h>

/*
 * CKM_AES_GCM, PKCS #11 v3.0 mechanisms, section 2.13. The nonce may be the token's own: some make
 * it themselves and put it where ours stood.
 */
struct gcm {
    uint8_t nonce[JT_PKCS11_NONCE_LEN];
    CK_GCM_PARAMS params;
    CK_MECHANISM mechanism;
};

static void gcm_init(struct gcm *g, const uint8_t nonce[static JT_PKCS11_NONCE_LEN])
{
    memcpy(g->nonce, nonce, sizeof g->nonce);
    g->params = (CK_GCM_PARAMS){
        .iv_ptr = g->nonce,
        .iv_len = sizeof g->nonce,
        .iv_bits = 8 * sizeof g->nonce,
        .aad_ptr = (CK_BYTE *)JT_PKCS11_ASSOCIATED,
        .aad_len = sizeof JT_PKCS11_ASSOCIATED - 1,
        .tag_bits = 8 * JT_PKCS11_TAG_LEN,
    };
    g->mechanism = (CK_MECHANISM){ CKM_AES_GCM, &g->params, sizeof g->params };
}

static int check_mechanism(const struct jt_pkcs11_session *s)
{
    CK_MECHANISM_INFO info;
    CK_RV rv = s->module.f->C_GetMechanismInfo(s->slot, CKM_AES_GCM, &info);
    if (rv != CKR_OK || (info.flags & (CKF_ENCRYPT | CKF_DECRYPT)) != (CKF_ENCRYPT | CKF_DECRYPT)) {
        jt_complain("hardware token \"%s\" does not encrypt by AES-GCM (CKM_AES_GCM)", s->token);
        return JT_EXIT_FAILED;
    }
    return JT_EXIT_OK;
}

static int seal(const struct jt_pkcs11_session *s, CK_OBJECT_HANDLE key,
                uint8_t secret[static JT_PKCS11_SECRET_LEN], struct jt_pkcs11box *box)
{
    struct gcm g;
    uint8_t nonce[JT_PKCS11_NONCE_LEN];
    CK_ULONG len = sizeof box->sealed;
    jt_random_fill(nonce, sizeof nonce);
    gcm_init(&g, nonce);
    CK_RV rv = s->module.f->C_EncryptInit(s->handle, &g.mechanism, key);
    if (rv == CKR_OK) {
        rv = s->module.f->C_Encrypt(s->handle, secret, JT_PKCS11_SECRET_LEN, box->sealed, &len);
    }
    if (rv == CKR_OK && (len != sizeof box->sealed || g.params.iv_len != sizeof g.nonce)) {
        rv = CKR_MECHANISM_PARAM_INVALID;
    }
    memcpy(box->nonce, g.nonce, sizeof box->nonce);
    return rv == CKR_OK ? JT_EXIT_OK : jt_pkcs11_failed("it does not encrypt", rv);
}

/* `otherwise` tells what it means that the token does not open it. */
static int open_box(const struct jt_pkcs11_session *s, CK_OBJECT_HANDLE key,
                    const struct jt_pkcs11box *box, const char *otherwise,
                    uint8_t secret[static JT_PKCS11_SECRET_LEN])
{
    struct gcm g;
    uint8_t sealed[JT_PKCS11_SEALED_LEN];
    /* room for more than there is: some want as much as they were given */
    uint8_t *out = jt_secmem_alloc(JT_PKCS11_SEALED_LEN);
    CK_ULONG len = JT_PKCS11_SEALED_LEN;
    if (out == NULL) {
        return jt_pkcs11_failed("it does not decrypt", CKR_HOST_MEMORY);
    }
    memcpy(sealed, box->sealed, sizeof sealed);
    gcm_init(&g, box->nonce);
    CK_RV rv = s->module.f->C_DecryptInit(s->handle, &g.mechanism, key);
    if (rv != CKR_OK) {
        jt_secmem_free(out, JT_PKCS11_SEALED_LEN);
        return jt_pkcs11_failed("it does not decrypt", rv);
    }
    rv = s->module.f->C_Decrypt(s->handle, sealed, sizeof sealed, out, &len);
    bool good = rv == CKR_OK && len == JT_PKCS11_SECRET_LEN;
    if (good) {
        memcpy(secret, out, JT_PKCS11_SECRET_LEN);
    }
    jt_secmem_free(out, JT_PKCS11_SEALED_LEN);
    if (rv == CKR_DEVICE_REMOVED || rv == CKR_TOKEN_NOT_PRESENT || rv == CKR_DEVICE_ERROR) {
        return jt_pkcs11_failed("it does not decrypt", rv);
    }
    if (!good) {
        jt_complain("hardware token \"%s\": %s", s->token, otherwise);
    }
    return good ? JT_EXIT_OK : JT_EXIT_FAILED;
}

/* Nothing is sealed by what was not opened again. */
static int prove(const struct jt_pkcs11_session *s, CK_OBJECT_HANDLE key,
                 const struct jt_pkcs11box *box, const uint8_t secret[static JT_PKCS11_SECRET_LEN])
{
    uint8_t *again = jt_secmem_alloc(JT_PKCS11_SECRET_LEN);
    static const char otherwise[] = "it does not decrypt what it has encrypted";
    int code = again == NULL ? jt_pkcs11_failed("it does not decrypt", CKR_HOST_MEMORY)
                             : open_box(s, key, box, otherwise, again);
    if (code == JT_EXIT_OK && !jt_equal_ct(again, secret, JT_PKCS11_SECRET_LEN)) {
        jt_complain("hardware token \"%s\": %s", s->token, otherwise);
        code = JT_EXIT_FAILED;
    }
    jt_secmem_free(again, JT_PKCS11_SECRET_LEN);
    return code;
}

int jt_pkcs11_wrap(const struct jt_pkcs11_session *s, const char *label, struct jt_pkcs11box *box,
                   uint8_t secret[static JT_PKCS11_SECRET_LEN])
{
    struct jt_pkcs11_key key;
    *box = (struct jt_pkcs11box){ 0 };
    int code = check_mechanism(s);
    if (code == JT_EXIT_OK) {
        code = jt_pkcs11_key_find(s, label, NULL, 0, &key);
    }
    if (code != JT_EXIT_OK) {
        return code;
    }
    (void)snprintf(box->token, sizeof box->token, "%s", s->token);
    (void)snprintf(box->serial, sizeof box->serial, "%s", s->serial);
    (void)snprintf(box->key, sizeof box->key, "%s", label);
    box->id_len = (uint8_t)key.id_len;
    memcpy(box->id, key.id, key.id_len);
    jt_random_fill(secret, JT_PKCS11_SECRET_LEN);
    code = seal(s, key.handle, secret, box);
    return code == JT_EXIT_OK ? prove(s, key.handle, box, secret) : code;
}

int jt_pkcs11_unwrap(const struct jt_pkcs11_session *s, const struct jt_pkcs11box *box,
                     uint8_t secret[static JT_PKCS11_SECRET_LEN])
{
    struct jt_pkcs11_key key;
    int code = check_mechanism(s);
    if (code == JT_EXIT_OK) {
        code = jt_pkcs11_key_find(s, box->key, box->id, box->id_len, &key);
    }
    static const char otherwise[] = "what master.key holds is not what its key has encrypted: the "
                                    "file was altered, or it is another key of that name";
    return code == JT_EXIT_OK ? open_box(s, key.handle, box, otherwise, secret) : code;
}

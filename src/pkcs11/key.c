/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/key.h"

#include "base/random.h"
#include "cli/exit.h"

#include <string.h>

#define KEY_LEN    32
#define NEW_ID_LEN 16
#define ATTRIBUTE(type, value)        \
    {                                 \
        type, &(value), sizeof(value) \
    }

static CK_OBJECT_CLASS secret_key = CKO_SECRET_KEY;
static CK_KEY_TYPE aes = CKK_AES;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

/* The first of them, and whether there are 0, 1 or more of the label. */
static int search(const struct jt_pkcs11_session *s, const char *label, const uint8_t *id,
                  size_t id_len, CK_OBJECT_HANDLE *first, CK_ULONG *count)
{
    CK_OBJECT_HANDLE handles[2];
    CK_ATTRIBUTE wanted[] = {
        ATTRIBUTE(CKA_CLASS, secret_key),
        ATTRIBUTE(CKA_TOKEN, yes),
        { CKA_LABEL, (void *)label, strlen(label) },
        { CKA_ID, (void *)id, id_len },
    };
    const CK_FUNCTION_LIST *f = s->module.f;
    CK_ULONG n = sizeof wanted / sizeof wanted[0] - (id == NULL);
    CK_RV rv = f->C_FindObjectsInit(s->handle, wanted, n);
    if (rv == CKR_OK) {
        rv = f->C_FindObjects(s->handle, handles, 2, count);
        CK_RV ended = f->C_FindObjectsFinal(s->handle);
        rv = rv == CKR_OK ? ended : rv;
    }
    if (rv != CKR_OK) {
        return jt_pkcs11_failed("keys cannot be looked for", rv);
    }
    *first = *count > 0 ? handles[0] : CK_INVALID_HANDLE;
    return JT_EXIT_OK;
}

/* Whether the key has the attribute, as the token says; what it does not say is not so. */
static bool has(const struct jt_pkcs11_session *s, CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type,
                CK_BBOOL wanted)
{
    CK_BBOOL value = !wanted;
    CK_ATTRIBUTE attribute = ATTRIBUTE(type, value);
    CK_RV rv = s->module.f->C_GetAttributeValue(s->handle, key, &attribute, 1);
    return rv == CKR_OK && attribute.ulValueLen == sizeof value && value == wanted;
}

static CK_ULONG number(const struct jt_pkcs11_session *s, CK_OBJECT_HANDLE key,
                       CK_ATTRIBUTE_TYPE type)
{
    CK_ULONG value = 0;
    CK_ATTRIBUTE attribute = ATTRIBUTE(type, value);
    CK_RV rv = s->module.f->C_GetAttributeValue(s->handle, key, &attribute, 1);
    return rv == CKR_OK && attribute.ulValueLen == sizeof value ? value : 0;
}

/* PKCS #11 v3.0 base, section 4.10.1: what protects a secret key. */
static int check(const struct jt_pkcs11_session *s, const char *label, CK_OBJECT_HANDLE key)
{
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        CK_BBOOL wanted;
        const char *otherwise;
    } rules[] = {
        { CKA_EXTRACTABLE, CK_FALSE, "it can be taken out of the token" },
        { CKA_NEVER_EXTRACTABLE, CK_TRUE,
          "it was made outside, or could be taken out of the token once" },
        { CKA_SENSITIVE, CK_TRUE, "its value can be read" },
        { CKA_ALWAYS_SENSITIVE, CK_TRUE, "its value could be read once" },
        { CKA_ENCRYPT, CK_TRUE, "it may not encrypt" },
        { CKA_DECRYPT, CK_TRUE, "it may not decrypt" },
    };
    const char *fault = NULL;
    if (number(s, key, CKA_KEY_TYPE) != CKK_AES || number(s, key, CKA_VALUE_LEN) != KEY_LEN) {
        fault = "it is not an AES key of 256 bits";
    }
    for (size_t i = 0; i < sizeof rules / sizeof rules[0] && fault == NULL; i++) {
        fault = has(s, key, rules[i].type, rules[i].wanted) ? NULL : rules[i].otherwise;
    }
    if (fault != NULL) {
        jt_complain("hardware token \"%s\": key \"%s\" is refused: %s", s->token, label, fault);
        return JT_EXIT_FAILED;
    }
    return JT_EXIT_OK;
}

static int read_id(const struct jt_pkcs11_session *s, const char *label, struct jt_pkcs11_key *key)
{
    CK_ATTRIBUTE attribute = { CKA_ID, key->id, sizeof key->id };
    CK_RV rv = s->module.f->C_GetAttributeValue(s->handle, key->handle, &attribute, 1);
    if (rv != CKR_OK || attribute.ulValueLen > sizeof key->id) {
        jt_complain("hardware token \"%s\": the id of key \"%s\" cannot be read, or is longer than "
                    "%d bytes",
                    s->token, label, JT_PKCS11_ID_MAX);
        return JT_EXIT_FAILED;
    }
    key->id_len = attribute.ulValueLen;
    return JT_EXIT_OK;
}

int jt_pkcs11_key_find(const struct jt_pkcs11_session *s, const char *label, const uint8_t *id,
                       size_t id_len, struct jt_pkcs11_key *out)
{
    CK_ULONG count = 0;
    *out = (struct jt_pkcs11_key){ 0 };
    int code = search(s, label, id, id_len, &out->handle, &count);
    if (code == JT_EXIT_OK && count != 1) {
        jt_complain(count == 0 ? "hardware token \"%s\" has no key \"%s\"%s"
                               : "hardware token \"%s\" has more than one key \"%s\"%s",
                    s->token, label, id != NULL ? " of the id that master.key names" : "");
        code = JT_EXIT_FAILED;
    }
    if (code == JT_EXIT_OK) {
        code = check(s, label, out->handle);
    }
    return code == JT_EXIT_OK ? read_id(s, label, out) : code;
}

static int generate(const struct jt_pkcs11_session *s, const char *label, struct jt_pkcs11_key *out)
{
    CK_MECHANISM mechanism = { CKM_AES_KEY_GEN, NULL, 0 };
    CK_ULONG len = KEY_LEN;
    uint8_t id[NEW_ID_LEN];
    jt_random_fill(id, sizeof id);
    CK_ATTRIBUTE attributes[] = {
        ATTRIBUTE(CKA_CLASS, secret_key),
        ATTRIBUTE(CKA_KEY_TYPE, aes),
        ATTRIBUTE(CKA_VALUE_LEN, len),
        ATTRIBUTE(CKA_TOKEN, yes),
        ATTRIBUTE(CKA_PRIVATE, yes),
        ATTRIBUTE(CKA_SENSITIVE, yes),
        ATTRIBUTE(CKA_EXTRACTABLE, no),
        ATTRIBUTE(CKA_MODIFIABLE, no),
        ATTRIBUTE(CKA_ENCRYPT, yes),
        ATTRIBUTE(CKA_DECRYPT, yes),
        /* nothing else: with a key that wraps, keys are taken out, and derived ones come in pieces
         */
        ATTRIBUTE(CKA_WRAP, no),
        ATTRIBUTE(CKA_UNWRAP, no),
        ATTRIBUTE(CKA_SIGN, no),
        ATTRIBUTE(CKA_VERIFY, no),
        ATTRIBUTE(CKA_DERIVE, no),
        { CKA_LABEL, (void *)label, strlen(label) },
        { CKA_ID, id, sizeof id },
    };
    CK_RV rv = s->module.f->C_GenerateKey(s->handle, &mechanism, attributes,
                                          sizeof attributes / sizeof attributes[0], &out->handle);
    return rv == CKR_OK ? JT_EXIT_OK : jt_pkcs11_failed("no key can be made", rv);
}

int jt_pkcs11_key_make(const struct jt_pkcs11_session *s, const char *label,
                       struct jt_pkcs11_key *out)
{
    CK_ULONG count = 0;
    *out = (struct jt_pkcs11_key){ 0 };
    int code = search(s, label, NULL, 0, &out->handle, &count);
    if (code == JT_EXIT_OK && count > 0) {
        jt_complain("hardware token \"%s\" has a key \"%s\" already", s->token, label);
        return JT_EXIT_FAILED;
    }
    if (code == JT_EXIT_OK) {
        code = generate(s, label, out);
    }
    return code == JT_EXIT_OK ? jt_pkcs11_key_find(s, label, NULL, 0, out) : code;
}

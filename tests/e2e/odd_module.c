/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PKCS #11 module that is SoftHSM's but for one thing, which JETON_TEST_ODD names: for what
 * SoftHSM never does and a device may. It writes a line to JETON_TEST_LOG at each login and each
 * decryption that begins.
 */
#include <p11-kit/pkcs11.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REAL "/usr/lib/softhsm/libsofthsm2.so"

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST odd;

static int is(const char *what)
{
    const char *named = getenv("JETON_TEST_ODD");
    return named != NULL && strcmp(named, what) == 0;
}

static void note(const char *line)
{
    FILE *log = fopen(getenv("JETON_TEST_LOG"), "ae");
    if (log != NULL) {
        fprintf(log, "%s\n", line);
        fclose(log);
    }
}

static CK_RV token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    CK_RV rv = real->C_GetTokenInfo(slot, info);
    info->flags |= is("locked") ? CKF_USER_PIN_LOCKED : 0;
    info->flags |= is("last try") ? CKF_USER_PIN_FINAL_TRY : 0;
    info->flags |= is("keypad") ? CKF_PROTECTED_AUTHENTICATION_PATH : 0;
    if (is("another device")) {
        memset(info->serialNumber, 'f', sizeof info->serialNumber);
    }
    return rv;
}

static CK_RV mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
    return is("no gcm") && type == CKM_AES_GCM ? CKR_MECHANISM_INVALID
                                               : real->C_GetMechanismInfo(slot, type, info);
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG len)
{
    note("login");
    if (is("locks")) {
        return CKR_PIN_LOCKED;
    }
    if (is("keypad")) { /* on which somebody has typed this */
        CK_UTF8CHAR typed[] = "12345678";
        return pin == NULL ? real->C_Login(session, user, typed, sizeof typed - 1)
                           : CKR_ARGUMENTS_BAD;
    }
    return real->C_Login(session, user, pin, len);
}

static CK_RV encrypt_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    if (is("own nonce")) {
        CK_GCM_PARAMS *params = mechanism->pParameter;
        memset(params->iv_ptr, 0x77, params->iv_len);
    }
    if (is("says no nonce")) { /* of its own, which nobody hears of */
        CK_GCM_PARAMS *params = mechanism->pParameter;
        static CK_BYTE nonce[12] = { 1 };
        CK_GCM_PARAMS other = *params;
        CK_MECHANISM its = { mechanism->mechanism, &other, sizeof other };
        other.iv_ptr = nonce;
        return real->C_EncryptInit(session, &its, key);
    }
    return real->C_EncryptInit(session, mechanism, key);
}

static CK_RV decrypt_init(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    note("decrypt");
    while (is("hangs")) {
        pause();
    }
    return is("taken away") ? CKR_DEVICE_REMOVED : real->C_DecryptInit(session, mechanism, key);
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    union {
        void *found;
        CK_C_GetFunctionList get;
    } entry;
    void *library = dlopen(REAL, RTLD_NOW);
    entry.found = library != NULL ? dlsym(library, "C_GetFunctionList") : NULL;
    if (entry.found == NULL || entry.get(&real) != CKR_OK) {
        return CKR_GENERAL_ERROR;
    }
    odd = *real;
    odd.C_GetTokenInfo = token_info;
    odd.C_GetMechanismInfo = mechanism_info;
    odd.C_Login = login;
    odd.C_EncryptInit = encrypt_init;
    odd.C_DecryptInit = decrypt_init;
    *list = &odd;
    return CKR_OK;
}

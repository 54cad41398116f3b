/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/session.h"

#include "base/secmem.h"
#include "cli/exit.h"
#include "cli/secret.h"
#include "pkcs11/bound.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_MAX 256

/* --- the token --- */

/* Without the blanks that fill a field of PKCS #11 up. */
static void trimmed(const CK_UTF8CHAR *field, size_t len, char *out)
{
    while (len > 0 && (field[len - 1] == ' ' || field[len - 1] == '\0')) {
        len--;
    }
    memcpy(out, field, len);
    out[len] = '\0';
}

struct found {
    CK_SLOT_ID slot;
    CK_FLAGS flags;
    char serial[JT_PKCS11_SERIAL_MAX + 1];
};

/* How many tokens have the label, and one of them: that of the serial number if it is there. */
static size_t look(const struct jt_pkcs11_module *m, const CK_SLOT_ID *slots, size_t n,
                   const char *token, const char *serial, struct found *out)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        CK_TOKEN_INFO info;
        char label[sizeof info.label + 1], number[JT_PKCS11_SERIAL_MAX + 1];
        if (m->f->C_GetTokenInfo(slots[i], &info) != CKR_OK) {
            continue; /* taken away meanwhile, or none that the module knows */
        }
        trimmed(info.label, sizeof info.label, label);
        trimmed(info.serialNumber, sizeof info.serialNumber, number);
        if ((info.flags & CKF_TOKEN_INITIALIZED) == 0 || strcmp(label, token) != 0) {
            continue;
        }
        *out = (struct found){ .slot = slots[i], .flags = info.flags };
        memcpy(out->serial, number, sizeof number);
        if (serial != NULL && strcmp(number, serial) == 0) {
            return 1;
        }
        count++;
    }
    return count;
}

static int find(struct jt_pkcs11_session *s, const char *token, const char *serial)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG n = SLOTS_MAX;
    struct found found;
    CK_RV rv = s->module.f->C_GetSlotList(CK_TRUE, slots, &n);
    if (rv != CKR_OK) {
        return jt_pkcs11_failed("tokens cannot be listed", rv);
    }
    size_t count = look(&s->module, slots, n, token, serial, &found);
    if (count != 1) {
        jt_complain(count == 0 ? "hardware token \"%s\" is not there"
                               : "hardware token \"%s\": there is more than one of that label",
                    token);
        return count == 0 ? JT_EXIT_UNAVAILABLE : JT_EXIT_FAILED;
    }
    if (serial != NULL && strcmp(found.serial, serial) != 0) {
        jt_complain("hardware token \"%s\" has another serial number than at the ceremony", token);
    }
    s->slot = found.slot;
    s->flags = found.flags;
    (void)snprintf(s->token, sizeof s->token, "%s", token);
    memcpy(s->serial, found.serial, sizeof s->serial);
    return JT_EXIT_OK;
}

/* --- the PIN --- */

static int ask_pin(const struct jt_pkcs11_session *s, char pin[static JT_SECRET_MAX + 1])
{
    char prompt[100];
    (void)snprintf(prompt, sizeof prompt, "PIN of the hardware token %s: ", s->token);
    if ((s->flags & CKF_USER_PIN_FINAL_TRY) != 0) {
        jt_complain("hardware token \"%s\": this is the last try before its PIN is locked",
                    s->token);
    } else if ((s->flags & CKF_USER_PIN_COUNT_LOW) != 0) {
        jt_complain("hardware token \"%s\": a wrong PIN was tried since the last right one",
                    s->token);
    }
    jt_pkcs11_bound_pause();
    int code = jt_secret_ask(prompt, NULL, pin);
    jt_pkcs11_bound_go_on();
    return code;
}

static int get_pin(const struct jt_conf *conf, const struct jt_pkcs11_session *s,
                   char pin[static JT_SECRET_MAX + 1])
{
    bool by_file = conf->keeper_pkcs11_pin_file[0] != '\0';
    /* a credential is there for the service alone: for a command, people give what it would be */
    bool by_credential =
        conf->keeper_pkcs11_pin_credential[0] != '\0' && getenv("CREDENTIALS_DIRECTORY") != NULL;
    if (!by_file && !by_credential) {
        return ask_pin(s, pin);
    }
    if ((s->flags & CKF_USER_PIN_FINAL_TRY) != 0) {
        jt_complain("hardware token \"%s\": one try is left before its PIN is locked; what is "
                    "stored is not tried then: take pkcs11_pin_file or pkcs11_pin_credential out "
                    "of [keeper] and type it",
                    s->token);
        return JT_EXIT_DENIED;
    }
    int code = by_file ? jt_secret_file(conf->keeper_pkcs11_pin_file, pin)
                       : jt_secret_credential(conf->keeper_pkcs11_pin_credential, pin);
    if (code == JT_EXIT_OK && pin[0] == '\0') {
        jt_complain("hardware token \"%s\": the file of its PIN is empty; nothing was tried",
                    s->token);
        code = JT_EXIT_CONFIG;
    }
    return code;
}

static int told_login(const struct jt_pkcs11_session *s, CK_RV rv)
{
    switch (rv) {
    case CKR_OK:
    case CKR_USER_ALREADY_LOGGED_IN: return JT_EXIT_OK;
    case CKR_PIN_INCORRECT:
    case CKR_PIN_INVALID:
    case CKR_PIN_LEN_RANGE:
        jt_complain("hardware token \"%s\": this is not its PIN; it was tried once. A token locks "
                    "its PIN after some wrong ones",
                    s->token);
        return JT_EXIT_DENIED;
    default: return jt_pkcs11_failed("it does not let its user in", rv);
    }
}

static int login(const struct jt_conf *conf, const struct jt_pkcs11_session *s)
{
    if ((s->flags & CKF_LOGIN_REQUIRED) == 0) {
        return JT_EXIT_OK;
    }
    if ((s->flags & CKF_USER_PIN_LOCKED) != 0) {
        return jt_pkcs11_failed("nothing was tried", CKR_PIN_LOCKED);
    }
    if ((s->flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0) {
        jt_complain("hardware token \"%s\": it asks for its PIN itself", s->token);
        return told_login(s, s->module.f->C_Login(s->handle, CKU_USER, NULL, 0));
    }
    char *pin = jt_secmem_alloc(JT_SECRET_MAX + 1);
    if (pin == NULL) {
        return jt_pkcs11_failed("it does not let its user in", CKR_HOST_MEMORY);
    }
    int code = get_pin(conf, s, pin);
    if (code == JT_EXIT_OK) {
        code = told_login(
            s, s->module.f->C_Login(s->handle, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin)));
    }
    jt_secmem_free(pin, JT_SECRET_MAX + 1);
    return code;
}

/* --- the session --- */

int jt_pkcs11_session_open(const struct jt_conf *conf, const char *token, const char *serial,
                           bool writes, struct jt_pkcs11_session *s)
{
    *s = (struct jt_pkcs11_session){ .is_open = false };
    int code = jt_pkcs11_module_load(conf->keeper_pkcs11_module, &s->module);
    if (code == JT_EXIT_OK) {
        code = find(s, token, serial);
    }
    if (code != JT_EXIT_OK) {
        return code;
    }
    CK_FLAGS flags = CKF_SERIAL_SESSION | (writes ? CKF_RW_SESSION : 0);
    CK_RV rv = s->module.f->C_OpenSession(s->slot, flags, NULL, NULL, &s->handle);
    if (rv != CKR_OK) {
        return jt_pkcs11_failed("it cannot be spoken with", rv);
    }
    s->is_open = true;
    return login(conf, s);
}

void jt_pkcs11_session_close(struct jt_pkcs11_session *s)
{
    if (s->is_open) {
        (void)s->module.f->C_Logout(s->handle);
        (void)s->module.f->C_CloseSession(s->handle);
        s->is_open = false;
    }
    jt_pkcs11_module_end(&s->module);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session with one token, as its user. The PIN comes from a file that nobody else can read, from
 * a credential of systemd, or from the terminal; never from the command line or the environment. It
 * is tried once: a token locks itself after some wrong ones.
 */
#ifndef JETON_PKCS11_SESSION_H
#define JETON_PKCS11_SESSION_H

#include "model/pkcs11box.h"
#include "options/conf.h"
#include "pkcs11/module.h"

#include <stdbool.h>

struct jt_pkcs11_session {
    struct jt_pkcs11_module module;
    CK_SLOT_ID slot;
    CK_FLAGS flags; /* of the token */
    CK_SESSION_HANDLE handle;
    bool is_open;
    char token[JT_PKCS11_TOKEN_MAX + 1];
    char serial[JT_PKCS11_SERIAL_MAX + 1];
};

/*
 * Loads the module of the configuration, finds the token of that label, and logs in. Of tokens with
 * one label it is the one with the serial number; where none has it, and `serial` is a wish only,
 * the one of that label: a key may have been brought to a new device. NULL: there must be one only.
 * JT_EXIT_OK, or an exit code after a message; jt_pkcs11_session_close in any case.
 */
int jt_pkcs11_session_open(const struct jt_conf *conf, const char *token, const char *serial,
                           bool writes, struct jt_pkcs11_session *s);
void jt_pkcs11_session_close(struct jt_pkcs11_session *s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PKCS #11 module: the shared library by which its maker lets programs use a token (PKCS #11
 * v3.0 base, OASIS 2020; the functions are those of v2.40, which every module has).
 *
 * Its code runs in this process with all that this process can: so it is loaded only from a file
 * that nobody can have changed but root and this user. Functions return JT_EXIT_OK, or an exit code
 * after a message.
 */
#ifndef JETON_PKCS11_MODULE_H
#define JETON_PKCS11_MODULE_H

#include <p11-kit/pkcs11.h>

struct jt_pkcs11_module {
    void *library;
    CK_FUNCTION_LIST *f;
};

/* Loads it and makes it ready (C_Initialize). */
int jt_pkcs11_module_load(const char *path, struct jt_pkcs11_module *out);
void jt_pkcs11_module_end(struct jt_pkcs11_module *m);

/* Tells that a call failed: what was to be done, and why not. JT_EXIT_FAILED or another. */
int jt_pkcs11_failed(const char *what, CK_RV rv);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bound on the time of a module: calls of PKCS #11 have no deadline of their own, and a token
 * that does not answer must not hold up a machine's start for ever. The bound is the whole
 * process's: when it is reached, that is told and the process ends.
 */
#ifndef JETON_PKCS11_BOUND_H
#define JETON_PKCS11_BOUND_H

/* From here on a module has so many seconds. */
void jt_pkcs11_bound_begin(long seconds);

/* Not while a person types. What was left goes on afterwards. */
void jt_pkcs11_bound_pause(void);
void jt_pkcs11_bound_go_on(void);

#endif

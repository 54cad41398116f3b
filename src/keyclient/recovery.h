/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stubs of the verbs by which a database that went back is recovered (keeper/recovery.h says what
 * they refuse). Synchronous; the large structs are the caller's.
 */
#ifndef JETON_KEYCLIENT_RECOVERY_H
#define JETON_KEYCLIENT_RECOVERY_H

#include "keyclient/keyclient.h"
#include "wire/recovery.h"

enum jt_err jt_keyclient_wait_keeper_view(struct jt_keyclient *kc, const char *node,
                                          struct jt_keeper_view *out) JT_CHECKED;
enum jt_err jt_keyclient_wait_recovery_open(struct jt_keyclient *kc,
                                            const struct jt_recovery_open *open,
                                            struct jt_recovery_opened *out) JT_CHECKED;
enum jt_err jt_keyclient_wait_recovery_show(struct jt_keyclient *kc,
                                            const struct jt_recovery_show *show,
                                            struct jt_recovery_shown *out) JT_CHECKED;
enum jt_err jt_keyclient_wait_recovery_accept(struct jt_keyclient *kc,
                                              const struct jt_recovery_accept *accept) JT_CHECKED;

#endif

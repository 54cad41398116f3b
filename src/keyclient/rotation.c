/* SPDX-License-Identifier: Apache-2.0 */
#include "keyclient/rotation.h"

#include "base/secmem.h"

#include <stdio.h>

enum jt_err jt_keyclient_wait_rotation_prove(struct jt_keyclient *kc, enum jt_unseal_kind kind,
                                             const char *text, struct jt_unsealed *out)
{
    struct jt_unseal unseal = { .kind = (uint8_t)kind };
    (void)snprintf(unseal.text, sizeof unseal.text, "%s", text);
    enum jt_err err = jt_keyclient_call(kc, JT_VERB_ROTATION_PROVE, jt_unseal_encode, &unseal,
                                        jt_unsealed_decode, out);
    jt_wipe(&unseal, sizeof unseal);
    return err;
}

enum jt_err jt_keyclient_wait_rotation_follow(struct jt_keyclient *kc,
                                              const struct jt_rotation_follow *follow,
                                              struct jt_unsealed *out)
{
    return jt_keyclient_call(kc, JT_VERB_ROTATION_FOLLOW, jt_rotation_follow_encode, follow,
                             jt_unsealed_decode, out);
}

enum jt_err jt_keyclient_wait_rotation_escrow(struct jt_keyclient *kc,
                                              const struct jt_escrow_file *given,
                                              struct jt_rotation_escrow *out)
{
    return jt_keyclient_call(kc, JT_VERB_ROTATION_ESCROW, jt_escrow_file_encode, given,
                             jt_rotation_escrow_decode, out);
}

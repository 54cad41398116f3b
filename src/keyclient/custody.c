/* SPDX-License-Identifier: Apache-2.0 */
#include "keyclient/custody.h"

#include "base/secmem.h"

#include <stdio.h>

enum jt_err jt_keyclient_wait_unseal(struct jt_keyclient *kc, enum jt_unseal_kind kind,
                                     const char *text, struct jt_unsealed *out)
{
    struct jt_unseal unseal = { .kind = (uint8_t)kind };
    (void)snprintf(unseal.text, sizeof unseal.text, "%s", text);
    enum jt_err err =
        jt_keyclient_call(kc, JT_VERB_UNSEAL, jt_unseal_encode, &unseal, jt_unsealed_decode, out);
    jt_wipe(&unseal, sizeof unseal);
    return err;
}

enum jt_err jt_keyclient_wait_unseal_box(struct jt_keyclient *kc, struct jt_pkcs11box *out)
{
    (void)jt_keyclient_begin(kc, JT_VERB_UNSEAL_BOX);
    return jt_keyclient_answer(kc, jt_unseal_box_decode, out);
}

enum jt_err jt_keyclient_wait_seal(struct jt_keyclient *kc)
{
    (void)jt_keyclient_begin(kc, JT_VERB_SEAL_UP);
    return jt_keyclient_answer_nothing(kc);
}

enum jt_err jt_keyclient_wait_ceremony_make(struct jt_keyclient *kc,
                                            const struct jt_ceremony_order *order,
                                            struct jt_ceremony_made *out)
{
    return jt_keyclient_call(kc, JT_VERB_CEREMONY_MAKE, jt_ceremony_order_encode, order,
                             jt_ceremony_made_decode, out);
}

enum jt_err jt_keyclient_wait_ceremony_share(struct jt_keyclient *kc, uint8_t place,
                                             struct jt_ceremony_share *out)
{
    enum jt_err err = jt_keyclient_call(kc, JT_VERB_CEREMONY_SHARE, jt_ceremony_place_encode,
                                        &place, jt_ceremony_text_decode, out);
    out->place = place;
    return err;
}

enum jt_err jt_keyclient_wait_ceremony_prove(struct jt_keyclient *kc,
                                             const struct jt_ceremony_share *typed)
{
    jt_ceremony_share_encode(typed, jt_keyclient_begin(kc, JT_VERB_CEREMONY_PROVE));
    return jt_keyclient_answer_nothing(kc);
}

enum jt_err jt_keyclient_wait_ceremony_end(struct jt_keyclient *kc)
{
    (void)jt_keyclient_begin(kc, JT_VERB_CEREMONY_END);
    return jt_keyclient_answer_nothing(kc);
}

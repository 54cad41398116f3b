/* SPDX-License-Identifier: Apache-2.0 */
#include "seeds.h"

#include "wire/custody.h"
#include "wire/verb.h"

enum { REPLY = 0x80 };

/* What opens a master key, and the making of one. */
void seeds_of_custody(struct jt_buf *message, seeds_store_fn *store)
{
    const struct jt_pkcs11box box = {
        .token = "vault", .serial = "0a1b", .key = "jeton", .id_len = 2, .id = { 7, 8 }
    };
    for (uint8_t kind = JT_UNSEAL_NOTHING; kind <= JT_UNSEAL_PKCS11; kind++) {
        struct jt_unseal unseal = { .kind = kind, .text = "a passphrase" };
        jt_unseal_encode(&unseal, message);
        store(JT_VERB_UNSEAL, 0);
    }
    for (uint8_t method = JT_CUSTODY_PHRASE; method <= JT_CUSTODY_PKCS11; method++) {
        struct jt_ceremony_order order = { .method = method, .k = 2, .n = 3, .box = box };
        jt_ceremony_order_encode(&order, message);
        store(JT_VERB_CEREMONY_MAKE, 0);
    }
    const struct jt_unsealed unsealed = { JT_CUSTODY_SHARES, true, 3, 1 };
    jt_unsealed_encode(&unsealed, message);
    store(REPLY + JT_VERB_UNSEAL, 0);
    const struct jt_ceremony_made made = { .n = 2, .set = { 1 } };
    jt_ceremony_made_encode(&made, message);
    store(REPLY + JT_VERB_CEREMONY_MAKE, 0);
    jt_unseal_box_encode(&box, message);
    store(REPLY + JT_VERB_UNSEAL_BOX, 0);
}

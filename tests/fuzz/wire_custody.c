/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "wire_custody.h"

#include "wire/custody.h"

/* As in wire_nodes.c: what a decoder leaves is encoded again, whether it was taken or not. */
#define MESSAGE(function, type, decode, encode)                              \
    enum jt_err function(struct jt_reader *in, size_t n, struct jt_buf *out) \
    {                                                                        \
        (void)n;                                                             \
        type m;                                                              \
        memset(&m, 0, sizeof m);                                             \
        enum jt_err err = decode(in, &m);                                    \
        encode(&m, out);                                                     \
        return err;                                                          \
    }

MESSAGE(fuzz_custody_unseal, struct jt_unseal, jt_unseal_decode, jt_unseal_encode)
MESSAGE(fuzz_custody_unsealed, struct jt_unsealed, jt_unsealed_decode, jt_unsealed_encode)
MESSAGE(fuzz_custody_order, struct jt_ceremony_order, jt_ceremony_order_decode,
        jt_ceremony_order_encode)
MESSAGE(fuzz_custody_box, struct jt_pkcs11box, jt_unseal_box_decode, jt_unseal_box_encode)

/* It has room for a number of digests that is checked before they are read. */
enum jt_err fuzz_custody_made(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    struct jt_ceremony_made m = { 0 };
    enum jt_err err = jt_ceremony_made_decode(in, &m);
    if (err == JT_OK) {
        jt_ceremony_made_encode(&m, out);
    }
    return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs UNSEAL and CEREMONY_*: what opens a sealed master key, and the making of one. */
#ifndef JETON_WIRE_CUSTODY_H
#define JETON_WIRE_CUSTODY_H

#include "base/buf.h"
#include "model/pkcs11box.h"
#include "model/sizes.h"

#define JT_CUSTODY_TEXT_MAX   255 /* a passphrase, or a share as it is typed */
#define JT_CUSTODY_SHARES_MAX 16
#define JT_CUSTODY_SET_LEN    8
#define JT_CUSTODY_DIGEST_LEN 8

enum jt_unseal_kind { JT_UNSEAL_NOTHING, JT_UNSEAL_PHRASE, JT_UNSEAL_SHARE, JT_UNSEAL_PKCS11 };

/* How a master key lies on disk. */
enum jt_custody_method {
    JT_CUSTODY_CLEAR,
    JT_CUSTODY_PHRASE,
    JT_CUSTODY_SHARES,
    JT_CUSTODY_PKCS11,
    JT_CUSTODY_NONE, /* there is none yet */
};

struct jt_unseal {
    uint8_t kind;
    char text[JT_CUSTODY_TEXT_MAX + 1];
};
void jt_unseal_encode(const struct jt_unseal *unseal, struct jt_buf *out);
enum jt_err jt_unseal_decode(struct jt_reader *in, struct jt_unseal *unseal) JT_CHECKED;

struct jt_unsealed {
    uint8_t method; /* enum jt_custody_method */
    bool sealed;
    uint8_t needed, given; /* shares */
};
void jt_unsealed_encode(const struct jt_unsealed *unsealed, struct jt_buf *out);
enum jt_err jt_unsealed_decode(struct jt_reader *in, struct jt_unsealed *unsealed) JT_CHECKED;

struct jt_ceremony_order {
    uint8_t method; /* JT_CUSTODY_PHRASE, JT_CUSTODY_SHARES or JT_CUSTODY_PKCS11 */
    uint8_t k, n;   /* of shares */
    char phrase[JT_CUSTODY_TEXT_MAX + 1]; /* or the secret of a token */
    struct jt_pkcs11box box;              /* that it is in */
};
void jt_ceremony_order_encode(const struct jt_ceremony_order *order, struct jt_buf *out);
enum jt_err jt_ceremony_order_decode(struct jt_reader *in,
                                     struct jt_ceremony_order *order) JT_CHECKED;

/* What may be written down of what was made. */
struct jt_ceremony_made {
    uint8_t check_value[JT_CHECK_VALUE_LEN]; /* of the master key */
    uint8_t set[JT_CUSTODY_SET_LEN];
    uint8_t n;
    uint8_t digests[JT_CUSTODY_SHARES_MAX][JT_CUSTODY_DIGEST_LEN];
};
void jt_ceremony_made_encode(const struct jt_ceremony_made *made, struct jt_buf *out);
enum jt_err jt_ceremony_made_decode(struct jt_reader *in, struct jt_ceremony_made *made) JT_CHECKED;

struct jt_ceremony_share {
    uint8_t place; /* from 1 on */
    char text[JT_CUSTODY_TEXT_MAX + 1];
};
void jt_ceremony_place_encode(const uint8_t *place, struct jt_buf *out);
enum jt_err jt_ceremony_place_decode(struct jt_reader *in, uint8_t *place) JT_CHECKED;
void jt_ceremony_text_encode(const char *text, struct jt_buf *out);
enum jt_err jt_ceremony_text_decode(struct jt_reader *in,
                                    struct jt_ceremony_share *share) JT_CHECKED;
void jt_ceremony_share_encode(const struct jt_ceremony_share *share, struct jt_buf *out);
enum jt_err jt_ceremony_share_decode(struct jt_reader *in,
                                     struct jt_ceremony_share *share) JT_CHECKED;

/* What a token is asked to open; it goes alone. */
void jt_unseal_box_encode(const struct jt_pkcs11box *box, struct jt_buf *out);
enum jt_err jt_unseal_box_decode(struct jt_reader *in, struct jt_pkcs11box *box) JT_CHECKED;

#endif

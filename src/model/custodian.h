/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Custodians: people without whom no key is destroyed. Each has an Ed25519 key (RFC 8032), whose
 * private half never leaves the custodian. The public halves are a set with a version; keepers keep
 * it in their own directories, and every version but the first is approved by two custodians of the
 * one before.
 *
 * As text a custodian is jcp_NAME_ and 58 characters of base32: the public key and the CRC-32 of
 * name and key, which is there for slips of the pen and not for attackers.
 */
#ifndef JETON_MODEL_CUSTODIAN_H
#define JETON_MODEL_CUSTODIAN_H

#include "base/base32.h"
#include "base/buf.h"
#include "model/client.h"
#include "model/sizes.h"

#define JT_CUSTODIAN_NAME_MAX      JT_CLIENT_ID_MAX /* and formed alike */
#define JT_CUSTODIAN_KEY_LEN       32
#define JT_CUSTODIAN_SIGNATURE_LEN 64
#define JT_CUSTODIANS_MIN          2
#define JT_CUSTODIANS_MAX          16
#define JT_CUSTODIANS_NEEDED       2 /* so many different ones approve an act */

#define JT_CUSTODIAN_TEXT_MAX (4 + JT_CUSTODIAN_NAME_MAX + 1 + JT_BASE32_LEN(36))

struct jt_custodian {
    char name[JT_CUSTODIAN_NAME_MAX + 1];
    uint8_t key[JT_CUSTODIAN_KEY_LEN];
};

struct jt_custodian_set {
    bool development;
    uint64_t version; /* 1 and up; 0: there is none */
    uint8_t root_check_value[JT_CHECK_VALUE_LEN];
    uint8_t n;
    struct jt_custodian all[JT_CUSTODIANS_MAX];
};

/* A custodian's signature over a text; `signature` is not looked at before a keeper does. */
struct jt_approval {
    char custodian[JT_CUSTODIAN_NAME_MAX + 1];
    uint8_t signature[JT_CUSTODIAN_SIGNATURE_LEN];
};

struct jt_approvals {
    uint8_t n;
    struct jt_approval all[JT_CUSTODIANS_MAX];
};

/* As a client's id, and no possible card number. */
bool jt_custodian_name_valid(const char *name);

/* 2 to 16 custodians with valid names; names and keys are different ones. */
bool jt_custodian_set_valid(const struct jt_custodian_set *set);

/* The custodian of that name, or NULL. */
const struct jt_custodian *jt_custodian_find(const struct jt_custodian_set *set, const char *name);

void jt_custodian_format(const struct jt_custodian *custodian,
                         char out[static JT_CUSTODIAN_TEXT_MAX + 1]);
/* JT_ERR_INVALID unless it is the text of a custodian. */
enum jt_err jt_custodian_parse(const char *text, struct jt_custodian *out) JT_CHECKED;

/* jca_NAME_ and the signature in base32: how an approval goes from hand to hand. */
#define JT_APPROVAL_TEXT_MAX (4 + JT_CUSTODIAN_NAME_MAX + 1 + JT_BASE32_LEN(64))
void jt_approval_format(const struct jt_approval *approval,
                        char out[static JT_APPROVAL_TEXT_MAX + 1]);
enum jt_err jt_approval_parse(const char *text, struct jt_approval *out) JT_CHECKED;

/* What two custodians of the version before sign: lines of "name: value". */
#define JT_CUSTODIAN_SET_TEXT_MAX 4096
void jt_custodian_set_text(const struct jt_custodian_set *set, struct jt_buf *out);

#endif

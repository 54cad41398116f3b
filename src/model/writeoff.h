/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing cards off that nobody can open: the request that custodians sign, and a keeper's warrant
 * that two of them have (docs/keeper-protocol.md, "Cards that are written off").
 */
#ifndef JETON_MODEL_WRITEOFF_H
#define JETON_MODEL_WRITEOFF_H

#include "model/custodian.h"

#define JT_WRITEOFF_CARDS_MAX  8192    /* in one request */
#define JT_WRITEOFF_MAX        128     /* requests of one generation: its certificate names each */
#define JT_WRITEOFF_NUMBER_MAX 1000000 /* what is replaced has a number, too */
#define JT_WRITEOFF_DIGEST_LEN 32      /* SHA-256 of the list of cards, as it is stored */
#define JT_WRITEOFF_TEXT_MAX   2000
#define JT_WRITEOFF_BODY_MAX \
    (8 + 1 + JT_CHECK_VALUE_LEN + 4 + 4 + JT_WRITEOFF_DIGEST_LEN + 2 + JT_WRITEOFF_TEXT_MAX)

/* A card of the list, and all of it: wire/writeoff.h. */
#define JT_WRITEOFF_ITEM_MAX                                                         \
    (1 + 1 + 4 + JT_ROW_ID_LEN + JT_FINGERPRINT_LEN + 2 + JT_CARD_ENVELOPE_MAX + 1 + \
     JT_PAN_MAX_PACKED)
#define JT_WRITEOFF_LIST_MAX (2 + JT_WRITEOFF_CARDS_MAX * JT_WRITEOFF_ITEM_MAX)

struct jt_writeoff_request {
    uint64_t generation;
    uint8_t key_id;
    uint8_t check_value[JT_CHECK_VALUE_LEN];
    uint32_t number;  /* of the generation's requests, from 1 on */
    uint32_t n_cards; /* on the list */
    uint8_t digest[JT_WRITEOFF_DIGEST_LEN];
    uint16_t text_len;
    char text[JT_WRITEOFF_TEXT_MAX + 1]; /* what custodians sign */
    uint8_t mac[JT_ROW_MAC_LEN];
};

/*
 * A keeper's word that two custodians, as they were then, approve of the list. With it the cards
 * may go, and a certificate names who it was, whoever is a custodian by then.
 */
struct jt_writeoff_warrant {
    uint64_t generation;
    uint8_t check_value[JT_CHECK_VALUE_LEN];
    uint32_t number, n_cards;
    uint8_t digest[JT_WRITEOFF_DIGEST_LEN];
    uint8_t n_by;
    struct jt_custodian by[JT_CUSTODIANS_MAX];
    uint8_t mac[JT_ROW_MAC_LEN];
};
#define JT_WRITEOFF_WARRANT_MAX                                    \
    (8 + JT_CHECK_VALUE_LEN + 4 + 4 + JT_WRITEOFF_DIGEST_LEN + 1 + \
     JT_CUSTODIANS_MAX * (1 + JT_CUSTODIAN_NAME_MAX + JT_CUSTODIAN_KEY_LEN) + JT_ROW_MAC_LEN)

/* One that was carried out, for the certificate. */
struct jt_writeoff_done {
    struct jt_writeoff_warrant warrant;
    uint32_t n_moved; /* of its cards; what had changed meanwhile stayed */
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verb SEAL: new cards. For each item the keeper mints an id and gives the token, and the envelope
 * and fingerprint under the active generation. The fingerprint is that of the value, or, in a field
 * without dedup, of the value followed by the id. There are also fingerprints under every draining
 * one, so that the caller can find a card that was stored before a roll. Fingerprints under retired
 * generations can be asked for as well: they find rows that should not be there any more.
 */
#ifndef JETON_WIRE_SEAL_H
#define JETON_WIRE_SEAL_H

#include "base/buf.h"
#include "model/digits.h"
#include "model/keyref.h"
#include "wire/limits.h"
#include "wire/value.h"

struct jt_seal_item {
    uint32_t field;
    struct jt_value value;
};

struct jt_seal_request {
    uint8_t n_retired;
    uint8_t retired[JT_WIRE_MAX_PROBED]; /* key ids whose fingerprints are wanted too */
    const struct jt_seal_item *items;
    size_t n;
};

struct jt_seal_result {
    /*
     * JT_ERR_INVALID: no value of the field; JT_ERR_NO_FIELD; JT_ERR_TOKEN_SPACE,
     * JT_ERR_NUMERIC_WAITS: no numeric token can be made. Then nothing else is set
     */
    enum jt_err err;
    /* fresh; ids of one keeper strictly ascend, within a batch by (field, fingerprint) */
    uint64_t id;
    const uint8_t *token;       /* JT_TOKEN_LEN: the id's, for this field; numeric: its tok */
    const uint8_t *fingerprint; /* JT_FINGERPRINT_LEN, under the active generation */
    const uint8_t *probes; /* JT_FINGERPRINT_LEN for each probed generation, in the reply's order */
    const uint8_t *envelope;
    uint16_t envelope_len;
    struct jt_digits digits; /* of a numeric token: fresh ones */
    /*
     * NULL, or, where a token of the field could be a card of the field: JT_TOK_LEN of the value as
     * if it were a token, and the fingerprints of the digits as if they were a card:
     * JT_FINGERPRINT_LEN under the active generation and each draining one, in the reply's order
     */
    const uint8_t *value_tok;
    const uint8_t *digit_fps;
};

/* A generation under which fingerprints were made besides the active one. */
struct jt_seal_probed {
    struct jt_keyref key;
    bool retired; /* else draining */
};

struct jt_seal_reply {
    uint64_t epoch;          /* the ring under which this was sealed */
    struct jt_keyref active; /* key_id 0: no generation may be written under, no results */
    uint8_t n_probed;
    struct jt_seal_probed probed[JT_WIRE_MAX_PROBED]; /* all draining ones first */
    size_t n;
    struct jt_seal_result *results;
};

/* How many of the probed generations drain. */
size_t jt_seal_draining(const struct jt_seal_reply *reply);

/* The generations of a reply; none is live behind one that is retired. */
void jt_seal_probed_encode(const struct jt_seal_probed *probed, uint8_t n, struct jt_buf *out);
/* How many; `in` turns bad when they make no sense. */
uint8_t jt_seal_probed_decode(struct jt_reader *in,
                              struct jt_seal_probed probed[static JT_WIRE_MAX_PROBED]);

void jt_seal_request_encode(const struct jt_seal_request *request, struct jt_buf *out);
/* `items` holds JT_WIRE_MAX_ITEMS; pointers stay inside the frame. */
enum jt_err jt_seal_request_decode(struct jt_reader *in, struct jt_seal_item *items,
                                   struct jt_seal_request *request) JT_CHECKED;
void jt_seal_reply_encode(const struct jt_seal_reply *reply, struct jt_buf *out);
/* reply->results is the caller's array of `n` (the items asked), filled here. */
enum jt_err jt_seal_reply_decode(struct jt_reader *in, size_t n,
                                 struct jt_seal_reply *reply) JT_CHECKED;

#endif

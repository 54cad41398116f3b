/*
 * Verb SEAL: new cards. For each item the keeper gives the envelope and fingerprint under the active generation, and
 * the fingerprints under every draining one, so that the caller can find a card that was stored before a roll.
 */
#ifndef JETON_WIRE_SEAL_H
#define JETON_WIRE_SEAL_H

#include "base/buf.h"
#include "wire/keyref.h"
#include "wire/limits.h"

struct jt_seal_item {
    uint32_t field;
    bool dedup; /* fingerprint of the PAN alone; else of the PAN followed by the row-id */
    const uint8_t *row_id;
    uint8_t row_id_len;
    const uint8_t *pan; /* packed BCD */
    uint8_t pan_len;
};

struct jt_seal_result {
    enum jt_err err; /* JT_OK, or JT_ERR_INVALID (malformed PAN): then nothing else is set */
    const uint8_t *fingerprint; /* 16 bytes, under the active generation */
    const uint8_t *draining_fingerprints; /* 16 bytes for each draining generation, in the reply's order */
    const uint8_t *envelope;
    uint8_t envelope_len;
};

struct jt_seal_reply {
    uint64_t epoch; /* the ring under which this was sealed */
    struct jt_keyref active; /* key_id 0: no generation may be written under, no results */
    uint8_t n_draining;
    struct jt_keyref draining[JT_WIRE_MAX_DRAINING];
    size_t n;
    struct jt_seal_result *results;
};

void jt_seal_request_encode(const struct jt_seal_item *items, size_t n, struct jt_buf *out);
/* `items` holds JT_WIRE_MAX_ITEMS; pointers stay inside the frame. */
enum jt_err jt_seal_request_decode(struct jt_reader *in, struct jt_seal_item *items, size_t *n) JT_CHECKED;
void jt_seal_reply_encode(const struct jt_seal_reply *reply, struct jt_buf *out);
/* reply->results is the caller's array of `n` (the items asked), filled here. */
enum jt_err jt_seal_reply_decode(struct jt_reader *in, size_t n, struct jt_seal_reply *reply) JT_CHECKED;

#endif

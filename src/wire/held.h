/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verbs SEAL_HELD, OPEN_HELD and RESEAL_HELD: values of whose envelopes applications keep the only
 * copy. An envelope is bound to field, generation and a row-id of the application's own, and to
 * nothing that a vaulted card has: neither can be opened as the other.
 *
 * SEAL_HELD takes values and gives envelopes under the active generation. OPEN_HELD takes envelopes
 * and gives values, and beside each whose generation is not the active one a fresh envelope.
 * RESEAL_HELD gives envelopes under the active generation and no values.
 */
#ifndef JETON_WIRE_HELD_H
#define JETON_WIRE_HELD_H

#include "base/buf.h"
#include "model/keyref.h"
#include "wire/limits.h"
#include "wire/value.h"

/* In one request, so that all of the longest values and their envelopes fit into a frame. */
#define JT_WIRE_MAX_HELD 500

struct jt_held_item {
    uint32_t field;
    const uint8_t *row_id; /* 1 to JT_HELD_ROW_ID_MAX bytes */
    uint8_t row_id_len;
    struct jt_value value; /* SEAL_HELD: the value; else kind 0 and the envelope */
};

struct jt_held_result {
    /*
     * JT_ERR_INVALID: no value of the field; JT_ERR_NO_FIELD; JT_ERR_DECRYPT, whatever was wrong
     * with an envelope; JT_ERR_RING_MOVED: its key id names no generation that the keeper knows
     */
    enum jt_err err;
    uint64_t generation; /* under which the envelope was sealed that came, or goes */
    bool stale;          /* that is not the active one: there is a fresh envelope if that can be */
    const uint8_t *tag;  /* JT_HELD_TAG_LEN: names field and row-id, for the audit */
    struct jt_value value;   /* OPEN_HELD only; else kind 0, empty */
    const uint8_t *envelope; /* under the active generation; empty where none was made */
    uint16_t envelope_len;
};

struct jt_held_reply {
    uint64_t epoch;
    struct jt_keyref active; /* key_id 0: nothing may be sealed now */
    size_t n;
    struct jt_held_result *results;
};

void jt_held_request_encode(const struct jt_held_item *items, size_t n, struct jt_buf *out);
/* `items` holds JT_WIRE_MAX_HELD; pointers stay inside the frame. */
enum jt_err jt_held_request_decode(struct jt_reader *in, struct jt_held_item *items,
                                   size_t *n) JT_CHECKED;
void jt_held_reply_encode(const struct jt_held_reply *reply, struct jt_buf *out);
/* reply->results is the caller's array of `n` (the items asked), filled here. */
enum jt_err jt_held_reply_decode(struct jt_reader *in, size_t n,
                                 struct jt_held_reply *reply) JT_CHECKED;

#endif

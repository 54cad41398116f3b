/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verbs on generations: create, abandon, acknowledge, check an acknowledgement; and the row of a
 * generation in them.
 */
#ifndef JETON_WIRE_GENERATION_H
#define JETON_WIRE_GENERATION_H

#include "base/buf.h"
#include "model/generation.h"
#include "model/node.h"
#include "wire/limits.h"

/* What a creator tells its keeper about the rest of the world. */
struct jt_generation_create {
    uint64_t db_highest; /* the highest number in the database; 0: none */
    uint8_t used_key_ids[JT_KEY_ID_SET_LEN];
};

struct jt_ack_request {
    struct jt_generation_row generation;
    char node[JT_NODE_NAME_MAX + 1];
    uint8_t challenge[JT_CHALLENGE_LEN];
};

/*
 * Rows and acknowledgements leave what follows unread; the requests of the four verbs are whole
 * messages.
 */
void jt_generation_row_encode(const struct jt_generation_row *row, struct jt_buf *out);
enum jt_err jt_generation_row_decode(struct jt_reader *in,
                                     struct jt_generation_row *row) JT_CHECKED;
void jt_ack_encode(const struct jt_ack *ack, struct jt_buf *out);
enum jt_err jt_ack_decode(struct jt_reader *in, struct jt_ack *ack) JT_CHECKED;

void jt_generation_create_encode(const struct jt_generation_create *create, struct jt_buf *out);
enum jt_err jt_generation_create_decode(struct jt_reader *in,
                                        struct jt_generation_create *create) JT_CHECKED;
void jt_generation_abandon_encode(const struct jt_generation_row *row, struct jt_buf *out);
enum jt_err jt_generation_abandon_decode(struct jt_reader *in,
                                         struct jt_generation_row *row) JT_CHECKED;
void jt_ack_request_encode(const struct jt_ack_request *request, struct jt_buf *out);
enum jt_err jt_ack_request_decode(struct jt_reader *in, struct jt_ack_request *request) JT_CHECKED;
/* ACK_CHALLENGE: the challenge that acknowledgements of a generation must answer from now on. */
struct jt_ack_challenge {
    uint8_t bytes[JT_CHALLENGE_LEN];
};

void jt_ack_challenge_request_encode(const struct jt_generation_row *row, struct jt_buf *out);
enum jt_err jt_ack_challenge_request_decode(struct jt_reader *in,
                                            struct jt_generation_row *row) JT_CHECKED;
void jt_ack_challenge_encode(const struct jt_ack_challenge *challenge, struct jt_buf *out);
enum jt_err jt_ack_challenge_decode(struct jt_reader *in,
                                    struct jt_ack_challenge *challenge) JT_CHECKED;

/* ACK_CHECK: an acknowledgement, and the row of the node that is said to have given it. */
struct jt_ack_claim {
    struct jt_generation_row generation;
    struct jt_ack ack;
    struct jt_node_row node;
};

void jt_ack_claim_encode(const struct jt_ack_claim *claim, struct jt_buf *out);
enum jt_err jt_ack_claim_decode(struct jt_reader *in, struct jt_ack_claim *claim) JT_CHECKED;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verbs on generations: create, abandon, acknowledge, check an acknowledgement; and the generation
 * row, MACed at each change of state.
 */
#ifndef JETON_WIRE_GENERATION_H
#define JETON_WIRE_GENERATION_H

#include "base/buf.h"
#include "wire/limits.h"

struct jt_generation_row {
    uint64_t number;
    uint8_t key_id;
    uint8_t state; /* enum jt_generation_state */
    uint8_t check_value[JT_CHECK_VALUE_LEN];
    uint64_t mac_epoch; /* the epoch at which it came into this state */
    uint8_t mac[JT_ROW_MAC_LEN];
};

/*
 * Proof that one run of one node's keeper holds a generation's key: CMAC under the generation's
 * `ack` key of all of it.
 */
struct jt_ack {
    char node[JT_NODE_NAME_MAX + 1];
    uint8_t incarnation[JT_INCARNATION_LEN]; /* the keeper's start incarnation */
    uint8_t challenge[JT_CHALLENGE_LEN];
    uint8_t mac[JT_ROW_MAC_LEN];
};

/* What a creator tells its keeper about the rest of the world. */
struct jt_generation_create {
    uint64_t db_highest;      /* the highest number in the database; 0: none */
    uint8_t used_key_ids[32]; /* bit i%8 of byte i/8: key id i is taken */
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
void jt_ack_check_encode(const struct jt_generation_row *generation, const struct jt_ack *ack,
                         struct jt_buf *out);
enum jt_err jt_ack_check_decode(struct jt_reader *in, struct jt_generation_row *generation,
                                struct jt_ack *ack) JT_CHECKED;

#endif

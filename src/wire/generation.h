/* Verbs on generations: create, abandon, acknowledge, check an acknowledgement; and the generation row, MACed at each change of state. */
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

/* Proof that one run of one node's keeper holds a generation's key: CMAC under the generation's `ack` key of all of it. */
struct jt_ack {
    char node[JT_NODE_NAME_MAX + 1];
    uint8_t incarnation[JT_INCARNATION_LEN]; /* the keeper's start incarnation */
    uint8_t challenge[JT_CHALLENGE_LEN];
    uint8_t mac[JT_ROW_MAC_LEN];
};

void jt_generation_row_encode(const struct jt_generation_row *row, struct jt_buf *out);
enum jt_err jt_generation_row_decode(struct jt_reader *in, struct jt_generation_row *row) JT_CHECKED;
void jt_ack_encode(const struct jt_ack *ack, struct jt_buf *out);
enum jt_err jt_ack_decode(struct jt_reader *in, struct jt_ack *ack) JT_CHECKED;

#endif

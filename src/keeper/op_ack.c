/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ACK and ACK_CHECK: proof that this run of this node's keeper holds a generation's key. Without it
 * from every node, no generation becomes active (I3).
 */
#include "keeper/op.h"

#include "base/secmem.h"
#include "keeper/dirwatch.h"
#include "keeper/rowmac.h"
#include "wire/generation.h"
#include "wire/node.h"

#include <string.h>

/*
 * The key that the row means, and no other of the same number: two creators may both have made one.
 */
static enum jt_err find_key(const struct jt_keeper *k, const struct jt_generation_row *row,
                            const struct jt_genfile **meta, const uint8_t **key)
{
    enum jt_err err = jt_rowmac_generation_check(k->root, row);
    if (err != JT_OK) {
        return err;
    }
    *meta = jt_keyring_find(k->keyring, row->number);
    *key = jt_keyring_key(k->keyring, row->number);
    if (*meta == NULL) {
        return JT_ERR_KEY_MISSING;
    }
    bool same = (*meta)->key_id == row->key_id &&
                jt_equal_ct((*meta)->check_value, row->check_value, sizeof row->check_value);
    return same ? JT_OK : JT_ERR_KEY_WRONG;
}

enum jt_err jt_op_ack(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_ack_request request;
    const struct jt_genfile *meta;
    const uint8_t *key;
    enum jt_err err = jt_ack_request_decode(in, &request);
    if (err != JT_OK) {
        return err;
    }
    if (!jt_node_name_valid(request.node)) {
        return JT_ERR_INVALID;
    }
    err = find_key(k, &request.generation, &meta, &key);
    if (err != JT_OK) {
        return err;
    }
    err = jt_dirwatch_check(k, request.generation.number, NULL);
    if (err != JT_OK) {
        return err;
    }
    struct jt_ack ack = { 0 };
    memcpy(ack.node, request.node, sizeof ack.node);
    memcpy(ack.incarnation, k->incarnation, sizeof ack.incarnation);
    memcpy(ack.challenge, request.challenge, sizeof ack.challenge);
    err = jt_rowmac_ack(key, meta, &ack, ack.mac);
    if (err == JT_OK) {
        jt_ack_encode(&ack, out);
    }
    return err;
}

enum jt_err jt_op_ack_check(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    (void)out;
    struct jt_generation_row row;
    struct jt_ack ack;
    const struct jt_genfile *meta;
    const uint8_t *key;
    uint8_t mac[JT_ROW_MAC_LEN];
    enum jt_err err = jt_ack_check_decode(in, &row, &ack);
    if (err == JT_OK) {
        err = find_key(k, &row, &meta, &key);
    }
    if (err == JT_OK) {
        err = jt_rowmac_ack(key, meta, &ack, mac);
    }
    if (err == JT_OK && !jt_equal_ct(mac, ack.mac, sizeof mac)) {
        err = JT_ERR_FORGED;
    }
    return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ACK, ACK_CHALLENGE and ACK_CHECK: proof that this run of this node's keeper holds a generation's
 * key. Without it from every node, no generation becomes active (I3). GENERATION_HELD: which keys
 * are here, without proof.
 */
#include "keeper/op.h"

#include "base/secmem.h"
#include "keeper/dirwatch.h"
#include "keeper/heldkey.h"
#include "keeper/rowmac.h"
#include "wire/generation.h"
#include "wire/verdicts.h"

#include <string.h>

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
    err = jt_heldkey_find(k, &request.generation, &meta, &key);
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
        jt_keyring_set_acked(k->keyring, request.generation.number);
        jt_ack_encode(&ack, out);
    }
    return err;
}

enum jt_err jt_op_ack_challenge(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_generation_row row;
    struct jt_ack_challenge fresh;
    enum jt_err err = jt_ack_challenge_request_decode(in, &row);
    if (err == JT_OK) {
        err = jt_rowmac_generation_check(k->root, &row);
    }
    if (err == JT_OK) {
        jt_challenges_make(&k->challenges, &row, fresh.bytes);
        jt_ack_challenge_encode(&fresh, out);
    }
    return err;
}

/*
 * Whether the acknowledgement is the one that was asked for: an answer to the last challenge, by
 * the run of the keeper that the node has now. All MACs are good already.
 */
static bool answers(const struct jt_keeper *k, const struct jt_ack_claim *claim)
{
    return jt_challenges_present(&k->challenges, &claim->generation, claim->ack.challenge) &&
           strcmp(claim->ack.node, claim->node.spec.name) == 0 &&
           memcmp(claim->ack.incarnation, claim->node.keeper, sizeof claim->node.keeper) == 0;
}

enum jt_err jt_op_ack_check(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    (void)out;
    struct jt_ack_claim claim;
    const struct jt_genfile *meta;
    const uint8_t *key;
    uint8_t mac[JT_ROW_MAC_LEN];
    enum jt_err err = jt_ack_claim_decode(in, &claim);
    if (err == JT_OK) {
        err = jt_heldkey_find(k, &claim.generation, &meta, &key);
    }
    if (err == JT_OK) {
        err = jt_rowmac_ack(key, meta, &claim.ack, mac);
    }
    if (err == JT_OK && !jt_equal_ct(mac, claim.ack.mac, sizeof mac)) {
        err = JT_ERR_FORGED;
    }
    if (err == JT_OK) {
        err = jt_rowmac_node_check(k->root, &claim.node);
    }
    return err == JT_OK && !answers(k, &claim) ? JT_ERR_ACK_STALE : err;
}

enum jt_err jt_op_generation_held(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_generation_row rows[JT_WIRE_MAX_VERDICTS];
    enum jt_err verdicts[JT_WIRE_MAX_VERDICTS];
    size_t n;
    enum jt_err err = jt_generation_held_decode(in, rows, &n);
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        const struct jt_genfile *meta;
        const uint8_t *key;
        verdicts[i] = jt_heldkey_find(k, &rows[i], &meta, &key);
        if (verdicts[i] != JT_ERR_FORGED && rows[i].state == JT_GENERATION_DESTROYED) {
            verdicts[i] = JT_ERR_WRONG_STATE;
        }
        bool of_the_row = verdicts[i] == JT_OK || verdicts[i] == JT_ERR_FORGED ||
                          verdicts[i] == JT_ERR_KEY_MISSING || verdicts[i] == JT_ERR_KEY_WRONG ||
                          verdicts[i] == JT_ERR_WRONG_STATE;
        err = of_the_row ? JT_OK : verdicts[i];
    }
    if (err == JT_OK) {
        jt_verdicts_encode(verdicts, n, out);
    }
    return err;
}

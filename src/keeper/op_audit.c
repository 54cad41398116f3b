/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AUDIT_START, AUDIT_LINK, AUDIT_CLOSE and AUDIT_CHECK: the MACs of the audit trail.
 *
 * The keeper remembers nothing of a chain. It would have to forget at each restart, or write its
 * state file for every transaction; and what it could refuse then, a second link of one number, is
 * just what a front needs whose first one was rolled back. So a front that is taken over can have
 * another history MACed: against that stand the heads outside (docs/operating.md) and the keeper's
 * own counts. Whoever has the database alone can have nothing MACed.
 */
#include "keeper/op.h"

#include "crypto/bytes.h"
#include "base/secmem.h"
#include "keeper/rowmac.h"
#include "wire/audit.h"

enum jt_err jt_op_audit_start(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_audit_start start = { .ends = k->batch->audit_ends };
    const struct jt_reader whole = *in;
    enum jt_err err = jt_audit_start_decode(in, &start);
    if (err != JT_OK) {
        return err;
    }
    uint8_t mac[JT_ROW_MAC_LEN];
    err = start.id == 0 || start.predecessor == start.id
              ? JT_ERR_INVALID
              : jt_rowmac_audit_start(k->root, whole.p, whole.left, mac);
    if (err == JT_OK) {
        jt_buf_put(out, mac, sizeof mac);
    }
    return err;
}

enum jt_err jt_op_audit_link(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_audit_link link;
    uint8_t head[JT_ROW_MAC_LEN];
    enum jt_err err = jt_audit_link_decode(in, &link);
    if (err == JT_OK) {
        err = link.number == 0 ? JT_ERR_INVALID : jt_rowmac_audit_link(k->root, &link, head);
    }
    if (err == JT_OK) {
        jt_buf_put(out, head, sizeof head);
    }
    return err;
}

enum jt_err jt_op_audit_check(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_audit_claim *claims = k->batch->audit_claims;
    bool *good = k->batch->audit_good;
    size_t n;
    enum jt_err err = jt_audit_check_decode(in, claims, &n);
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        uint8_t head[JT_ROW_MAC_LEN];
        err = jt_rowmac_audit_link(k->root, &claims[i].link, head);
        good[i] = err == JT_OK && claims[i].link.number != 0 &&
                  jt_equal_ct(head, claims[i].head, sizeof head);
    }
    if (err == JT_OK) {
        jt_audit_check_reply_encode(good, n, out);
    }
    return err;
}

enum jt_err jt_op_audit_close(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_audit_close close;
    const struct jt_reader whole = *in;
    uint8_t mac[JT_ROW_MAC_LEN];
    enum jt_err err = jt_audit_close_decode(in, &close);
    if (err == JT_OK) {
        err = jt_rowmac_audit_close(k->root, whole.p, whole.left, mac);
    }
    if (err == JT_OK) {
        jt_buf_put(out, mac, sizeof mac);
    }
    return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* CLIENT_MAKE, CLIENT_REVOKE and CLIENT_CHECK: API clients as rows that only a keeper can make. */
#include "keeper/op.h"

#include "base/secmem.h"
#include "keeper/rowmac.h"
#include "keeper/setdigest.h"
#include "keeper/setrule.h"
#include "wire/client.h"
#include "wire/frame.h"

#include <string.h>

/* The new row joins the set. */
static enum jt_err add_row(struct jt_keeper *k, const struct jt_set_row *now,
                           struct jt_client_change *change)
{
    struct jt_setdigest d;
    enum jt_err err = jt_setrule_next(k, now, JT_SET_CLIENTS, true, &d, &change->set);
    if (err == JT_OK) {
        change->row.revision = change->set.version;
        err = jt_rowmac_client(k->root, &change->row, change->row.mac);
    }
    if (err == JT_OK) {
        err = jt_setdigest_add_client(k->root, &d, &change->row);
    }
    return err == JT_OK ? jt_setdigest_close_row(k->root, &d, &change->set) : err;
}

enum jt_err jt_op_client_make(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_client_change change = { .row = { .state = JT_ROW_ACTIVE,
                                                .mac_epoch = k->ring.epoch } };
    struct jt_set_row now;
    uint8_t secret[JT_CLIENT_SECRET_LEN];
    enum jt_err err = jt_client_make_decode(in, &change.row.spec, secret, &now);
    if (err != JT_OK) {
        return err;
    }
    if (!jt_client_id_valid(change.row.spec.id) ||
        (change.row.spec.permissions & ~(uint32_t)JT_MAY_ALL) != 0) {
        err = JT_ERR_INVALID;
    }
    if (err == JT_OK) {
        err = jt_rowmac_client_secret(k->root, change.row.spec.id, secret, change.row.secret_mac);
    }
    if (err == JT_OK) {
        err = add_row(k, &now, &change);
    }
    if (err == JT_OK) {
        jt_client_change_encode(&change, out);
    }
    jt_wipe(secret, sizeof secret);
    return err;
}

enum jt_err jt_op_client_revoke(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_client_change was;
    struct jt_client_change change;
    struct jt_setdigest d;
    enum jt_err err = jt_client_change_decode(in, &was);
    if (err == JT_OK) {
        err = jt_rowmac_client_check(k->root, &was.row);
    }
    if (err == JT_OK && was.row.state != JT_ROW_ACTIVE) {
        err = JT_ERR_CLIENT_REVOKED;
    }
    if (err == JT_OK) {
        err = jt_setrule_next(k, &was.set, JT_SET_CLIENTS, false, &d, &change.set);
    }
    if (err != JT_OK) {
        return err;
    }
    change.row = was.row;
    change.row.state = JT_ROW_REVOKED;
    change.row.revision = change.set.version;
    change.row.mac_epoch = k->ring.epoch;
    if ((was.row.spec.permissions & JT_MAY_OPERATE) != 0) {
        change.set.operators = change.set.version;
    }
    err = jt_rowmac_client(k->root, &change.row, change.row.mac);
    if (err == JT_OK) {
        err = jt_setdigest_take_client(k->root, &d, &was.row);
    }
    if (err == JT_OK) {
        err = jt_setdigest_add_client(k->root, &d, &change.row);
    }
    if (err == JT_OK) {
        err = jt_setdigest_close_row(k->root, &d, &change.set);
    }
    if (err == JT_OK) {
        jt_client_change_encode(&change, out);
    }
    return err;
}

/*
 * Both MACs are computed and compared whatever the first comparison says, so that time does not
 * tell which of them failed.
 */
enum jt_err jt_op_client_check(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    (void)out;
    struct jt_client_row row;
    uint8_t secret[JT_CLIENT_SECRET_LEN];
    uint8_t secret_mac[JT_ROW_MAC_LEN];
    uint8_t mac[JT_ROW_MAC_LEN];
    enum jt_err err = jt_client_check_decode(in, &row, secret);
    if (err != JT_OK) {
        return err;
    }
    err = jt_rowmac_client_secret(k->root, row.spec.id, secret, secret_mac);
    if (err == JT_OK) {
        err = jt_rowmac_client(k->root, &row, mac);
    }
    if (err == JT_OK) {
        unsigned same_secret = jt_equal_ct(secret_mac, row.secret_mac, sizeof secret_mac);
        unsigned same_row = jt_equal_ct(mac, row.mac, sizeof mac);
        unsigned active = row.state == JT_ROW_ACTIVE;
        err = (same_secret & same_row & active) != 0 ? JT_OK : JT_ERR_BAD_CREDENTIAL;
    }
    jt_wipe(secret, sizeof secret);
    jt_wipe(secret_mac, sizeof secret_mac);
    return err;
}

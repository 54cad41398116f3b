/* SPDX-License-Identifier: Apache-2.0 */
/* CLIENT_MAKE, CLIENT_CHANGE and CLIENT_CHECK: API clients as rows that only a keeper can make. */
#include "keeper/op.h"

#include "base/secmem.h"
#include "keeper/expiry.h"
#include "keeper/rowmac.h"
#include "keeper/setdigest.h"
#include "keeper/setrule.h"
#include "wire/client.h"
#include "wire/frame.h"

#include <string.h>

static bool order_valid(const struct jt_client_order *order)
{
    return (order->permissions & ~(uint32_t)JT_MAY_ALL) == 0 && order->terms.old_until_s == 0 &&
           jt_client_terms_valid(&order->terms) && order->overlap_s <= JT_CLIENT_OVERLAP_MAX_S &&
           (order->fresh || (order->overlap_s == 0 && !order->replaces)) &&
           (order->overlap_s == 0 || !order->replaces);
}

/* What is ordered goes into the row, beside its secrets. */
static void put_order(const struct jt_client_order *order, const struct jt_client_terms *terms,
                      struct jt_client_row *row)
{
    row->spec.permissions = order->permissions;
    row->terms_len = (uint16_t)jt_client_terms_encode(terms, row->terms);
}

/* The row joins the set, in place of `was` or as a new one. */
static enum jt_err join_set(struct jt_keeper *k, const struct jt_set_row *now,
                            const struct jt_client_row *was, bool ends_operator,
                            struct jt_client_change *change)
{
    struct jt_setdigest d;
    enum jt_err err = jt_setrule_next(k, now, JT_SET_CLIENTS, was == NULL, &d, &change->set);
    if (err == JT_OK) {
        if (ends_operator) {
            change->set.operators = change->set.version;
        }
        change->row.revision = change->set.version;
        change->row.mac_epoch = k->ring.epoch;
        err = jt_rowmac_client(k->root, &change->row, change->row.mac);
    }
    if (err == JT_OK && was != NULL) {
        err = jt_setdigest_take_client(k->root, &d, was);
    }
    if (err == JT_OK) {
        err = jt_setdigest_add_client(k->root, &d, &change->row);
    }
    return err == JT_OK ? jt_setdigest_close_row(k->root, &d, &change->set) : err;
}

enum jt_err jt_op_client_make(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_client_change change = { .row = { .state = JT_ROW_ACTIVE } };
    struct jt_client_order order;
    struct jt_set_row now;
    enum jt_err err = jt_client_make_decode(in, change.row.spec.id, &order, &now);
    if (err != JT_OK) {
        return err;
    }
    if (!jt_client_id_valid(change.row.spec.id) || jt_name_is_cardlike(change.row.spec.id) ||
        !order_valid(&order) || !order.fresh || order.overlap_s != 0 || order.replaces) {
        err = JT_ERR_INVALID;
    }
    if (err == JT_OK) {
        err = jt_rowmac_client_secret(k->root, change.row.spec.id, order.secret,
                                      change.row.secret_mac);
    }
    if (err == JT_OK) {
        put_order(&order, &order.terms, &change.row);
        err = join_set(k, &now, NULL, false, &change);
    }
    if (err == JT_OK) {
        jt_client_change_encode(&change, out);
    }
    jt_wipe(&order, sizeof order);
    return err;
}

/* --- changes --- */

/*
 * Whether the change takes something from an operator: the standing, the permission, a secret at
 * once, or when, from where and with what certificate it counts. Then no keeper goes back to a set
 * of before it.
 */
static bool ends_operator(const struct jt_client_edit *edit, const struct jt_client_terms *before)
{
    const struct jt_client_order *o = &edit->order;
    if ((edit->was.spec.permissions & JT_MAY_OPERATE) == 0 || edit->was.state != JT_ROW_ACTIVE) {
        return false;
    }
    bool same_networks = o->terms.n_networks == before->n_networks &&
                         memcmp(o->terms.networks, before->networks, sizeof before->networks) == 0;
    bool same_certs = o->terms.n_certs == before->n_certs &&
                      memcmp(o->terms.certs, before->certs, sizeof before->certs) == 0;
    return edit->state != JT_ROW_ACTIVE || (o->permissions & JT_MAY_OPERATE) == 0 ||
           (o->fresh && o->overlap_s == 0) || o->terms.expires_s != before->expires_s ||
           !same_networks || !same_certs;
}

/*
 * The secrets that the row has then, two at most: the one before for as long as is ordered. One
 * whose time is over leaves the row.
 */
static enum jt_err put_secrets(const struct jt_keeper *k, const struct jt_client_edit *edit,
                               const struct jt_client_terms *before, struct jt_client_terms *terms,
                               struct jt_client_row *row)
{
    const struct jt_client_order *o = &edit->order;
    bool keeps = (!o->fresh || o->replaces) && jt_expiry_left_ms(before->old_until_s) > 0;
    if (keeps) {
        terms->old_until_s = before->old_until_s;
        memcpy(terms->old_secret_mac, before->old_secret_mac, sizeof terms->old_secret_mac);
    }
    if (o->fresh && o->overlap_s > 0) {
        terms->old_until_s = jt_expiry_now_s() + o->overlap_s;
        memcpy(terms->old_secret_mac, edit->was.secret_mac, sizeof terms->old_secret_mac);
    }
    return o->fresh ? jt_rowmac_client_secret(k->root, row->spec.id, o->secret, row->secret_mac)
                    : JT_OK;
}

/* The row as it was, read. */
static enum jt_err take_old(const struct jt_keeper *k, const struct jt_client_edit *edit,
                            struct jt_client_terms *before)
{
    enum jt_err err = jt_rowmac_client_check(k->root, &edit->was);
    if (err == JT_OK) {
        err = jt_client_terms_decode(edit->was.terms, edit->was.terms_len, before);
    }
    return err == JT_OK && edit->was.state == JT_ROW_REVOKED ? JT_ERR_CLIENT_REVOKED : err;
}

static enum jt_err change_client(struct jt_keeper *k, const struct jt_client_edit *edit,
                                 struct jt_client_change *change)
{
    struct jt_client_terms before;
    struct jt_client_terms terms = edit->order.terms;
    if (!order_valid(&edit->order) || edit->state < JT_ROW_ACTIVE ||
        edit->state > JT_ROW_DISABLED) {
        return JT_ERR_INVALID;
    }
    enum jt_err err = take_old(k, edit, &before);
    if (err == JT_OK) {
        change->row = edit->was;
        change->row.state = edit->state;
        err = put_secrets(k, edit, &before, &terms, &change->row);
    }
    if (err == JT_OK) {
        put_order(&edit->order, &terms, &change->row);
        err = join_set(k, &edit->set, &edit->was, ends_operator(edit, &before), change);
    }
    return err;
}

enum jt_err jt_op_client_change(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_client_edit edit;
    struct jt_client_change change;
    enum jt_err err = jt_client_edit_decode(in, &edit);
    if (err == JT_OK) {
        err = change_client(k, &edit, &change);
    }
    if (err == JT_OK) {
        jt_client_change_encode(&change, out);
    }
    jt_wipe(&edit, sizeof edit);
    return err;
}

/* --- checks --- */

/* For how long an answer holds that rests on this; 0: for ever. */
static uint64_t sooner(uint64_t a_ms, uint64_t b_ms)
{
    return a_ms == 0 ? b_ms : b_ms == 0 || a_ms < b_ms ? a_ms : b_ms;
}

/*
 * All MACs are computed and compared, and all times looked at, whatever the first comparison says,
 * so that time does not tell which of them failed.
 */
static enum jt_err check(const struct jt_keeper *k, const struct jt_client_row *row,
                         const uint8_t secret[static JT_CLIENT_SECRET_LEN],
                         struct jt_client_checked *out)
{
    uint8_t secret_mac[JT_ROW_MAC_LEN];
    uint8_t mac[JT_ROW_MAC_LEN];
    struct jt_client_terms terms;
    unsigned readable = jt_client_terms_decode(row->terms, row->terms_len, &terms) == JT_OK;
    enum jt_err err = jt_rowmac_client_secret(k->root, row->spec.id, secret, secret_mac);
    if (err == JT_OK) {
        err = jt_rowmac_client(k->root, row, mac);
    }
    if (err == JT_OK) {
        uint64_t old_ms = jt_expiry_left_ms(terms.old_until_s);
        uint64_t ends_ms = jt_expiry_left_ms(terms.expires_s);
        unsigned old = jt_equal_ct(secret_mac, terms.old_secret_mac, sizeof secret_mac);
        unsigned now = jt_equal_ct(secret_mac, row->secret_mac, sizeof secret_mac);
        unsigned same_row = jt_equal_ct(mac, row->mac, sizeof mac);
        unsigned active = row->state == JT_ROW_ACTIVE;
        unsigned lasts = (unsigned)(terms.expires_s == 0) | (unsigned)(ends_ms > 0);
        unsigned in_time = old & (unsigned)(old_ms > 0);
        unsigned good = readable & (now | in_time) & same_row & active & lasts;
        out->good_ms = sooner(terms.expires_s == 0 ? 0 : ends_ms, now != 0 ? 0 : old_ms);
        err = good != 0 ? JT_OK : JT_ERR_BAD_CREDENTIAL;
    }
    jt_wipe(secret_mac, sizeof secret_mac);
    return err;
}

enum jt_err jt_op_client_check(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_client_row row;
    struct jt_client_checked checked;
    uint8_t secret[JT_CLIENT_SECRET_LEN];
    enum jt_err err = jt_client_check_decode(in, &row, secret);
    if (err != JT_OK) {
        return err;
    }
    err = check(k, &row, secret, &checked);
    if (err == JT_OK) {
        jt_client_checked_encode(&checked, out);
    }
    jt_wipe(secret, sizeof secret);
    return err;
}

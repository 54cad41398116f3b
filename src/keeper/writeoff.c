/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/writeoff.h"

#include "base/secmem.h"
#include "keeper/rowmac.h"
#include "model/ring.h"

#include <string.h>

enum jt_err jt_writeoff_request_mac(const struct jt_root *root,
                                    const struct jt_writeoff_request *request,
                                    uint8_t mac[static JT_ROW_MAC_LEN])
{
    struct jt_buf body;
    jt_buf_init(&body, JT_WRITEOFF_BODY_MAX);
    jt_writeoff_body_encode(request, &body);
    enum jt_err err = jt_buf_status(&body);
    if (err == JT_OK) {
        err = jt_rowmac_writeoff(root, body.data, body.len, mac);
    }
    jt_buf_clear(&body);
    return err;
}

enum jt_err jt_writeoff_warrant_mac(const struct jt_root *root,
                                    const struct jt_writeoff_warrant *warrant,
                                    uint8_t mac[static JT_ROW_MAC_LEN])
{
    struct jt_buf body;
    jt_buf_init(&body, JT_WRITEOFF_WARRANT_MAX);
    jt_writeoff_warrant_body_encode(warrant, &body);
    enum jt_err err = jt_buf_status(&body);
    if (err == JT_OK) {
        err = jt_rowmac_warrant(root, body.data, body.len, mac);
    }
    jt_buf_clear(&body);
    return err;
}

static enum jt_err check_warrant(const struct jt_root *root, const struct jt_ring_entry *entry,
                                 const struct jt_writeoff_done *done)
{
    const struct jt_writeoff_warrant *w = &done->warrant;
    uint8_t mac[JT_ROW_MAC_LEN];
    enum jt_err err = jt_writeoff_warrant_mac(root, w, mac);
    if (err != JT_OK) {
        return err;
    }
    bool good = jt_equal_ct(mac, w->mac, sizeof mac) && w->generation == entry->number &&
                memcmp(w->check_value, entry->check_value, sizeof w->check_value) == 0;
    return good ? JT_OK : JT_ERR_FORGED;
}

enum jt_err jt_writeoff_check(const struct jt_root *root, const struct jt_ring_entry *entry,
                              const struct jt_certify *certify)
{
    uint64_t n_moved = 0;
    enum jt_err err = JT_OK;
    for (size_t i = 0; i < certify->n_done && err == JT_OK; i++) {
        const struct jt_writeoff_done *d = &certify->done[i];
        err = check_warrant(root, entry, d);
        bool ascends = i == 0 || certify->done[i - 1].warrant.number < d->warrant.number;
        if (err == JT_OK && (!ascends || d->n_moved > d->warrant.n_cards)) {
            err = JT_ERR_INVALID;
        }
        n_moved += d->n_moved;
    }
    return err == JT_OK && n_moved != certify->facts.rows_written_off ? JT_ERR_INVALID : err;
}

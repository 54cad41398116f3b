/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/operator.h"

#include "base/secmem.h"
#include "keeper/expiry.h"
#include "keeper/rowmac.h"

enum jt_err jt_operator_check(const struct jt_keeper *k, const struct jt_client_row *row,
                              const uint8_t secret[static JT_CLIENT_SECRET_LEN])
{
    uint8_t secret_mac[JT_ROW_MAC_LEN];
    enum jt_err err = jt_rowmac_client_secret(k->root, row->spec.id, secret, secret_mac);
    if (err == JT_OK && !jt_equal_ct(secret_mac, row->secret_mac, sizeof secret_mac)) {
        err = JT_ERR_NOT_OPERATOR;
    }
    if (err == JT_OK) {
        err = jt_rowmac_client_check(k->root, row);
    }
    bool may = row->state == JT_ROW_ACTIVE && (row->spec.permissions & JT_MAY_OPERATE) != 0 &&
               !jt_expiry_is_over(row);
    jt_wipe(secret_mac, sizeof secret_mac);
    return err == JT_OK && !may ? JT_ERR_NOT_OPERATOR : err;
}

/* CLIENT_MAKE and CLIENT_CHECK: API clients as rows that only a keeper can make. */
#include "keeper/op.h"

#include "base/secmem.h"
#include "keeper/rowmac.h"
#include "wire/client.h"
#include "wire/frame.h"

#include <string.h>

enum jt_err jt_op_client_make(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_client_row row = { .mac_epoch = k->ring.epoch };
    uint8_t secret[JT_CLIENT_SECRET_LEN];
    enum jt_err err = jt_client_make_decode(in, &row.spec, secret);
    if (err != JT_OK) {
        return err;
    }
    if (!jt_client_id_valid(row.spec.id) || (row.spec.permissions & ~(uint32_t)JT_MAY_ALL) != 0) {
        err = JT_ERR_INVALID;
    }
    if (err == JT_OK) {
        err = jt_rowmac_client_secret(k->root, row.spec.id, secret, row.secret_mac);
    }
    if (err == JT_OK) {
        err = jt_rowmac_client(k->root, &row, row.mac);
    }
    if (err == JT_OK) {
        jt_client_row_encode(&row, out);
    }
    jt_wipe(secret, sizeof secret);
    return err;
}

/*
 * Both MACs are computed and compared whatever the first comparison says, so that time does not tell which of them
 * failed.
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
        err = (same_secret & same_row) != 0 ? JT_OK : JT_ERR_DENIED;
    }
    jt_wipe(secret, sizeof secret);
    jt_wipe(secret_mac, sizeof secret_mac);
    return err;
}

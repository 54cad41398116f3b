/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/foreign.h"

#include "base/hex.h"
#include "base/notice.h"
#include "base/secmem.h"

#include <string.h>

static void tell(struct jt_notice *notice, const uint8_t own[static JT_CHECK_VALUE_LEN])
{
    char detail[] = "the one here has the check value 0123456789abcdef";
    jt_hex_encode(own, JT_CHECK_VALUE_LEN, strrchr(detail, ' ') + 1);
    jt_notice(notice, detail);
}

enum jt_err jt_foreign_ring(const struct jt_root *root, bool development,
                            const struct jt_ring_row *row, struct jt_ring *ring)
{
    static struct jt_notice notice = { .what = "the database's ring is of another service root" };
    enum jt_err err = jt_state_ring_authentic(root, development, row, ring);
    struct jt_ring said;
    if (err == JT_ERR_FORGED && jt_ring_decode(row->body, row->body_len, &said) == JT_OK &&
        !jt_equal_ct(said.root_check_value, root->check_value, sizeof said.root_check_value)) {
        tell(&notice, root->check_value);
        err = JT_ERR_KEY_WRONG;
    }
    return err;
}

enum jt_err jt_foreign_master(const struct jt_keeper *k,
                              const uint8_t check_value[static JT_CHECK_VALUE_LEN])
{
    static struct jt_notice notice = { .what = "refused what was made under another master key" };
    if (jt_equal_ct(check_value, k->master->check_value, JT_CHECK_VALUE_LEN)) {
        return JT_OK;
    }
    tell(&notice, k->master->check_value);
    return JT_ERR_MASTER_OTHER;
}

enum jt_err jt_foreign_root(const struct jt_keeper *k,
                            const uint8_t check_value[static JT_CHECK_VALUE_LEN])
{
    static struct jt_notice notice = { .what = "refused what was made under another service root" };
    if (jt_equal_ct(check_value, k->root->check_value, JT_CHECK_VALUE_LEN)) {
        return JT_OK;
    }
    tell(&notice, k->root->check_value);
    return JT_ERR_ROOT_OTHER;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "model/audit.h"

#include "base/buf.h"

#include <string.h>

void jt_audit_end_pack(const struct jt_audit_end *end, uint8_t out[static JT_AUDIT_END_LEN])
{
    jt_put_u16(out, end->connection);
    jt_put_u64(out + 2, end->number);
    memcpy(out + 10, end->head, sizeof end->head);
}

void jt_audit_end_unpack(const uint8_t in[static JT_AUDIT_END_LEN], struct jt_audit_end *end)
{
    end->connection = (uint16_t)(in[0] << 8 | in[1]);
    end->number = jt_get_u64(in + 2);
    memcpy(end->head, in + 10, sizeof end->head);
}

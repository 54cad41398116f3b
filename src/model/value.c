/* SPDX-License-Identifier: Apache-2.0 */
#include "model/value.h"

bool jt_value_len_valid(uint8_t kind, size_t len)
{
    switch (kind) {
    case JT_FIELD_PAN: return len >= JT_PAN_MIN_PACKED && len <= JT_PAN_MAX_PACKED;
    case JT_FIELD_BYTES: return len >= 1 && len <= JT_PLAINTEXT_MAX;
    default: return false;
    }
}

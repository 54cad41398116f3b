/* SPDX-License-Identifier: Apache-2.0 */
#include "model/value.h"

bool jt_value_len_valid(uint8_t kind, size_t len)
{
    return kind == JT_FIELD_PAN && len >= JT_PAN_MIN_PACKED && len <= JT_PAN_MAX_PACKED;
}

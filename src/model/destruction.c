/* SPDX-License-Identifier: Apache-2.0 */
#include "model/destruction.h"

const char *jt_destruction_view_name(enum jt_destruction_view view)
{
    switch (view) {
    case JT_DESTRUCTION_WAITING: return "waiting";
    case JT_DESTRUCTION_GRACE: return "grace";
    case JT_DESTRUCTION_DUE: return "due";
    case JT_DESTRUCTION_CANCELLED: return "cancelled";
    case JT_DESTRUCTION_ERASED: return "erased";
    }
    return "unknown";
}

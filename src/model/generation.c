/* SPDX-License-Identifier: Apache-2.0 */
#include "model/generation.h"

const char *jt_generation_state_name(enum jt_generation_state state)
{
    switch (state) {
    case JT_GENERATION_FUTURE: return "future";
    case JT_GENERATION_ACTIVE: return "active";
    case JT_GENERATION_DRAINING: return "draining";
    case JT_GENERATION_RETIRED: return "retired";
    case JT_GENERATION_DESTROYED: return "destroyed";
    }
    return "unknown";
}

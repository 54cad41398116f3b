/* SPDX-License-Identifier: Apache-2.0 */
#include "model/retirement.h"

const char *jt_retirement_state_name(enum jt_retirement_state state)
{
    switch (state) {
    case JT_RETIREMENT_DRAINING: return "draining";
    case JT_RETIREMENT_RETIRED: return "retired";
    case JT_RETIREMENT_CERTIFIED: return "certified";
    }
    return "unknown";
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/must.h"

#include "base/fault.h"
#include "base/log.h"

#include <stdlib.h>

void jt_must_failed(const char *condition, const char *place)
{
    jt_log(JT_LOG_ERROR,
           "impossible: (%s) does not hold at %s; this is a fault of Jeton's, and the process ends",
           condition, jt_fault_in_tree(place));
    abort();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/must.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

void jt_must_failed(const char *condition, const char *place)
{
    const char *in_tree = strstr(place, "src/");
    jt_log(JT_LOG_ERROR, "impossible: not (%s) at %s: this is a fault of Jeton's, and the end",
           condition, in_tree != NULL ? in_tree + strlen("src/") : place);
    abort();
}

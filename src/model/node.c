/* SPDX-License-Identifier: Apache-2.0 */
#include "model/node.h"

bool jt_node_name_valid(const char *name)
{
    for (const char *p = name; *p != '\0'; p++) {
        if (*p < 0x21 || *p > 0x7e) {
            return false;
        }
    }
    return name[0] != '\0';
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "model/client.h"

#include <string.h>

bool jt_client_id_valid(const char *id)
{
    size_t n = strnlen(id, JT_CLIENT_ID_MAX + 1);
    if (n == 0 || n > JT_CLIENT_ID_MAX || id[0] < 'a' || id[0] > 'z') {
        return false;
    }
    return strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

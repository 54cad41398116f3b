/* SPDX-License-Identifier: Apache-2.0 */
#include "model/client.h"

#include <string.h>

const struct jt_permission_name jt_permission_names[JT_N_PERMISSIONS] = {
    { "tokenize", JT_MAY_TOKENIZE }, { "detokenize", JT_MAY_DETOKENIZE },
    { "operate", JT_MAY_OPERATE },   { "read-masked", JT_MAY_READ_MASKED },
    { "lookup", JT_MAY_LOOKUP },     { "delete", JT_MAY_DELETE },
    { "encrypt", JT_MAY_ENCRYPT },   { "decrypt", JT_MAY_DECRYPT },
};

bool jt_client_id_valid(const char *id)
{
    size_t n = strnlen(id, JT_CLIENT_ID_MAX + 1);
    if (n == 0 || n > JT_CLIENT_ID_MAX || id[0] < 'a' || id[0] > 'z') {
        return false;
    }
    return strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

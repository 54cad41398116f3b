/* SPDX-License-Identifier: Apache-2.0 */
#include "model/client.h"

#include <string.h>

#define CARD_DIGITS_MIN 12
#define CARD_DIGITS_MAX 19

const struct jt_permission_name jt_permission_names[JT_N_PERMISSIONS] = {
    { "tokenize", JT_MAY_TOKENIZE },   { "detokenize", JT_MAY_DETOKENIZE },
    { "operate", JT_MAY_OPERATE },     { "read-masked", JT_MAY_READ_MASKED },
    { "lookup", JT_MAY_LOOKUP },       { "delete", JT_MAY_DELETE },
    { "encrypt", JT_MAY_ENCRYPT },     { "decrypt", JT_MAY_DECRYPT },
    { "audit", JT_MAY_AUDIT },         { "clients", JT_MAY_CLIENTS },
    { "custodian", JT_MAY_CUSTODIAN },
};

uint32_t jt_permission_of(const char *name, size_t len)
{
    for (size_t i = 0; i < JT_N_PERMISSIONS; i++) {
        const struct jt_permission_name *p = &jt_permission_names[i];
        if (strlen(p->name) == len && memcmp(p->name, name, len) == 0) {
            return p->bit;
        }
    }
    return 0;
}

const char *jt_permission_name(uint32_t bit)
{
    for (size_t i = 0; i < JT_N_PERMISSIONS; i++) {
        if (jt_permission_names[i].bit == bit) {
            return jt_permission_names[i].name;
        }
    }
    return "";
}

bool jt_client_id_valid(const char *id)
{
    size_t n = strnlen(id, JT_CLIENT_ID_MAX + 1);
    if (n == 0 || n > JT_CLIENT_ID_MAX || id[0] < 'a' || id[0] > 'z') {
        return false;
    }
    return strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

bool jt_name_is_cardlike(const char *name)
{
    size_t run = 0;
    for (; *name != '\0'; name++) {
        if (*name >= '0' && *name <= '9') {
            run++;
        } else if (strchr("-._", *name) == NULL) {
            if (run >= CARD_DIGITS_MIN && run <= CARD_DIGITS_MAX) {
                return true;
            }
            run = 0;
        }
    }
    return run >= CARD_DIGITS_MIN && run <= CARD_DIGITS_MAX;
}

uint32_t jt_client_permissions(const struct jt_client_row *row)
{
    uint32_t permissions = row->spec.permissions & JT_MAY_ALL;
    if (row->terms_len == 0 && (permissions & JT_MAY_OPERATE) != 0) {
        permissions |= JT_MAY_AUDIT | JT_MAY_CLIENTS;
    }
    return permissions;
}

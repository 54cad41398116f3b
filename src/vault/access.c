/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/access.h"

#include <stdio.h>
#include <string.h>

/* The field of that name, or a new one; NULL: it is no name, or there is no room. */
static struct jt_field_access *field_of(struct jt_may *may, const char *name)
{
    for (size_t i = 0; i < may->n_fields; i++) {
        if (strcmp(may->fields[i].field, name) == 0) {
            return &may->fields[i];
        }
    }
    if (may->n_fields == JT_CLIENT_MAX_GRANTS || !jt_field_name_valid(name)) {
        return NULL;
    }
    struct jt_field_access *f = &may->fields[may->n_fields++];
    f->permissions = 0;
    memcpy(f->field, name, strlen(name) + 1);
    return f;
}

bool jt_may_add(struct jt_may *may, const char *text)
{
    size_t len = strcspn(text, ":");
    uint32_t bit = jt_permission_of(text, len);
    uint32_t *to = &may->everywhere;
    if (text[len] == ':') {
        struct jt_field_access *f =
            (bit & JT_MAY_IN_A_FIELD) != 0 ? field_of(may, text + len + 1) : NULL;
        to = f == NULL ? NULL : &f->permissions;
    }
    if (bit == 0 || to == NULL || (*to & bit) != 0) {
        return false;
    }
    *to |= bit;
    return true;
}

bool jt_may_nothing(const struct jt_may *may)
{
    return may->everywhere == 0 && may->n_fields == 0;
}

static void each_of(uint32_t permissions, const char *field, jt_permission_fn *each, void *arg)
{
    for (size_t i = 0; i < JT_N_PERMISSIONS; i++) {
        char text[JT_PERMISSION_TEXT_MAX + 1];
        if ((permissions & jt_permission_names[i].bit) != 0) {
            (void)snprintf(text, sizeof text, "%s%s%s", jt_permission_names[i].name,
                           *field == '\0' ? "" : ":", field);
            each(arg, text);
        }
    }
}

void jt_may_each(const struct jt_may *may, jt_permission_fn *each, void *arg)
{
    each_of(may->everywhere, "", each, arg);
    for (size_t i = 0; i < may->n_fields; i++) {
        each_of(may->fields[i].permissions, may->fields[i].field, each, arg);
    }
}

uint32_t jt_may_in(const struct jt_may *may, const char *field)
{
    uint32_t permissions = may->everywhere;
    for (size_t i = 0; i < may->n_fields; i++) {
        if (strcmp(may->fields[i].field, field) == 0) {
            permissions |= may->fields[i].permissions;
        }
    }
    return permissions;
}

bool jt_access_is_from(const struct jt_access *access, const struct jt_source *source)
{
    bool found = access->n_networks == 0;
    for (size_t i = 0; i < access->n_networks; i++) {
        found = found || jt_network_has(&access->networks[i], source);
    }
    return found;
}

/* Digests of certificates are no secret. */
bool jt_access_is_with(const struct jt_access *access, const uint8_t *digest)
{
    bool found = access->n_certs == 0;
    for (size_t i = 0; i < access->n_certs && digest != NULL; i++) {
        found = found || memcmp(access->certs[i], digest, JT_CERT_DIGEST_LEN) == 0;
    }
    return found;
}

uint32_t jt_access_bounded(const struct jt_access *access)
{
    uint32_t bounded = 0;
    for (size_t i = 0; i < access->n_budgets; i++) {
        bounded |= UINT32_C(1) << access->budgets[i].operation;
    }
    return bounded;
}

const struct jt_budget *jt_access_budget(const struct jt_access *access, uint32_t permission)
{
    for (size_t i = 0; i < access->n_budgets; i++) {
        if (UINT32_C(1) << access->budgets[i].operation == permission) {
            return &access->budgets[i];
        }
    }
    return NULL;
}

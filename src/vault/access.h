/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client may do and from where, with fields by name: as requests and answers say it, and as
 * a loop remembers it.
 *
 * As text a permission is the name of an operation, "tokenize", which holds in every field, or an
 * operation and a field, "tokenize:cards.pan". Administrative ones have no field.
 */
#ifndef JETON_VAULT_ACCESS_H
#define JETON_VAULT_ACCESS_H

#include "model/client.h"
#include "model/field.h"

struct jt_field_access {
    char field[JT_FIELD_NAME_MAX + 1];
    uint32_t permissions; /* of JT_MAY_IN_A_FIELD */
};

struct jt_may {
    uint32_t everywhere; /* enum jt_permission bits: in every field, or of none */
    uint8_t n_fields;
    struct jt_field_access fields[JT_CLIENT_MAX_GRANTS];
};

/* The longest text of a permission: an operation, a colon, the name of a field. */
#define JT_PERMISSION_TEXT_MAX (16 + JT_FIELD_NAME_MAX)

/* Adds a permission. False: it is none, it is there already, or there are too many fields. */
bool jt_may_add(struct jt_may *may, const char *text);

/* Whether there is nothing in it. */
bool jt_may_nothing(const struct jt_may *may);

typedef void jt_permission_fn(void *arg, const char *text);
/* Each permission as text. */
void jt_may_each(const struct jt_may *may, jt_permission_fn *each, void *arg);

/* What it allows in a field, and what it allows that has no field. */
uint32_t jt_may_in(const struct jt_may *may, const char *field);

/* Of a client whose key is good. */
struct jt_access {
    struct jt_may may;
    int64_t good_until_ms; /* by jt_clock_ms; 0: no end is in sight */
    uint8_t n_networks;    /* 0: from anywhere */
    struct jt_network networks[JT_CLIENT_MAX_NETWORKS];
    uint8_t n_certs; /* 0: with any certificate or none */
    uint8_t certs[JT_CLIENT_MAX_CERTS][JT_CERT_DIGEST_LEN];
    uint8_t n_budgets; /* 0: of everything as much as it likes */
    struct jt_budget budgets[JT_CLIENT_MAX_BUDGETS];
};

bool jt_access_is_from(const struct jt_access *access, const struct jt_source *source);

/* `digest`: of the certificate that the connection's other end owns; NULL: of none. */
bool jt_access_is_with(const struct jt_access *access, const uint8_t *digest);

/* The operations that have a budget, enum jt_permission bits. */
uint32_t jt_access_bounded(const struct jt_access *access);

/* The budget of an operation, enum jt_permission; NULL: there is none. */
const struct jt_budget *jt_access_budget(const struct jt_access *access, uint32_t permission);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who holds how much: one account for each address and each client that has something open with
 * one event loop.
 *
 * An account exists while somebody refers to it; all that is free is used again, so that in the
 * steady state nothing is allocated. Bytes are counted as they arrive, never as they are
 * announced. Limits are the caller's.
 */
#ifndef JETON_HTTP_ACCOUNTS_H
#define JETON_HTTP_ACCOUNTS_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define JT_ACCOUNT_NAME_MAX 64

struct jt_account {
    struct jt_account *next; /* of the same bucket, or free ones */
    size_t refs;
    size_t bytes; /* of bodies that have not been answered */
    size_t n_connections;
    uint8_t name_len;
    char name[JT_ACCOUNT_NAME_MAX];
};

struct jt_accounts {
    struct jt_account **buckets;
    size_t n_buckets; /* a power of two */
    struct jt_account *spare;
};

enum jt_err jt_accounts_init(struct jt_accounts *a) JT_CHECKED;
/* Only when no account is referred to any more. Harmless on zeroes. */
void jt_accounts_clear(struct jt_accounts *a);

/*
 * The account of `name` (at most JT_ACCOUNT_NAME_MAX bytes), with one more reference; NULL when
 * out of memory.
 */
struct jt_account *jt_accounts_get(struct jt_accounts *a, const void *name, size_t name_len);

/* Gives the reference back. NULL is accepted. */
void jt_accounts_put(struct jt_accounts *a, struct jt_account *account);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "http/accounts.h"

#include <stdlib.h>
#include <string.h>

#define N_BUCKETS 4096

enum jt_err jt_accounts_init(struct jt_accounts *a)
{
    *a = (struct jt_accounts){ .n_buckets = N_BUCKETS };
    a->buckets = calloc(a->n_buckets, sizeof(struct jt_account *));
    return a->buckets == NULL ? JT_ERR_NOMEM : JT_OK;
}

void jt_accounts_clear(struct jt_accounts *a)
{
    while (a->spare != NULL) {
        struct jt_account *next = a->spare->next;
        free(a->spare);
        a->spare = next;
    }
    free(a->buckets);
    *a = (struct jt_accounts){ 0 };
}

/*
 * FNV-1a. Who has many addresses could fill one bucket; the number of connections bounds how far,
 * and the walk is short beside the system calls that each of them costs.
 */
static size_t bucket_of(const struct jt_accounts *a, const uint8_t *name, size_t len)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < len; i++) {
        h = (h ^ name[i]) * 16777619u;
    }
    return (h ^ h >> 15) & (a->n_buckets - 1);
}

struct jt_account *jt_accounts_get(struct jt_accounts *a, const void *name, size_t name_len)
{
    struct jt_account **at = &a->buckets[bucket_of(a, name, name_len)], *account;
    for (account = *at; account != NULL; account = account->next) {
        if (account->name_len == name_len && memcmp(account->name, name, name_len) == 0) {
            account->refs++;
            return account;
        }
    }
    account = a->spare;
    if (account != NULL) {
        a->spare = account->next;
    } else {
        account = malloc(sizeof *account);
    }
    if (account != NULL) {
        *account = (struct jt_account){ .next = *at, .refs = 1, .name_len = (uint8_t)name_len };
        memcpy(account->name, name, name_len);
        *at = account;
    }
    return account;
}

void jt_accounts_put(struct jt_accounts *a, struct jt_account *account)
{
    if (account == NULL || --account->refs > 0) {
        return;
    }
    struct jt_account **at =
        &a->buckets[bucket_of(a, (const uint8_t *)account->name, account->name_len)];
    while (*at != account) {
        at = &(*at)->next;
    }
    *at = account->next;
    account->next = a->spare;
    a->spare = account;
}

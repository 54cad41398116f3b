/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Table client_budget: what of each client's quota is taken, by operation and day. Fronts reserve
 * parts of a quota here (vault/budgets.h) and give back what they did not use.
 *
 * Each call is one statement, whose rows it locks: two fronts that reserve at one time get parts of
 * their own.
 */
#ifndef JETON_STORE_BUDGETS_H
#define JETON_STORE_BUDGETS_H

#include "model/client.h"
#include "store/db.h"

#include <stddef.h>
#include <stdint.h>

/* Days that are kept, for whoever wants to look; today among them. */
#define JT_BUDGET_DAYS 31

/* Whose, of what, and when. */
struct jt_budget_part {
    char client[JT_CLIENT_ID_MAX + 1];
    uint32_t operation; /* as in struct jt_budget */
    uint32_t day;       /* since 1970 */
    uint64_t n;         /* items that are not used and go back */
};

/*
 * Gives back part->n, then reserves `want` items, or as many as the quota has left; none where it
 * has not `need` of them left. *granted: how many; *used: of all nodes, with these. After a failure
 * nobody knows whether they are reserved.
 */
enum jt_err jt_budget_reserve(struct jt_db *db, const struct jt_budget_part *part, uint64_t need,
                              uint64_t want, uint32_t quota, uint64_t *granted,
                              uint64_t *used) JT_CHECKED;

/* Gives all parts back. */
enum jt_err jt_budget_give_back(struct jt_db *db, const struct jt_budget_part *parts,
                                size_t n) JT_CHECKED;

/* Forgets days before the last JT_BUDGET_DAYS. */
enum jt_err jt_budget_prune(struct jt_db *db, uint32_t today) JT_CHECKED;

#endif

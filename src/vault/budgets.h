/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clients have left of their budgets (model/client_terms.h), for all threads of a front.
 *
 * The rate is a token bucket of this front (vault/bucket.h), full when the front starts. Where
 * several nodes serve, each keeps to its share of the rate.
 *
 * The quota counts over all nodes and restarts. A front reserves a part of it in the table
 * client_budget, a 64th and what the request at hand needs, and serves from that in memory: so a
 * client's row changes some dozen times a day, and never in a request's transaction. What is
 * reserved and not used goes back when the front stops, and is lost for the day when it crashes.
 * While the table cannot be reached what is reserved is used up.
 *
 * Nobody gets more than the quota. One who is refused can have had less, by what other nodes hold
 * reserved and what crashes lost: a 64th for each.
 *
 * A client's entry stays until the front stops; there are as many as clients with a budget.
 */
#ifndef JETON_VAULT_BUDGETS_H
#define JETON_VAULT_BUDGETS_H

#include "model/client_terms.h"
#include "vault/workers.h"

struct jt_budgets;

enum jt_err jt_budgets_new(struct jt_budgets **out) JT_CHECKED;
/* NULL is accepted. */
void jt_budgets_free(struct jt_budgets *b);

/* Among how many live nodes rates are shared; 1 until it is called. */
void jt_budgets_share(struct jt_budgets *b, uint32_t n_nodes);

/* Two clocks: jt_clock_us, and seconds since 1970. */
struct jt_budget_time {
    int64_t us, unix_s;
};
struct jt_budget_time jt_budget_now(void);

/* How a client stands. What is said of a part of the budget that is 0 means nothing. */
struct jt_budget_standing {
    uint32_t rate; /* of this node */
    uint32_t rate_left;
    uint32_t rate_full_s; /* until the whole rate is there again */
    bool quota_known;     /* the table was asked today */
    uint64_t quota_left;  /* as the table said last: other nodes may have had some since */
    uint32_t day_ends_s;
};

enum jt_budget_verdict {
    JT_BUDGET_TAKEN,
    JT_BUDGET_RESERVE, /* nothing is taken: to be asked again after jt_budgets_reserve */
    JT_BUDGET_RATE,    /* nothing is taken: too many for now */
    JT_BUDGET_QUOTA,   /* nothing is taken: too many for today */
    JT_BUDGET_NEVER,   /* nothing is taken: more than the quota of any day */
    JT_BUDGET_NOMEM,   /* nothing is taken: there is no memory to count it in */
};

/*
 * Takes n items, at least 1, all or none. *retry_s: with JT_BUDGET_RATE and JT_BUDGET_QUOTA, when
 * it is worth another attempt.
 */
enum jt_budget_verdict jt_budgets_take(struct jt_budgets *b, const char *client,
                                       const struct jt_budget *budget, uint32_t n,
                                       struct jt_budget_time now, uint32_t *retry_s);

/* Puts back what was taken and not served. */
void jt_budgets_put_back(struct jt_budgets *b, const char *client, const struct jt_budget *budget,
                         uint32_t n, struct jt_budget_time taken, struct jt_budget_time now);

void jt_budgets_look(struct jt_budgets *b, const char *client, const struct jt_budget *budget,
                     struct jt_budget_time now, struct jt_budget_standing *out);

/*
 * Reserves room for n items in the table, unless there is room meanwhile. JT_OK, also when the
 * quota has not so much left; else the table cannot be reached. On a worker. The log has a line
 * when four fifths of a quota are taken.
 */
enum jt_err jt_budgets_reserve(struct jt_budgets *b, struct jt_work_ctx *ctx, const char *client,
                               const struct jt_budget *budget, uint32_t n,
                               struct jt_budget_time now) JT_CHECKED;

/* Gives back what is not used, at the end. What fails is told to the log. */
void jt_budgets_give_back(struct jt_budgets *b, struct jt_work_ctx *ctx);

#endif

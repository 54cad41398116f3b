/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A background duty of jetond: something that is to be done again and again beside the requests,
 * such as keeping this node's place (vault/membership.h) or retiring a generation
 * (vault/retirement.h).
 *
 * A duty is a step, which does a little and says when it wants to come again. It never sleeps
 * itself, so that the duty can be stopped between any two steps. Each duty has a thread of its own:
 * one that takes long holds up no other. What a step works with (a struct jt_work_ctx, as a rule)
 * is its owner's.
 */
#ifndef JETON_VAULT_DUTY_H
#define JETON_VAULT_DUTY_H

#include "base/err.h"

#include <stdbool.h>

/* When a step wants to come again. */
struct jt_again {
    int ms; /* after so long; negative: never more */
    /*
     * Or as soon as there is news (jt_duty_nudge). Not set where the time is a pause that is owed:
     * to a rate that is kept, or to whoever holds what was found taken.
     */
    bool on_news;
};

#define JT_DUTY_NEVER_AGAIN ((struct jt_again){ .ms = -1 })

typedef struct jt_again jt_duty_step_fn(void *arg);

struct jt_duty;

/* JT_ERR_NOMEM: no thread. The first step follows at once. */
enum jt_err jt_duty_start(jt_duty_step_fn *step, void *arg, struct jt_duty **out) JT_CHECKED;

/* Returns after the step that is under way. NULL is accepted. */
void jt_duty_stop(struct jt_duty *duty);

/* There is news: a step that waits for it comes now. Any thread. */
void jt_duty_nudge(struct jt_duty *duty);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/course.h"

#include "vault/membership.h"
#include "vault/vault.h"

void jt_front_course_init(struct jt_front_course *course)
{
    *course = (struct jt_front_course){ .why = JT_OK };
    pthread_mutex_init(&course->showing, NULL);
    pthread_mutex_init(&course->mutex, NULL);
}

void jt_front_course_clear(struct jt_front_course *course)
{
    pthread_mutex_destroy(&course->mutex);
    pthread_mutex_destroy(&course->showing);
}

void jt_front_course_taken(struct jt_vault *vault, const struct jt_course *now)
{
    struct jt_front_course *c = &vault->course;
    pthread_mutex_lock(&c->mutex);
    c->seen = *now;
    pthread_mutex_unlock(&c->mutex);
    atomic_store(&c->why, JT_OK);
}

void jt_front_course_refused(struct jt_vault *vault, enum jt_err why, const struct jt_course *now)
{
    struct jt_front_course *c = &vault->course;
    pthread_mutex_lock(&c->mutex);
    c->refused = *now;
    pthread_mutex_unlock(&c->mutex);
    atomic_store(&c->why, (int)why);
}

enum jt_err jt_front_course_why(struct jt_vault *vault)
{
    return (enum jt_err)atomic_load(&vault->course.why);
}

bool jt_front_course_follows(struct jt_vault *vault, const struct jt_course *now)
{
    struct jt_front_course *c = &vault->course;
    pthread_mutex_lock(&c->mutex);
    bool follows = jt_course_follows(&c->seen, now) == JT_OK;
    pthread_mutex_unlock(&c->mutex);
    return follows;
}

uint64_t jt_front_course_own(struct jt_vault *vault)
{
    struct jt_front_course *c = &vault->course;
    pthread_mutex_lock(&c->mutex);
    uint64_t own = c->seen.renewals[atomic_load(&vault->number)];
    pthread_mutex_unlock(&c->mutex);
    return own;
}

bool jt_front_course_fits(void *arg, const struct jt_course *now)
{
    struct jt_vault *vault = arg;
    struct jt_front_course *c = &vault->course;
    pthread_mutex_lock(&c->mutex);
    /* a later timeline is the keeper's to judge */
    bool same = !jt_course_known(&c->seen) || now->timeline == c->seen.timeline;
    bool fits = same && jt_course_follows(&c->seen, now) == JT_OK;
    pthread_mutex_unlock(&c->mutex);
    if (!fits && vault->membership != NULL) {
        jt_membership_nudge(vault);
    }
    return fits;
}

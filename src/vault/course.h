/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this front knows of the database's course (model/course.h): the last that its keeper has
 * taken, and whether it refuses the present one.
 *
 * The keeper decides. It is shown the course with the ring, by every refresh and so once a second
 * (vault/refresh.h). Between two of them the front looks for itself at every new connection of a
 * lane, before anything is sent on it: so nothing is committed to, or answered from, a server that
 * took over with less. Connections of workers and duties are not looked at: what they write they
 * write behind a refresh, and the lease's renewal raises no count that is behind.
 */
#ifndef JETON_VAULT_COURSE_H
#define JETON_VAULT_COURSE_H

#include "model/course.h"

#include <pthread.h>
#include <stdatomic.h>

struct jt_vault;

/* Part of struct jt_vault; any thread. */
struct jt_front_course {
    pthread_mutex_t showing; /* held from reading a ring until the keeper was shown it */
    uint64_t followed;       /* under it: the epoch up to which the keeper was shown recoveries */
    pthread_mutex_t mutex;   /* of the two that follow */
    struct jt_course seen, refused; /* refused: the last one that was */
    _Atomic int why;                /* enum jt_err: the keeper refuses ring or course; JT_OK */
};

void jt_front_course_init(struct jt_front_course *course);
void jt_front_course_clear(struct jt_front_course *course);

/* The keeper has taken it, or refuses it, or the ring that came with it. */
void jt_front_course_taken(struct jt_vault *vault, const struct jt_course *now);
void jt_front_course_refused(struct jt_vault *vault, enum jt_err why, const struct jt_course *now);

/* JT_OK, or why no card is served: of jt_course_is_reason, or JT_ERR_WENT_BACK. */
enum jt_err jt_front_course_why(struct jt_vault *vault) JT_CHECKED;

/* Whether it may be what the last one that was taken has become. */
bool jt_front_course_follows(struct jt_vault *vault, const struct jt_course *now);

/* How often this node's number had renewed its lease in the last one that was taken. */
uint64_t jt_front_course_own(struct jt_vault *vault);

/*
 * A connection's look at the server that it has reached: whether it may be worked with. Where not,
 * the membership looks at once. `arg` is the vault (store/pipe.h).
 */
bool jt_front_course_fits(void *arg, const struct jt_course *now);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the keeper remembers of its database's course (model/course.h), and what it refuses because
 * of it.
 *
 * It is shown the course with the ring, once a second and before anything is served anew. One that
 * cannot be what the last one has become is refused: until a course is shown that can, or two
 * custodians have recovered (keeper/recovery.h), the keeper accepts no ring, proposes none, and
 * mints no id. What it remembers does not move meanwhile.
 *
 * Every log grows. So once one was shown that ends too early, its length proves nothing any more:
 * nothing of that timeline is accepted then but by a recovery, whatever restarts in between.
 *
 * The course is kept in memory. It reaches the state file with whatever is saved anyway, which is
 * at least once a minute because of the mark of the ids; at once where cluster or timeline are new,
 * or where a course is refused; and at the clean end. So it costs no sync of its own. A keeper that
 * is killed may forget the last minute of it; the others do not.
 */
#ifndef JETON_KEEPER_COURSE_H
#define JETON_KEEPER_COURSE_H

#include "keeper/keeper.h"

/* What stands in the way of everything that a refused course forbids; JT_OK: nothing does. */
enum jt_err jt_course_standing(const struct jt_keeper *k) JT_CHECKED;

/*
 * Whether `now` may be what the keeper has seen: JT_OK or a reason of jt_course_follows. Notes
 * nothing.
 */
enum jt_err jt_course_judge(const struct jt_keeper *k, const struct jt_course *now) JT_CHECKED;

/*
 * Looks at the course of the database as it is now. JT_ERR_INVALID: it is none, and the reasons of
 * jt_course_follows: it is refused from now on.
 */
enum jt_err jt_course_look(struct jt_keeper *k, const struct jt_course *now) JT_CHECKED;

/*
 * Remembers a course that was looked at, once the ring that it came with is accepted: so what a
 * request of a recovery is bound to does not move while anything is refused.
 */
enum jt_err jt_course_note(struct jt_keeper *k, const struct jt_course *now) JT_CHECKED;

/*
 * Makes what is remembered durable, where it is not: whatever refuses the database, a restart must
 * not change what a request of a recovery is bound to.
 */
enum jt_err jt_course_keep(struct jt_keeper *k) JT_CHECKED;

/* The clean end. */
bool jt_course_unsaved(const struct jt_keeper *k);

#endif

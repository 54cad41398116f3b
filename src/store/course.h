/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The course of the database (model/course.h): read in one statement with the ring, and by a pipe
 * as soon as it is connected. The counts of renewals are raised by store/nodes.h.
 */
#ifndef JETON_STORE_COURSE_H
#define JETON_STORE_COURSE_H

#include "model/course.h"
#include "model/ring.h"
#include "store/db.h"

struct jt_row;

/* A query of one row with the four columns that jt_course_take reads. */
extern const char jt_course_query[];

/*
 * Reads the columns from `column` on. JT_ERR_DB_PASSING: the server is a standby, which has no
 * course yet.
 */
enum jt_err jt_course_take(struct jt_row *row, int column, struct jt_course *out) JT_CHECKED;

/* The ring row as of jt_ring_read (store/ring.h), with the course at that moment. */
enum jt_err jt_course_read(struct jt_db *db, struct jt_ring_row *ring,
                           struct jt_course *out) JT_CHECKED;

#endif

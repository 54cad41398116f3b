/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The course of a database (model/course.h) in messages and in the state file: u64 system
 * identifier, u32 timeline, u64 end of the log, and the renewals by node number.
 *
 * Numbers by node number: u8 n, then n times u8 node number and u64, ascending by number and none
 * of them 0.
 */
#ifndef JETON_WIRE_COURSE_H
#define JETON_WIRE_COURSE_H

#include "base/buf.h"
#include "model/course.h"

void jt_by_number_encode(const uint64_t values[static 256], struct jt_buf *out);
/* Marks `in` bad unless canonical. What it does not name is 0. */
void jt_by_number_decode(struct jt_reader *in, uint64_t values[static 256]);

void jt_course_encode(const struct jt_course *course, struct jt_buf *out);
/* JT_ERR_PROTOCOL; leaves what follows unread. */
enum jt_err jt_course_decode(struct jt_reader *in, struct jt_course *course) JT_CHECKED;

#endif

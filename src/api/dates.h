/* SPDX-License-Identifier: Apache-2.0 */
/* The ends of lifetimes in bodies and answers: RFC 3339, by the database's clock. */
#ifndef JETON_API_DATES_H
#define JETON_API_DATES_H

#include "api/api.h"
#include "api/problem.h"
#include "model/lifetime.h"

#include <jansson.h>

/*
 * Takes a member `expires_at` for a field with this maximum (seconds; 0: none). NULL stands for one
 * that is absent: then the field's maximum decides. NONE when it is good.
 */
enum jt_problem_type jt_date_take(json_t *value, uint64_t now_us, uint32_t max_s, uint64_t *out);

/*
 * Microseconds since 1970 of a text that jt_text_is_time_or_empty takes and that is not empty; 1
 * for what lies before 1970.
 */
uint64_t jt_date_of(const char *text);
#define JT_DATE_TEXT 41 /* bytes, with the NUL: as much as such a text has */

/* What the database's clock says now, as far as this front knows. */
uint64_t jt_date_now_us(const struct jt_vault *vault);

/* Writes the date as a text, or null where there is none. */
void jt_date_write(struct jt_buf *out, const char *name, uint64_t us);

#endif

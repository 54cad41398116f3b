/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions by which records are chosen: "REC-TYPE=C", "REC-TYPE!=T", "REC-TYPE=A,B".
 *
 * All conditions must hold. One whose item is in a record (a 01) of the copybook that has places
 * chooses the places of that record only, so that several kinds of records can be told apart; any
 * other chooses for all. A name that several records with places have is a condition of each.
 *
 * A value is compared as the place's type has it: characters without padding, numbers without
 * leading zeroes and sign. What cannot be read is like no value.
 */
#ifndef JETON_BATCH_PLANWHEN_H
#define JETON_BATCH_PLANWHEN_H

#include "batch/plan.h"

/* Places are there already. JT_ERR_INVALID with *trouble; JT_ERR_NOMEM. */
enum jt_err jt_planwhen_take(struct jt_record_plan *plan, const struct jt_format_spec *spec,
                             struct jt_trouble *trouble) JT_CHECKED;

void jt_planwhen_clear(struct jt_record_plan *plan);

/* Whether conditions let the place be replaced in this record. */
bool jt_planwhen_holds(const struct jt_record_plan *plan, size_t place, const uint8_t *data,
                       size_t len);

#endif

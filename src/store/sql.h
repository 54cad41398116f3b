/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of SQL text that several statements share, and the model's numbers by name. */
#ifndef JETON_STORE_SQL_H
#define JETON_STORE_SQL_H

#include "model/generation.h"
#include "model/set.h"

#define JT_SQL_NUMBER(macro)  JT_SQL_DIGITS(macro)
#define JT_SQL_DIGITS(digits) #digits

/* States of generations, kinds of sets; those of retirements: store/retirement_columns.h. */
#define JT_SQL_FUTURE    JT_SQL_NUMBER(JT_STATE_FUTURE)
#define JT_SQL_ACTIVE    JT_SQL_NUMBER(JT_STATE_ACTIVE)
#define JT_SQL_DRAINING  JT_SQL_NUMBER(JT_STATE_DRAINING)
#define JT_SQL_RETIRED   JT_SQL_NUMBER(JT_STATE_RETIRED)
#define JT_SQL_DESTROYED JT_SQL_NUMBER(JT_STATE_DESTROYED)
#define JT_SQL_CLIENTS   JT_SQL_NUMBER(JT_SET_KIND_CLIENTS)
#define JT_SQL_FIELDS    JT_SQL_NUMBER(JT_SET_KIND_FIELDS)

/* A timestamptz expression as RFC 3339 UTC text of JT_TIME_LEN; NULL stays NULL. */
#define JT_SQL_TIME(at) "to_char(" at " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"

#endif

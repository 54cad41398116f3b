/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The columns of a retirement's facts, for the two statements that give them: the one that records
 * them (store/ring_change.c) and the one that reads the job (store/retirements.c).
 */
#ifndef JETON_STORE_RETIREMENT_COLUMNS_H
#define JETON_STORE_RETIREMENT_COLUMNS_H

#include "store/columns.h"
#include "store/retirements.h"
#include "store/sql.h"

/* Known from the request on. */
#define JT_RETIREMENT_START(FIRST, NEXT, t)              \
    FIRST(TEXT, JT_SQL_TIME(t "started_at"), started_at) \
    NEXT(TEXT, t "actor", actor)

/* Known when it is retired. */
#define JT_RETIREMENT_FACTS(FIRST, NEXT, t)                           \
    FIRST(U63, t "rows_written", rows_written)                        \
    NEXT(U63, t "rows_moved_in", rows_moved_in)                       \
    NEXT(U63, t "rows_moved_out", rows_moved_out)                     \
    NEXT(U63, "coalesce(" t "rows_deleted, 0)", rows_deleted)         \
    NEXT(U63, "coalesce(" t "rows_written_off, 0)", rows_written_off) \
    NEXT(U63, t "rows_left", rows_left)                               \
    NEXT(LSN, t "lsn", lsn)                                           \
    NEXT(U31, t "timeline", timeline)                                 \
    NEXT(RAW64, t "system_identifier", system_identifier)             \
    NEXT(U63, t "epoch", epoch)                                       \
    NEXT(TEXT, JT_SQL_TIME(t "retired_at"), retired_at)               \
    NEXT(TEXT, t "node", node)

/* States of a job. */
#define JT_SQL_JOB_DRAINING  JT_SQL_NUMBER(JT_RETIREMENT_STATE_DRAINING)
#define JT_SQL_JOB_RETIRED   JT_SQL_NUMBER(JT_RETIREMENT_STATE_RETIRED)
#define JT_SQL_JOB_CERTIFIED JT_SQL_NUMBER(JT_RETIREMENT_STATE_CERTIFIED)

void jt_retirement_start_read(struct jt_row *row, int column, struct jt_retirement_facts *out);
void jt_retirement_facts_read(struct jt_row *row, int column, struct jt_retirement_facts *out);

#endif

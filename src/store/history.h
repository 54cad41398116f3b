/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which database this is, as SQL text: its cluster, and the timeline of what it writes. The control
 * file's timeline lags behind after a promotion; that of the log does not. None of these functions
 * needs a privilege; on a standby those about the log fail.
 */
#ifndef JETON_STORE_HISTORY_H
#define JETON_STORE_HISTORY_H

#define JT_SQL_SYSTEM_IDENTIFIER "(SELECT c.system_identifier FROM pg_control_system() c)"
#define JT_SQL_TIMELINE_AT(lsn)  "('x' || left(pg_walfile_name(" lsn "), 8))::bit(32)::int4"
#define JT_SQL_TIMELINE          JT_SQL_TIMELINE_AT("pg_current_wal_insert_lsn()")

#endif

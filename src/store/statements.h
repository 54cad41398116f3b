/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SQL of every statement that touches a card or stands in a transaction that does. Pipes
 * prepare all of them when they connect; blocking connections send the same text. Nothing else in
 * the program reads or writes table `card`.
 *
 * Parameters are listed beside each in statements.c; cards_*.c bind them.
 */
#ifndef JETON_STORE_STATEMENTS_H
#define JETON_STORE_STATEMENTS_H

#include <stdbool.h>

enum jt_statement {
    JT_SQL_BEGIN,
    JT_SQL_RING_LOCK,
    JT_SQL_TOKENIZE,
    JT_SQL_TOKENIZE_ALONE,
    JT_SQL_TOKENIZE_NUMERIC,
    JT_SQL_NUMERIC_LOCK,
    JT_SQL_NUMERIC_COUNT,
    JT_SQL_FIND_CARDS,
    JT_SQL_AUDIT,
    JT_SQL_READ_CARDS,
    JT_SQL_READ_NUMERIC,
    JT_SQL_LOOK_UP_CARDS,
    JT_SQL_FIND_STRAYS,
    JT_SQL_MOVE_CARDS,
    JT_SQL_DELETE_CARDS,
    JT_SQL_DELETE_CARDS_ONCE,
    JT_SQL_DELETE_EXPIRED,
    JT_SQL_PURGE_CARDS,
    JT_SQL_DELETE_LOST,
    JT_SQL_FIND_EXPIRED,
    JT_SQL_LENGTHEN_CARDS,
    JT_SQL_ONCE_RELEASE,
    JT_SQL_ONCE_OLD,
    JT_SQL_ONCE_NEW,
    JT_SQL_ONCE_TAKE,
    JT_SQL_ONCE_KNOWN,
    JT_SQL_ONCE_CARDS,
    JT_SQL_ONCE_ACT,
    JT_SQL_ONCE_EXPIRE,
    JT_SQL_END_SESSION,
    JT_SQL_FIND_LINK,
    JT_SQL_COMMIT,
    JT_SQL_STRAGGLERS,
    JT_SQL_CUT,
    JT_SQL_STUCK,
    JT_SQL_MEND_CARD,
    JT_SQL_WRITE_OFF,
    JT_SQL_NEWEST,
    JT_SQL_KEY_IDS,
    JT_SQL_UNUSED,
    JT_N_SQL,
};

struct jt_statement_text {
    const char *name;
    const char *sql;
    bool returns_rows;
};

extern const struct jt_statement_text jt_statements[JT_N_SQL];

#endif

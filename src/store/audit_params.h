/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How audit rows are written, for the verbs whose transaction they stand in: cards (JT_SQL_TOKENIZE
 * has them in its own statement), reads (JT_SQL_AUDIT) and administrative acts (the same).
 *
 * There is one builder, jt_audit_params. When the trail becomes a chain, the node's next head is
 * made there from these rows and the head before, and goes as one more parameter behind the arrays;
 * the two statements that take them (AUDIT_INTO in store/statements.c) store it with the rows.
 */
#ifndef JETON_STORE_AUDIT_PARAMS_H
#define JETON_STORE_AUDIT_PARAMS_H

#include "store/audit.h"
#include "store/params.h"

/*
 * Appends the seven arrays that both statements take: clients, actions, fields, items, done, ids,
 * objects. The node is a parameter of its own before them.
 */
void jt_audit_params(struct jt_params *p, const struct jt_audit *audit);

/* All parameters of JT_SQL_AUDIT. */
void jt_audit_statement(struct jt_params *p, const struct jt_audit *audit);

/* Runs JT_SQL_AUDIT inside an open transaction. */
enum jt_err jt_audit_write(struct jt_db *db, const struct jt_audit *audit) JT_CHECKED;

/*
 * Writes the row of an administrative act inside its open transaction. Whatever the server has
 * against it is JT_ERR_DB_FAULT: what the act itself may be refused for must stay tellable.
 */
enum jt_err jt_audit_act(struct jt_db *db, const struct jt_act *act, enum jt_audit_action action,
                         uint32_t field, const char *object) JT_CHECKED;
/* The same where the object is a generation. */
enum jt_err jt_audit_act_on(struct jt_db *db, const struct jt_act *act, enum jt_audit_action action,
                            uint64_t generation) JT_CHECKED;

#endif

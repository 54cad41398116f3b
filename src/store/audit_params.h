/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How audit rows are written, for the verbs whose transaction they stand in: cards (JT_SQL_TOKENIZE
 * has them in its own statement), reads (JT_SQL_AUDIT) and administrative acts (the same).
 *
 * There is one builder, jt_audit_params, for the two statements that store them (AUDIT_INTO in
 * store/statements.c).
 */
#ifndef JETON_STORE_AUDIT_PARAMS_H
#define JETON_STORE_AUDIT_PARAMS_H

#include "store/audit.h"
#include "store/params.h"

/*
 * Appends what both statements take: of the link start, connection, number, time and head; then the
 * arrays clients, actions, fields, items, done, ids, objects, results, requests, sources.
 */
void jt_audit_params(struct jt_params *p, const struct jt_audit *audit);

/* Runs JT_SQL_AUDIT inside an open transaction. */
enum jt_err jt_audit_put(struct jt_db *db, const struct jt_audit *audit) JT_CHECKED;

/*
 * The same with the next link of the connection's own chain, which jt_db_end takes over. Several
 * calls in one transaction are as many links.
 */
enum jt_err jt_audit_write(struct jt_db *db, const struct jt_audit_row *rows, size_t n) JT_CHECKED;

/*
 * Writes the row of an administrative act inside its open transaction. Whatever the server has
 * against it is JT_ERR_DB_FAULT: what the act itself may be refused for must stay tellable.
 */
enum jt_err jt_audit_act(struct jt_db *db, const struct jt_act *act, enum jt_audit_action action,
                         uint32_t field, const char *object) JT_CHECKED;
/* The same where the object is a generation, which is remembered for the connection's claim. */
enum jt_err jt_audit_act_on(struct jt_db *db, const struct jt_act *act, enum jt_audit_action action,
                            uint64_t generation) JT_CHECKED;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* How audit rows are written, for the verbs whose transaction they stand in. */
#ifndef JETON_STORE_AUDIT_PARAMS_H
#define JETON_STORE_AUDIT_PARAMS_H

#include "store/audit.h"
#include "store/params.h"

/*
 * Appends the seven arrays of JT_SQL_AUDIT and JT_SQL_TOKENIZE: clients, actions, fields, items,
 * done, ids, objects.
 */
void jt_audit_params(struct jt_params *p, const struct jt_audit_row *rows, size_t n);

/*
 * Writes the row of an administrative act inside its open transaction. Whatever the server has
 * against it is JT_ERR_PROTOCOL: what the act itself may be refused for must stay tellable.
 */
enum jt_err jt_audit_act(struct jt_db *db, const struct jt_act *act, enum jt_audit_action action,
                         uint32_t field, const char *object) JT_CHECKED;
/* The same where the object is a generation. */
enum jt_err jt_audit_act_on(struct jt_db *db, const struct jt_act *act, enum jt_audit_action action,
                            uint64_t generation) JT_CHECKED;

#endif

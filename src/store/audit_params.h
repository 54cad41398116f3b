/* Audit rows as the array parameters of JT_SQL_AUDIT and JT_SQL_AUDIT_IN_RING. */
#ifndef JETON_STORE_AUDIT_PARAMS_H
#define JETON_STORE_AUDIT_PARAMS_H

#include "store/audit.h"
#include "store/params.h"

/* Appends the seven arrays: clients, actions, fields, items, done, tokens, objects. */
void jt_audit_params(struct jt_params *p, const struct jt_audit_row *rows, size_t n);

#endif

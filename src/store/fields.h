/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Field definitions: rows MACed by a keeper (model/field.h), never deleted; trusted as vault/sets.h
 * says.
 */
#ifndef JETON_STORE_FIELDS_H
#define JETON_STORE_FIELDS_H

#include "store/audit.h"
#include "model/field.h"

/*
 * With its set row and its audit row, in one transaction. JT_ERR_FIELD_EXISTS when the name or id
 * is taken; JT_ERR_SET_OLD when the set has changed since the keeper made the rows.
 */
enum jt_err jt_field_insert(struct jt_db *db, const struct jt_field_change *change,
                            const struct jt_act *act) JT_CHECKED;

/*
 * The same for a row that changes; `action` says how. Where it is about its column, what was
 * counted there goes with it. JT_ERR_NO_FIELD: there is no row of its id.
 */
enum jt_err jt_field_update(struct jt_db *db, const struct jt_field_change *change,
                            enum jt_audit_action action, const struct jt_act *act) JT_CHECKED;

#endif

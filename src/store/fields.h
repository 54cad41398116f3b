/* Field definitions: rows MACed by a keeper (wire/field.h). */
#ifndef JETON_STORE_FIELDS_H
#define JETON_STORE_FIELDS_H

#include "store/audit.h"
#include "wire/field.h"

/* The id that the next field should get: 1 + the highest. Two creators may see the same: the loser's insert fails. */
enum jt_err jt_field_next_id(struct jt_db *db, uint32_t *out) JT_CHECKED;
/* With its audit row. JT_ERR_CONFLICT when the name or id is taken. */
enum jt_err jt_field_insert(struct jt_db *db, const struct jt_field_row *row, const struct jt_act *act) JT_CHECKED;
enum jt_err jt_field_get(struct jt_db *db, const char *name, struct jt_field_row *out) JT_CHECKED;

typedef void jt_field_fn(void *arg, const struct jt_field_row *row);
enum jt_err jt_fields_list(struct jt_db *db, jt_field_fn *each, void *arg) JT_CHECKED;

#endif

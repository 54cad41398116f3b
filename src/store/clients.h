/*
 * API clients: rows MACed by a keeper (wire/client.h). Nothing here is secret, nothing here is trusted before the
 * keeper checked it.
 */
#ifndef JETON_STORE_CLIENTS_H
#define JETON_STORE_CLIENTS_H

#include "store/audit.h"
#include "wire/client.h"

/* With its audit row. JT_ERR_CONFLICT when the id is taken. */
enum jt_err jt_client_insert(struct jt_db *db, const struct jt_client_row *row, const struct jt_act *act) JT_CHECKED;
/* JT_ERR_NOT_FOUND. */
enum jt_err jt_client_get(struct jt_db *db, const char *id, struct jt_client_row *out) JT_CHECKED;

#endif

/* A client row as the parameters of its INSERT, which also stands in the transaction of jt_ring_first. */
#ifndef JETON_STORE_CLIENT_PARAMS_H
#define JETON_STORE_CLIENT_PARAMS_H

#include "store/params.h"
#include "wire/client.h"

extern const char jt_client_insert_sql[];

/* Initialises `p`. */
void jt_client_params(struct jt_params *p, const struct jt_client_row *row, const char *actor);

#endif

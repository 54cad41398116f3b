/* SPDX-License-Identifier: Apache-2.0 */
/* The columns of a node's row, as the keeper MACs it: the same in `node` and `node_number`. */
#ifndef JETON_STORE_NODE_COLUMNS_H
#define JETON_STORE_NODE_COLUMNS_H

#include "model/node.h"
#include "store/columns.h"

#define JT_NODE_ROW(FIRST, NEXT, t)               \
    FIRST(TEXT, t "name", spec.name)              \
    NEXT(U8, t "number", spec.number)             \
    NEXT(UUID, t "incarnation", spec.incarnation) \
    NEXT(UUID, t "keeper_incarnation", keeper)    \
    NEXT(U63, t "id_mark", id_mark)               \
    NEXT(U63, t "mac_epoch", mac_epoch)           \
    NEXT(FIXED, t "mac", mac)

#define JT_NODE_COLUMNS JT_COLUMNS(JT_NODE_ROW, "")

/*
 * Whether the lease of a row of `node` runs. One that reaches much further than any may is none:
 * the server's clock was set back, or a stranger's hand would keep the row there for ever.
 */
#define JT_SQL_LEASED(t)                                                                \
    "(" t "lease_until > clock_timestamp() AND " t "lease_until < clock_timestamp() + " \
    "2 * interval '" JT_SQL_NUMBER(JT_NODE_LEASE_MAX_S) " s')"

/* store/node_list.c */
struct jt_row;
void jt_node_row_read(struct jt_row *row, int column, struct jt_node_row *out);
void jt_node_row_put(struct jt_params *p, const struct jt_node_row *row);

/*
 * Inside an open transaction that has removed a row of `node`, all of whose columns it RETURNs:
 * the number's last row, over an older one. Statements are "WITH gone AS (DELETE ... RETURNING *) "
 * JT_SQL_RELEASE.
 */
#define JT_SQL_RELEASE                                                                     \
    "INSERT INTO node_number (" JT_NODE_COLUMNS ", released_at) "                          \
    "SELECT " JT_NODE_COLUMNS ", now() FROM gone "                                         \
    "ON CONFLICT (number) DO UPDATE SET (" JT_NODE_COLUMNS ", released_at) = "             \
    "(excluded.name, excluded.number, excluded.incarnation, excluded.keeper_incarnation, " \
    "excluded.id_mark, excluded.mac_epoch, excluded.mac, excluded.released_at)"

#endif

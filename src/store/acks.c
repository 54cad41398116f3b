/* SPDX-License-Identifier: Apache-2.0 */
#include "store/acks.h"

#include "store/columns.h"
#include "store/query.h"

#define ACK(FIRST, NEXT, t)                  \
    FIRST(TEXT, t "node", node)              \
    NEXT(UUID, t "incarnation", incarnation) \
    NEXT(FIXED, t "challenge", challenge)    \
    NEXT(FIXED, t "mac", mac)

#define ACK_COLUMNS JT_COLUMNS(ACK, "")

static JT_COLUMNS_PUTTER(put_ack, ACK, 4, struct jt_ack);

enum jt_err jt_ack_insert(struct jt_db *db, uint64_t generation, const struct jt_ack *ack)
{
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, generation);
    put_ack(&p, ack);
    return jt_db_insert_one(
        db,
        "INSERT INTO key_ack (generation, " ACK_COLUMNS ") VALUES (" JT_SQL_5_PARAMS ") "
        "ON CONFLICT (generation, node) DO UPDATE SET incarnation = excluded.incarnation, "
        "challenge = excluded.challenge, mac = excluded.mac, at = excluded.at",
        &p);
}

#include "store/clients.h"

#include "store/audit_params.h"
#include "store/client_insert.h"
#include "store/query.h"

#include <string.h>

enum jt_err jt_client_insert_row(struct jt_db *db, const struct jt_client_row *row, const struct jt_act *act)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, row->spec.id);
    jt_params_u31(&p, row->spec.permissions);
    jt_params_bytes(&p, row->secret_mac, sizeof row->secret_mac);
    jt_params_u63(&p, row->mac_epoch);
    jt_params_bytes(&p, row->mac, sizeof row->mac);
    jt_params_text(&p, act->actor);
    enum jt_err err = jt_db_change_one(db,
                                       "INSERT INTO client (id, permissions, secret_mac, mac_epoch, mac, created_by) "
                                       "VALUES ($1, $2, $3, $4, $5, $6)",
                                       &p);
    return err == JT_OK ? jt_audit_act(db, act, JT_AUDIT_CLIENT_ADD, 0, row->spec.id) : err;
}

enum jt_err jt_client_insert(struct jt_db *db, const struct jt_client_row *row, const struct jt_act *act)
{
    enum jt_err err = jt_db_begin(db);
    if (err != JT_OK) {
        return err;
    }
    return jt_db_end(db, jt_client_insert_row(db, row, act));
}

enum jt_err jt_client_get(struct jt_db *db, const char *id, struct jt_client_row *out)
{
    memset(out, 0, sizeof *out);
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, id);
    PGresult *res;
    err = jt_db_query_one(db, "SELECT id, permissions, secret_mac, mac_epoch, mac FROM client WHERE id = $1", &p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        jt_row_text(&row, 0, out->spec.id, sizeof out->spec.id);
        out->spec.permissions = jt_row_u31(&row, 1);
        jt_row_fixed(&row, 2, out->secret_mac, sizeof out->secret_mac);
        out->mac_epoch = jt_row_u63(&row, 3);
        jt_row_fixed(&row, 4, out->mac, sizeof out->mac);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

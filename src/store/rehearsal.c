/* SPDX-License-Identifier: Apache-2.0 */
#include "store/rehearsal.h"

#include "base/clock.h"
#include "base/random.h"
#include "store/audit_params.h"
#include "store/cards.h"
#include "store/chain.h"
#include "store/query.h"
#include "store/ring.h"
#include "store/ring_rule.h"
#include "store/statements.h"
#include "store/tally.h"

#include <stdio.h>

#define ROLE_PLAYED "rehearsal" /* in the audit row that never stands */
/* Ids of the first millisecond that there was an id for: nobody has minted one. */
#define NO_IDS 0x3fffffu

/* A row of no chain; `link` receives its time. */
static struct jt_audit audit_of(struct jt_link *link)
{
    static const struct jt_audit_row row = { .action = JT_AUDIT_DETOKENIZE,
                                             .client = ROLE_PLAYED,
                                             .object = "" };
    *link = (struct jt_link){ .at_us = jt_clock_wall_us() };
    return (struct jt_audit){ .link = link, .rows = &row, .n = 1 };
}

/* A random fingerprint meets no card's; the envelope is the key id and noughts. */
static void add_card(struct jt_params *p, uint8_t key_id)
{
    const uint8_t envelope[JT_CARD_ENVELOPE_MIN] = { key_id };
    uint8_t fingerprint[JT_FINGERPRINT_LEN];
    uint32_t id;
    jt_random_fill(fingerprint, sizeof fingerprint);
    jt_random_fill(&id, sizeof id);
    jt_params_array(p, JT_PG_INT4_ARRAY, 1, 4);
    jt_params_add_u31(p, 0);
    jt_params_array(p, JT_PG_INT8_ARRAY, 1, 8);
    jt_params_add_u63(p, 1 + (id & NO_IDS) % NO_IDS);
    jt_params_array(p, JT_PG_UUID_ARRAY, 1, sizeof fingerprint);
    jt_params_add_bytes(p, fingerprint, sizeof fingerprint);
    jt_params_array(p, JT_PG_BYTEA_ARRAY, 1, sizeof envelope);
    jt_params_add_bytes(p, envelope, sizeof envelope);
}

static enum jt_err rehearse_card(struct jt_db *db, const struct jt_node_spec *node, uint64_t epoch,
                                 const struct jt_keyref *active)
{
    struct jt_link link;
    const struct jt_audit audit = audit_of(&link);
    struct jt_params p;
    jt_params_init(&p);
    jt_ring_rule_guard(&p, node, epoch, active);
    jt_params_u31(&p, JT_TALLY_REHEARSAL); /* no waiting for anybody's row */
    add_card(&p, active->key_id);
    jt_audit_params(&p, &audit);
    jt_params_array(&p, JT_PG_TIMESTAMPTZ_ARRAY, 0, 8);
    PGresult *res;
    enum jt_err err = jt_db_query(db, jt_statements[JT_SQL_TOKENIZE_ALONE].sql, &p, &res);
    if (err == JT_OK) {
        struct jt_ring_check check = { 0 };
        struct jt_row row = jt_row_init(res, 0);
        err = jt_ring_rule_take(&row, 1, epoch, &check);
        uint64_t n_written = jt_row_u63(&row, 4);
        err = err == JT_OK && row.bad ? JT_ERR_DB_FAULT : err;
        if (err == JT_OK && !jt_ring_rule_held(&check, epoch)) {
            err = JT_ERR_RING_MOVED;
        } else if (err == JT_OK && n_written != 1) {
            err = jt_fault_set(db->fault, JT_ERR_DB_UNTRUE, "a card was to be stored, and was not");
        }
    }
    PQclear(res);
    return err;
}

enum jt_err jt_rehearse(struct jt_db *db, const struct jt_node_spec *node, uint64_t epoch,
                        const struct jt_keyref *active)
{
    enum jt_err err = jt_db_begin(db);
    PGresult *res = NULL;
    if (err == JT_OK) {
        err = jt_db_query(db, jt_statements[JT_SQL_RING_LOCK].sql, NULL, &res);
        PQclear(res);
    }
    if (err == JT_OK) {
        bool audit_only = active->generation == 0;
        struct jt_link link;
        const struct jt_audit audit = audit_of(&link);
        err = audit_only ? jt_audit_put(db, &audit) : rehearse_card(db, node, epoch, active);
    }
    /* Rolled back in any case. */
    enum jt_err ended = jt_db_end(db, err == JT_OK ? JT_ERR_ROLLED_BACK : err);
    return err == JT_OK && ended == JT_ERR_ROLLED_BACK ? JT_OK : ended;
}

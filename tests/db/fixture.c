/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/db/fixture.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/random.h"
#include "store/clients.h"
#include "store/migrate.h"
#include "store/ring.h"
#include "model/certificate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *fx_conninfo(void)
{
    const char *conninfo = getenv("JETON_TEST_CONNINFO");
    if (conninfo == NULL) {
        (void)fprintf(stderr,
                      "JETON_TEST_CONNINFO is not set: skipped (see tests/db/with_postgres.sh)\n");
        exit(77);
    }
    return conninfo;
}

PGconn *fx_connect(void)
{
    PGconn *conn = PQconnectdb(fx_conninfo());
    if (PQstatus(conn) != CONNECTION_OK) {
        fail_msg("%s", PQerrorMessage(conn));
    }
    fx_exec(conn, "SET client_min_messages = error; SET search_path = jeton");
    return conn;
}

void fx_exec(PGconn *conn, const char *sql)
{
    PGresult *res = PQexec(conn, sql);
    if (PQresultStatus(res) != PGRES_COMMAND_OK && PQresultStatus(res) != PGRES_TUPLES_OK) {
        fail_msg("%s: %s", sql, PQresultErrorMessage(res));
    }
    PQclear(res);
}

int64_t fx_number(PGconn *conn, const char *sql)
{
    PGresult *res = PQexec(conn, sql);
    if (PQresultStatus(res) != PGRES_TUPLES_OK || PQntuples(res) != 1) {
        fail_msg("%s: %s", sql, PQresultErrorMessage(res));
    }
    int64_t number = strtoll(PQgetvalue(res, 0, 0), NULL, 10);
    PQclear(res);
    return number;
}

void fx_await(PGconn *conn, const char *sql)
{
    for (int i = 0; fx_number(conn, sql) == 0; i++) {
        assert_true(i < 5000);
        jt_clock_pause(2);
    }
}

void fx_await_waiting(struct fx *fx, const char *application, int n)
{
    char sql[200];
    (void)snprintf(
        sql, sizeof sql,
        "SELECT (count(*) = %d)::int FROM pg_stat_activity WHERE application_name = '%s' AND "
        "wait_event_type = 'Lock'",
        n, application);
    fx_await(fx->plain, sql);
}

/* --- the audit trail --- */

void fx_head(const struct jt_audit_link *link, uint8_t head[static JT_ROW_MAC_LEN])
{
    memcpy(head, link->digest, JT_ROW_MAC_LEN);
}

static enum jt_err chain_ready(void *arg, struct jt_chain *chain)
{
    static _Atomic uint16_t n_chains = 500; /* lanes count from 1 */
    (void)arg;
    if (chain->start == 0) {
        jt_chain_begin(chain, FX_START, n_chains++, (const uint8_t[JT_ROW_MAC_LEN]){ 0 });
    }
    return JT_OK;
}

static enum jt_err chain_sign(void *arg, const struct jt_audit_link *link,
                              uint8_t head[static JT_ROW_MAC_LEN])
{
    (void)arg;
    fx_head(link, head);
    return JT_OK;
}

void fx_chain(struct jt_db *db)
{
    jt_db_chain(db, &(struct jt_chain_owner){ chain_ready, chain_sign, NULL, NULL });
}

int fx_setup_empty(void **state)
{
    struct fx *fx = calloc(1, sizeof *fx);
    assert_non_null(fx);
    fx->plain = fx_connect();
    fx_exec(fx->plain, "DROP SCHEMA IF EXISTS jeton CASCADE");
    assert_int_equal(jt_db_new(fx_conninfo(), "test_db", 30000, &fx->db), JT_OK);
    fx_chain(fx->db);
    *state = fx;
    return 0;
}

int fx_setup_vault(void **state)
{
    (void)fx_setup_empty(state);
    struct fx *fx = *state;
    assert_int_equal(jt_migrate_run(fx->db, NULL, NULL), JT_OK);
    struct jt_ring_row ring = { .epoch = 1, .body_len = 20 };
    const struct jt_client_change first = {
        .row = { .spec = { .id = "first", .permissions = JT_MAY_ALL }, .state = 1, .revision = 1 },
        .set = { .kind = JT_SET_CLIENTS, .version = 1, .n = 1 }
    };
    fx_exec(fx->plain,
            "INSERT INTO audit_start (id, node, incarnation, at, predecessor, ends, mac) "
            "VALUES (77, 'node-1', '00000000-0000-0000-0000-000000000000', now(), 0, '', "
            "decode(repeat('00', 16), 'hex'))");
    assert_int_equal(jt_ring_first(fx->db, &ring, &first), JT_OK);
    fx->epoch = 1;
    (void)snprintf(fx->node.name, sizeof fx->node.name, "node-1");
    jt_random_fill(fx->node.incarnation, sizeof fx->node.incarnation);
    char sql[400], hex[33];
    for (size_t i = 0; i < 16; i++) {
        (void)snprintf(hex + 2 * i, 3, "%02x", fx->node.incarnation[i]);
    }
    (void)snprintf(sql, sizeof sql,
                   "INSERT INTO node (name, number, incarnation, keeper_incarnation, id_mark, "
                   "mac_epoch, mac, lease_until, renewed_at) VALUES ('node-1', 1, '%s', '%s', 0, "
                   "0, decode(repeat('00', 16), 'hex'), now() + interval '1 minute', now())",
                   hex, hex);
    fx_exec(fx->plain, sql);
    return 0;
}

int fx_teardown(void **state)
{
    struct fx *fx = *state;
    jt_db_free(fx->db);
    fx_exec(fx->plain, "DROP SCHEMA IF EXISTS jeton CASCADE");
    PQfinish(fx->plain);
    free(fx);
    return 0;
}

struct jt_keyref fx_key(uint64_t number)
{
    return (struct jt_keyref){ .generation = number, .key_id = (uint8_t)number };
}

static struct jt_generation_row generation_row(uint64_t number, enum jt_generation_state state)
{
    return (struct jt_generation_row){ .number = number,
                                       .key_id = (uint8_t)number,
                                       .state = (uint8_t)state,
                                       .check_value = { (uint8_t)number },
                                       .mac_epoch = 1 };
}

const struct jt_act fx_act = { .node = "node-1", .actor = "tester" };

enum jt_err fx_insert_generation(struct jt_db *db, const struct jt_generation_row *row,
                                 const struct jt_act *act, char created_at[static JT_TIME_LEN])
{
    struct jt_generations_taken taken;
    bool busy;
    created_at[0] = '\0';
    enum jt_err err = jt_generation_begin(db, &taken, &busy);
    return err == JT_OK ? jt_generation_end(db, JT_OK, row, NULL, act, created_at) : err;
}

void fx_create_generation(struct fx *fx, uint64_t number)
{
    struct jt_generation_row row = generation_row(number, JT_GENERATION_FUTURE);
    char at[JT_TIME_LEN];
    assert_int_equal(fx_insert_generation(fx->db, &row, &fx_act, at), JT_OK);
}

enum jt_err fx_try_activate(struct fx *fx, struct jt_db *db, uint64_t number, uint64_t draining,
                            bool *busy)
{
    const struct jt_ring_row next = { .epoch = fx->epoch + 1, .body_len = 39 };
    const struct jt_generation_row rows[] = { generation_row(number, JT_GENERATION_ACTIVE),
                                              generation_row(draining, JT_GENERATION_DRAINING) };
    char why[32];
    (void)snprintf(why, sizeof why, "test of %u", (unsigned)number);
    struct jt_node_row adopter = { .spec = fx->node };
    memcpy(adopter.keeper, fx->node.incarnation, sizeof adopter.keeper);
    const struct jt_ring_change change = { .from_epoch = fx->epoch,
                                           .adopters = &adopter,
                                           .n_adopters = 1,
                                           .next = &next,
                                           .rows = rows,
                                           .n_rows = draining == 0 ? 1 : 2,
                                           .act = &fx_act,
                                           .holder_override = why };
    enum jt_err err = jt_ring_change(db, &change, busy);
    if (err == JT_OK) {
        fx->epoch++;
    }
    return err;
}

void fx_activate(struct fx *fx, uint64_t number)
{
    bool busy;
    uint64_t active = (uint64_t)fx_number(
        fx->plain, "SELECT coalesce(max(number), 0) FROM generation WHERE state = 2");
    assert_int_equal(fx_try_activate(fx, fx->db, number, active, &busy), JT_OK);
}

enum jt_err fx_try_retire(struct fx *fx, uint64_t number, struct jt_retirement_facts *facts,
                          bool *busy)
{
    const struct jt_ring_row next = { .epoch = fx->epoch + 1, .body_len = 58 };
    const struct jt_generation_row row = generation_row(number, JT_GENERATION_RETIRED);
    const struct jt_ring_change change = { .from_epoch = fx->epoch,
                                           .next = &next,
                                           .rows = &row,
                                           .n_rows = 1,
                                           .act = &fx_act,
                                           .proof_of_zero = true,
                                           .facts = facts };
    enum jt_err err = jt_ring_change(fx->db, &change, busy);
    if (err == JT_OK) {
        fx->epoch++;
    }
    return err;
}

/*
 * Spread like a real one: the card's number mixed (splitmix64), so that index entries do not arrive
 * in order.
 */
void fx_fingerprint(uint64_t number, uint64_t generation, uint8_t out[static 16])
{
    uint64_t z = number * 0x9e3779b97f4a7c15u + generation;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    jt_put_u64(out, z ^ z >> 31);
    jt_put_u32(out + 8, (uint32_t)generation);
    jt_put_u32(out + 12, (uint32_t)number);
}

struct fx_card fx_card(uint32_t field, uint64_t number, uint64_t generation)
{
    static _Atomic uint64_t newest = UINT64_C(1) << 40;
    struct fx_card card = { .field = field, .number = number, .id = ++newest };
    fx_fingerprint(number, generation, card.fingerprint);
    memset(card.envelope, 0xee, sizeof card.envelope);
    card.envelope[0] = (uint8_t)generation;
    /* bound to its row in a manner, so that envelopes differ */
    jt_put_u64(card.envelope + 1, card.id);
    jt_put_u64(card.envelope + 9, generation);
    return card;
}

struct jt_digits fx_digits(uint64_t token)
{
    struct jt_digits digits = { .packed_len = 8 };
    for (size_t i = 0; i < 8; i++, token /= 100) {
        digits.packed[7 - i] = (uint8_t)((token / 10 % 10) << 4 | token % 10);
    }
    return digits;
}

void fx_tok(uint32_t field, uint64_t token, uint8_t out[static JT_TOK_LEN])
{
    uint8_t of_class[16];
    fx_fingerprint(token / 10000, field, of_class);
    fx_fingerprint(token, field, out);
    memcpy(out, of_class, JT_TOK_CLASS_LEN);
}

struct jt_card_row fx_row(const struct fx_card *card)
{
    struct jt_card_row row = { .field = card->field,
                               .id = card->id,
                               .envelope_len = sizeof card->envelope };
    memcpy(row.fingerprint, card->fingerprint, sizeof row.fingerprint);
    memcpy(row.envelope, card->envelope, sizeof card->envelope);
    row.digits = card->token != 0 ? fx_digits(card->token) : row.digits;
    return row;
}

int fx_backend_of(struct fx *fx, const char *application)
{
    char sql[200];
    (void)snprintf(
        sql, sizeof sql,
        "SELECT coalesce(max(pid), 0) FROM pg_stat_activity WHERE application_name = '%s'",
        application);
    return (int)fx_number(fx->plain, sql);
}

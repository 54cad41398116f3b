/* SPDX-License-Identifier: Apache-2.0 */
#include "store/acks.h"

#include "store/node_columns.h"
#include "store/query.h"

#include <stdio.h>
#include <string.h>

#define ACK(FIRST, NEXT, t)                  \
    FIRST(TEXT, t "node", node)              \
    NEXT(UUID, t "incarnation", incarnation) \
    NEXT(FIXED, t "challenge", challenge)    \
    NEXT(FIXED, t "mac", mac)

#define ADOPTION(FIRST, NEXT, t)           \
    FIRST(U63, t "generation", generation) \
    NEXT(TEXT, t "asker", asker)           \
    NEXT(FIXED, t "challenge", challenge)

#define ACK_COLUMNS JT_COLUMNS(ACK, "")

static JT_COLUMNS_PUTTER(put_ack, ACK, 4, struct jt_ack);
static JT_COLUMNS_READER(read_ack, ACK, struct jt_ack);
static JT_COLUMNS_READER(read_adoption, ADOPTION, struct jt_adoption);

/* --- for who asks --- */

enum jt_err jt_adoption_ask(struct jt_db *db, uint64_t generation, const char *asker,
                            const uint8_t challenge[static JT_CHALLENGE_LEN])
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, generation);
    jt_params_text(&p, asker);
    jt_params_bytes(&p, challenge, JT_CHALLENGE_LEN);
    return jt_db_insert_one(db,
                            "INSERT INTO adoption (generation, asker, challenge) VALUES ($1, $2, "
                            "$3) ON CONFLICT (generation, asker) DO UPDATE SET "
                            "challenge = excluded.challenge, at = excluded.at",
                            &p);
}

enum jt_err jt_adoption_challenge(struct jt_db *db, uint64_t generation, const char *asker,
                                  uint8_t challenge[static JT_CHALLENGE_LEN])
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, generation);
    jt_params_text(&p, asker);
    PGresult *res;
    enum jt_err err = jt_db_query_one(
        db, "SELECT challenge FROM adoption WHERE generation = $1 AND asker = $2", &p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        jt_row_fixed(&row, 0, challenge, JT_CHALLENGE_LEN);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

static const char select_answers[] =
    "SELECT " JT_COLUMNS(JT_NODE_ROW, "n.") ", a.node IS NOT NULL, " JT_COLUMNS(
        ACK, "a.") " FROM node n LEFT JOIN key_ack a ON a.generation = $1 AND a.node = n.name AND "
                   "a.asker = $2 "
                   "ORDER BY n.number";

enum jt_err jt_acks_read(struct jt_db *db, uint64_t generation, const char *asker,
                         jt_ack_seen_fn *each, void *arg)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, generation);
    jt_params_text(&p, asker);
    PGresult *res;
    enum jt_err err = jt_db_query(db, select_answers, &p, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        struct jt_ack_seen seen = { .answered = false };
        struct jt_row row = jt_row_init(res, i);
        jt_node_row_read(&row, 0, &seen.node);
        seen.answered = jt_row_bool(&row, JT_N_COLUMNS(JT_NODE_ROW));
        if (seen.answered) {
            read_ack(&row, JT_N_COLUMNS(JT_NODE_ROW) + 1, &seen.ack);
        }
        err = jt_row_status(&row);
        if (err == JT_OK) {
            each(arg, &seen);
        }
    }
    PQclear(res);
    return err;
}

/* --- for who answers --- */

/* A name that nobody can have is not looked at. */
static const char select_open[] = "SELECT " JT_COLUMNS(
    ADOPTION, "q.") " FROM adoption q WHERE (q.generation, q.asker) > ($3, $4) "
                    "AND q.at > now() - interval '1 minute' AND octet_length(q.asker) BETWEEN 1 "
                    "AND " JT_SQL_NUMBER(
                        JT_NODE_NAME_MAX) " "
                                          "AND NOT EXISTS (SELECT FROM key_ack a WHERE "
                                          "a.generation = q.generation AND a.node = $1 "
                                          "AND a.asker = q.asker AND a.challenge = q.challenge AND "
                                          "a.incarnation = $2) "
                                          "ORDER BY q.generation, q.asker LIMIT " JT_SQL_NUMBER(
                                              JT_ADOPTIONS_MAX);

enum jt_err jt_adoptions_open(struct jt_db *db, const char *node,
                              const uint8_t keeper[static JT_INCARNATION_LEN],
                              const struct jt_adoption *after, struct jt_adoption *out, size_t *n)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, node);
    jt_params_uuid(&p, keeper);
    jt_params_u63(&p, after->generation);
    jt_params_text(&p, after->asker);
    PGresult *res;
    *n = 0;
    enum jt_err err = jt_db_query(db, select_open, &p, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res) && *n < JT_ADOPTIONS_MAX; i++) {
        struct jt_row row = jt_row_init(res, i);
        out[*n] = (struct jt_adoption){ .generation = 0 };
        read_adoption(&row, 0, &out[(*n)++]);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

enum jt_err jt_ack_insert(struct jt_db *db, uint64_t generation, const char *asker,
                          const struct jt_ack *ack)
{
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, generation);
    put_ack(&p, ack);
    jt_params_text(&p, asker);
    return jt_db_insert_one(
        db,
        "INSERT INTO key_ack (generation, " ACK_COLUMNS ", asker) VALUES (" JT_SQL_6_PARAMS ") "
        "ON CONFLICT (generation, node, asker) DO UPDATE SET incarnation = excluded.incarnation, "
        "challenge = excluded.challenge, mac = excluded.mac, at = excluded.at",
        &p);
}

#define IS_OF_INTEREST "g.state IN (" JT_SQL_FUTURE ", " JT_SQL_ACTIVE ", " JT_SQL_DRAINING ")"

enum jt_err jt_acks_wanted(struct jt_db *db, const char *node,
                           const uint8_t keeper[static JT_INCARNATION_LEN], uint64_t *numbers,
                           size_t max, size_t *n)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, node);
    jt_params_uuid(&p, keeper);
    PGresult *res;
    *n = 0;
    enum jt_err err = jt_db_query(db,
                                  "SELECT g.number FROM generation g WHERE " IS_OF_INTEREST
                                  " AND NOT EXISTS (SELECT FROM key_ack a WHERE "
                                  "a.generation = g.number AND a.node = $1 AND a.incarnation = $2) "
                                  "ORDER BY g.number",
                                  &p, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res) && *n < max; i++) {
        struct jt_row row = jt_row_init(res, i);
        numbers[(*n)++] = jt_row_u63(&row, 0);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

/* So many at a time: whoever can write there may have put more than a statement can remove. */
#define SWEEP(table, which)                                                                \
    "DELETE FROM " table " WHERE ctid IN (SELECT a.ctid FROM " table " a WHERE " which " " \
    "LIMIT 1000 FOR UPDATE SKIP LOCKED)"

enum jt_err jt_adoptions_sweep(struct jt_db *db)
{
    enum jt_err err =
        jt_db_change(db, SWEEP("adoption", "a.at < now() - interval '1 minute'"), NULL, NULL);
    return err != JT_OK
               ? err
               : jt_db_change(db,
                              SWEEP("key_ack", "EXISTS (SELECT FROM generation g WHERE g.number = "
                                               "a.generation AND NOT " IS_OF_INTEREST ")"),
                              NULL, NULL);
}

/* --- for operators --- */

static const char select_standing[] =
    "SELECT g.number, n.name, EXISTS (SELECT FROM key_ack a WHERE a.generation = g.number "
    "AND a.node = n.name AND a.incarnation = n.keeper_incarnation) "
    "FROM generation g CROSS JOIN node n WHERE " IS_OF_INTEREST " ORDER BY g.number, n.number";

enum jt_err jt_acks_standing(struct jt_db *db, jt_ack_standing_fn *each, void *arg)
{
    PGresult *res;
    enum jt_err err = jt_db_query(db, select_standing, NULL, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        char node[JT_NODE_NAME_MAX + 1];
        struct jt_row row = jt_row_init(res, i);
        uint64_t generation = jt_row_u63(&row, 0);
        jt_row_text(&row, 1, node, sizeof node);
        bool stands = jt_row_bool(&row, 2);
        err = jt_row_status(&row);
        if (err == JT_OK) {
            each(arg, generation, node, stands);
        }
    }
    PQclear(res);
    return err;
}

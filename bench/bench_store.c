/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many cards per second go through one database connection, by the ring rule and durably, and
 * how much of the time is the database's own?
 *
 * Beside them, in the same run and into a table of the same shape: COPY in binary format, and a
 * bare INSERT of the same arrays, neither of which checks, deduplicates, counts or audits anything:
 * what PostgreSQL itself takes for a row with two unique indexes.
 *
 * Needs JETON_TEST_CONNINFO, a database that may be overwritten (its schema `jeton` is dropped),
 * and exits with 77 without: tests/db/with_postgres.sh bench/bench_store [CARDS]
 */
#include "base/clock.h"
#include "base/clock.h"
#include "store/cards.h"
#include "store/chain.h"
#include "store/clients.h"
#include "store/generations.h"
#include "store/migrate.h"
#include "store/nodes.h"
#include "store/params.h"
#include "store/ring.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_MAX    4000
#define ENVELOPE_LEN 25 /* of a 16-digit PAN */

static const char *conninfo;
static PGconn *plain;
static struct jt_db *db;
static struct jt_node_spec node;
static uint64_t epoch;
static uint64_t next_card; /* each made-up card is new, unless a measurement turns this back */

static uint64_t ids[BATCH_MAX];
static uint8_t fingerprints[BATCH_MAX][16], old_fingerprints[BATCH_MAX][16];
static uint8_t envelopes[BATCH_MAX][ENVELOPE_LEN], new_envelopes[BATCH_MAX][ENVELOPE_LEN];

static void need(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "bench_store: %s failed: %s%s\n", what,
                db == NULL ? "" : jt_db_fault(db)->cause, PQerrorMessage(plain));
        exit(1);
    }
}

static void run_sql(const char *sql)
{
    PGresult *res = PQexec(plain, sql);
    need(PQresultStatus(res) == PGRES_COMMAND_OK || PQresultStatus(res) == PGRES_TUPLES_OK, sql);
    PQclear(res);
}

static double number_of(const char *sql)
{
    PGresult *res = PQexec(plain, sql);
    need(PQresultStatus(res) == PGRES_TUPLES_OK && PQntuples(res) == 1, sql);
    double number = strtod(PQgetvalue(res, 0, 0), NULL);
    PQclear(res);
    return number;
}

/* Looks random to an index, is the same for the same card. */
static void fingerprint(uint64_t card, uint8_t key_id, uint8_t out[16])
{
    uint64_t z = card * 0x9e3779b97f4a7c15u + key_id;
    for (int half = 0; half < 2; half++) {
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        z ^= z >> 31;
        jt_put_u64(out + 8 * half, z);
    }
}

static void make_cards(size_t n, uint8_t key_id, uint8_t draining)
{
    static uint64_t newest = UINT64_C(1) << 40;
    for (size_t i = 0; i < n; i++) {
        ids[i] = ++newest;
        uint64_t card = next_card++;
        fingerprint(card, key_id, fingerprints[i]);
        fingerprint(card, draining, old_fingerprints[i]);
        envelopes[i][0] = key_id;
        jt_put_u64(envelopes[i] + 1, ids[i]);
        jt_put_u64(envelopes[i] + 9, card);
        memcpy(envelopes[i] + 17, fingerprints[i], 8);
    }
}

/* --- set-up --- */

static struct jt_generation_row generation_row(uint64_t number, enum jt_generation_state state)
{
    return (struct jt_generation_row){
        .number = number, .key_id = (uint8_t)number, .state = (uint8_t)state, .mac_epoch = 1
    };
}

static void activate(uint64_t number)
{
    static const struct jt_act act = { .node = "bench", .actor = "bench" };
    struct jt_generation_row row = generation_row(number, JT_GENERATION_FUTURE);
    struct jt_generations_taken taken;
    char at[JT_TIME_LEN];
    bool busy;
    need(jt_generation_begin(db, &taken, &busy) == JT_OK, "lock of creators");
    need(jt_generation_end(db, JT_OK, &row, NULL, &act, at) == JT_OK, "generation");
    const struct jt_ring_row next = { .epoch = epoch + 1, .body_len = 20 };
    const struct jt_generation_row rows[] = { generation_row(number, JT_GENERATION_ACTIVE),
                                              generation_row(number - 1, JT_GENERATION_DRAINING) };
    const struct jt_node_row adopter = { .spec = node };
    const struct jt_ring_change change = { .adopters = &adopter,
                                           .n_adopters = 1,
                                           .from_epoch = epoch,
                                           .next = &next,
                                           .rows = rows,
                                           .n_rows = number == 1 ? 1 : 2,
                                           .act = &act };
    need(jt_ring_change(db, &change, &busy) == JT_OK, "activation");
    epoch++;
}

/* The keeper's part of the audit trail, which is not what is measured. */
static enum jt_err chain_ready(void *arg, struct jt_chain *chain)
{
    (void)arg;
    chain->start = 1;
    return JT_OK;
}

static enum jt_err chain_sign(void *arg, const struct jt_audit_link *link,
                              uint8_t head[static JT_ROW_MAC_LEN])
{
    (void)arg;
    memcpy(head, link->digest, JT_ROW_MAC_LEN);
    return JT_OK;
}

static void set_up(void)
{
    plain = PQconnectdb(conninfo);
    run_sql("SET client_min_messages = error; SET search_path = jeton; DROP SCHEMA IF EXISTS jeton "
            "CASCADE");
    need(jt_db_new(conninfo, "bench_store", 60000, &db) == JT_OK, "connection string");
    jt_db_chain(db, &(struct jt_chain_owner){ chain_ready, chain_sign, NULL, NULL });
    need(jt_migrate_run(db, NULL, NULL) == JT_OK, "migration");
    const struct jt_ring_row ring = { .epoch = 1, .body_len = 20 };
    const struct jt_client_change first = {
        .row = { .spec = { .id = "bench" }, .state = JT_ROW_ACTIVE, .revision = 1 },
        .set = { .kind = JT_SET_CLIENTS, .version = 1, .n = 1 }
    };
    need(jt_ring_first(db, &ring, &first) == JT_OK, "first ring");
    epoch = 1;
    memcpy(node.name, "bench", 6);
    node.number = 1;
    need(jt_node_claim(db, &node) == JT_OK, "lock");
    const struct jt_node_row row = { .spec = node };
    bool busy;
    need(jt_node_register(db, &row, epoch, 3600000, &busy) == JT_OK, "node");
    activate(1);
    run_sql("CREATE TABLE reference (id bigint NOT NULL, field integer NOT NULL, bucket smallint "
            "NOT NULL DEFAULT 0, "
            "key_id smallint NOT NULL DEFAULT 1, fp uuid NOT NULL, envelope bytea NOT NULL); "
            "CREATE UNIQUE INDEX ON reference (key_id, bucket, id); "
            "CREATE UNIQUE INDEX ON reference (key_id, bucket, field, fp)");
}

/* --- references --- */

static void copy_batch(size_t n)
{
    /* and the terminating NUL: 19 bytes */
    static const uint8_t header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0";
    struct jt_buf b;
    jt_buf_init(&b, 1u << 20);
    jt_buf_put(&b, header, 19);
    for (size_t i = 0; i < n; i++) {
        jt_buf_u16(&b, 4);
        jt_buf_u32(&b, 4);
        jt_buf_u32(&b, 1);
        jt_buf_u32(&b, 8);
        jt_buf_u64(&b, ids[i]);
        jt_buf_u32(&b, 16);
        jt_buf_put(&b, fingerprints[i], 16);
        jt_buf_u32(&b, ENVELOPE_LEN);
        jt_buf_put(&b, envelopes[i], ENVELOPE_LEN);
    }
    jt_buf_u16(&b, 0xffff);
    need(jt_buf_status(&b) == JT_OK, "COPY buffer");
    PGresult *res =
        PQexec(plain, "COPY reference (field, id, fp, envelope) FROM STDIN (FORMAT binary)");
    need(PQresultStatus(res) == PGRES_COPY_IN, "COPY");
    PQclear(res);
    need(PQputCopyData(plain, (const char *)b.data, (int)b.len) == 1 &&
             PQputCopyEnd(plain, NULL) == 1,
         "COPY data");
    while ((res = PQgetResult(plain)) != NULL) {
        need(PQresultStatus(res) == PGRES_COMMAND_OK, "COPY end");
        PQclear(res);
    }
    jt_buf_clear(&b);
}

static void insert_batch(size_t n)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_array(&p, JT_PG_INT8_ARRAY, n, 8);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u63(&p, ids[i]);
    }
    jt_params_array(&p, JT_PG_UUID_ARRAY, n, 16);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_bytes(&p, fingerprints[i], 16);
    }
    jt_params_array(&p, JT_PG_BYTEA_ARRAY, n, 28);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_bytes(&p, envelopes[i], ENVELOPE_LEN);
    }
    need(jt_params_status(&p) == JT_OK, "parameters");
    struct jt_pg_params view;
    jt_params_view(&p, &view);
    PGresult *res = PQexecParams(plain,
                                 "INSERT INTO reference (field, id, fp, envelope) "
                                 "SELECT 1, * FROM unnest($1::int8[], $2::uuid[], $3::bytea[])",
                                 view.n, view.types, view.values, view.lengths, view.formats, 1);
    need(PQresultStatus(res) == PGRES_COMMAND_OK, "INSERT");
    PQclear(res);
    jt_params_clear(&p);
}

static double report(const char *what, size_t batch, size_t n_cards, int64_t took_us,
                     double reference)
{
    double rate = (double)n_cards * 1e6 / (double)took_us;
    printf("%-26s batch=%-5zu cards/s=%-8.0f transactions/s=%-7.0f us/card=%-7.2f", what, batch,
           rate, rate / (double)batch, 1e6 / rate);
    if (reference > 0) {
        printf(" of_copy=%.2f", rate / reference);
    }
    printf("\n");
    fflush(stdout);
    return rate;
}

static double measure_reference(const char *what, void (*put)(size_t), size_t batch, size_t n_cards)
{
    run_sql("TRUNCATE reference");
    int64_t start = jt_clock_us();
    for (size_t done = 0; done < n_cards; done += batch) {
        make_cards(batch, 1, 0);
        put(batch);
    }
    return report(what, batch, n_cards, jt_clock_us() - start, 0);
}

/* --- through the pipe --- */

struct run {
    struct jt_loop *loop;
    struct jt_pipe *pipe;
    void (*submit)(struct run *run);
    size_t batch, n_cards, done;
    int64_t start_us;
    uint8_t key_id, draining; /* 0: no probes */
    bool known;               /* cards that are there already */
    uint64_t from_card;       /* moves */
};

static void next(struct run *run)
{
    if (run->done >= run->n_cards) {
        jt_loop_stop(run->loop);
    } else {
        run->submit(run);
    }
}

static void on_up(void *arg, uint32_t events)
{
    (void)events;
    struct run *run = arg;
    run->start_us = jt_clock_us();
    next(run);
}

static void on_tokenized(void *arg, enum jt_err err, const struct jt_tokenize_result *result)
{
    struct run *run = arg;
    need(err == JT_OK && result->check.epoch == epoch && result->check.node_stands, "tokenize");
    for (size_t i = 0; i < result->n; i++) {
        need(result->cards[i].kind == (run->known ? JT_CARD_KNOWN : JT_CARD_WRITTEN),
             "tokenized card");
    }
    run->done += result->n;
    next(run);
}

static void submit_tokenize(struct run *run)
{
    static struct jt_card_new cards[BATCH_MAX];
    static struct jt_card_probe probes[BATCH_MAX];
    make_cards(run->batch, run->key_id, run->draining);
    for (size_t i = 0; i < run->batch; i++) {
        cards[i] = (struct jt_card_new){ .field = 1,
                                         .id = ids[i],
                                         .fingerprint = fingerprints[i],
                                         .envelope = envelopes[i],
                                         .envelope_len = ENVELOPE_LEN };
        probes[i] = (struct jt_card_probe){ (uint32_t)i, run->draining, old_fingerprints[i] };
    }
    const struct jt_audit_row audit = {
        .action = JT_AUDIT_TOKENIZE, .client = "bench", .field = 1, .n_items = (uint32_t)run->batch
    };
    static struct jt_chain chain = { .start = 1 };
    static struct jt_link link; /* its head does not matter to the database */
    need(jt_chain_next(&chain, &audit, 1, jt_clock_wall_us(), &link) == JT_OK, "the link");
    jt_chain_stands(&chain, &link);
    const struct jt_tokenize_txn txn = { .epoch = epoch,
                                         .generation = run->key_id,
                                         .key_id = run->key_id,
                                         .writer = 1,
                                         .cards = cards,
                                         .n_cards = run->batch,
                                         .probes = probes,
                                         .n_probes = run->draining == 0 ? 0 : run->batch,
                                         .draining = &run->draining,
                                         .n_draining = run->draining != 0,
                                         .audit = { .link = &link, .rows = &audit, .n = 1 } };
    need(jt_cards_tokenize(run->pipe, &txn, on_tokenized, run) == JT_OK, "queuing");
}

static void on_read(void *arg, enum jt_err err, const struct jt_read_result *result)
{
    struct run *run = arg;
    need(err == JT_OK && result->epoch == epoch, "read");
    for (size_t i = 0; i < result->n; i++) {
        need(result->cards[i].n_rows == 1, "card read");
    }
    run->done += result->n;
    next(run);
}

static uint64_t *stored_ids; /* of cards in the table */
static size_t n_stored;

static void submit_read(struct run *run)
{
    static uint64_t asked[BATCH_MAX];
    static const uint8_t live[] = { 1 };
    for (size_t i = 0; i < run->batch; i++) {
        /* any order but that of insertion */
        asked[i] = stored_ids[(run->done + i) * 7919 % n_stored];
    }
    need(jt_cards_read(run->pipe, asked, run->batch, live, 1, on_read, run) == JT_OK, "queuing");
}

static void on_moved(void *arg, enum jt_err err, const struct jt_move_result *result)
{
    struct run *run = arg;
    need(err == JT_OK && result->n_moved == run->batch, "move");
    run->done += run->batch;
    next(run);
}

/* The walk over the stragglers is part of it, as in the retirement job. */
static void submit_move(struct run *run)
{
    static struct jt_card_cursor cursor;
    static struct jt_card_row rows[BATCH_MAX];
    static struct jt_card_move moves[BATCH_MAX];
    size_t n;
    need(jt_cards_stragglers(db, run->draining, &cursor, JT_CARD_CURSOR_END, rows, run->batch,
                             &n) == JT_OK &&
             n == run->batch,
         "stragglers");
    for (size_t i = 0; i < n; i++) {
        memcpy(new_envelopes[i], rows[i].envelope, ENVELOPE_LEN);
        new_envelopes[i][0] = run->key_id;
        fingerprint(run->from_card++, run->key_id, fingerprints[i]);
        moves[i] =
            (struct jt_card_move){ &rows[i], new_envelopes[i], ENVELOPE_LEN, fingerprints[i] };
    }
    const struct jt_move_txn txn = { .epoch = epoch,
                                     .from = { run->draining, run->draining },
                                     .to = { run->key_id, run->key_id },
                                     .writer = 1,
                                     .moves = moves,
                                     .n = n };
    need(jt_cards_move(run->pipe, &txn, on_moved, run) == JT_OK, "queuing");
}

static void measure(const char *what, struct run run, double reference)
{
    need(jt_loop_new(&run.loop) == JT_OK, "loop");
    need(jt_pipe_new(run.loop, conninfo, "bench_store", &node, 60000, &run.pipe) == JT_OK, "pipe");
    jt_pipe_on_up(run.pipe, on_up, &run);
    need(jt_loop_run(run.loop) == JT_OK, "loop");
    (void)report(what, run.batch, run.done, jt_clock_us() - run.start_us, reference);
    jt_pipe_free(run.pipe);
    jt_loop_free(run.loop);
}

static void note_ids(void)
{
    PGresult *res = PQexecParams(plain, "SELECT id FROM card", 0, NULL, NULL, NULL, NULL, 1);
    n_stored = (size_t)PQntuples(res);
    stored_ids = calloc(n_stored + 1, sizeof *stored_ids);
    need(stored_ids != NULL && n_stored > 0, "reading ids");
    for (size_t i = 0; i < n_stored; i++) {
        stored_ids[i] = jt_get_u64((const uint8_t *)PQgetvalue(res, (int)i, 0));
    }
    PQclear(res);
}

int main(int argc, char **argv)
{
    conninfo = getenv("JETON_TEST_CONNINFO");
    if (conninfo == NULL) {
        fprintf(stderr,
                "bench_store: JETON_TEST_CONNINFO is not set (see tests/db/with_postgres.sh)\n");
        return 77;
    }
    size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) / BATCH_MAX * BATCH_MAX : 100000;
    set_up();
    double copy = measure_reference("reference: COPY", copy_batch, BATCH_MAX, n);
    (void)measure_reference("reference: bare INSERT", insert_batch, BATCH_MAX, n);
    run_sql("DROP TABLE reference");

    const struct run one = { .submit = submit_tokenize, .batch = 1000, .n_cards = n, .key_id = 1 };
    struct run run = one;
    uint64_t first = next_card;
    run.batch = BATCH_MAX;
    measure("tokenize, new", run, copy);
    double bytes = number_of("SELECT pg_table_size('card') + pg_indexes_size('card')") / (double)n;
    measure("tokenize, new", one, copy);
    next_card = first;
    run = one;
    run.known = true;
    measure("tokenize, known", run, copy);
    next_card = first + 3 * n;
    run = one;
    run.batch = 32;
    run.n_cards = n / 8;
    measure("tokenize, new", run, copy);
    run.batch = 1;
    run.n_cards = n / 100;
    measure("tokenize, new", run, copy);

    note_ids();
    run = one;
    run.submit = submit_read;
    measure("read by id", run, 0);
    run.batch = 1;
    run.n_cards = n / 20;
    measure("read by id", run, 0);

    activate(2);
    run = one;
    run.key_id = 2;
    run.draining = 1;
    measure("tokenize, one draining", run, copy);
    next_card = first;
    run.known = true;
    measure("tokenize, known draining", run, copy);
    run.submit = submit_move;
    run.from_card = 1u << 30;
    measure("move to the active", run, 0);
    printf("%-26s bytes/card=%.0f\n", "on disk, indexes included", bytes);
    jt_db_free(db);
    PQfinish(plain);
    free(stored_ids);
    return 0;
}

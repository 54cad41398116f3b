/* SPDX-License-Identifier: Apache-2.0 */
/* The plain comparator's crypto and database: see plain_service.c. */
#include "bench/plain.h"

#include <libpq-fe.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_MAX (16u << 20)
#define BYTEA_OID 17
#define TRIES     3

/* What a request needs while it works and no two may share. */
struct worker {
    PGconn *db;
    EVP_CIPHER_CTX *seal, *open;
    EVP_MAC_CTX *mac;
    struct worker *next;
};

static const char *conninfo;
static const uint8_t *secret;
static struct worker *idle;
static pthread_mutex_t idle_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t idle_more = PTHREAD_COND_INITIALIZER;

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS card (token bytea PRIMARY KEY, fp bytea NOT NULL UNIQUE, "
    "ciphertext bytea NOT NULL, created_at timestamptz NOT NULL DEFAULT now());"
    "CREATE TABLE IF NOT EXISTS audit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
    "at timestamptz NOT NULL DEFAULT now(), client text NOT NULL, action text NOT NULL, "
    "n_items int NOT NULL, tokens bytea);"
    "ALTER TABLE audit ALTER COLUMN tokens SET STORAGE EXTERNAL;";

/*
 * A card that was written keeps the token made for it; any other is looked up, and has no token yet
 * (NULL) when another transaction, which this statement's snapshot does not see, wrote it
 * meanwhile: then the request asks again.
 */
#define TOKENIZE(source)                                                                        \
    "WITH i AS MATERIALIZED (SELECT * FROM " source "), "                                       \
    "written AS (INSERT INTO card (token, fp, ciphertext) SELECT token, fp, ciphertext FROM i " \
    "ON CONFLICT (fp) DO NOTHING RETURNING token), "                                            \
    "answer AS MATERIALIZED (SELECT n, CASE WHEN token IN (SELECT w.token FROM written w) "     \
    "THEN token ELSE (SELECT c.token FROM card c WHERE c.fp = i.fp) END AS token FROM i), "     \
    "log AS (INSERT INTO audit (client, action, n_items, tokens) "                              \
    "SELECT 'app', 'tokenize', count(*), string_agg(token, '') FROM answer) "                   \
    "SELECT n, token FROM answer"

#define DETOKENIZE(source)                                                                       \
    "WITH found AS MATERIALIZED (SELECT n, token, "                                              \
    "(SELECT c.ciphertext FROM card c WHERE c.token = i.token) AS ciphertext FROM " source "), " \
    "log AS (INSERT INTO audit (client, action, n_items, tokens) "                               \
    "SELECT 'app', 'detokenize', count(*), "                                                     \
    "string_agg(token, '') FILTER (WHERE ciphertext IS NOT NULL) FROM found) "                   \
    "SELECT n, ciphertext FROM found"

static const struct {
    const char *name, *sql;
} statements[] = {
    { "tokenize1", TOKENIZE("(SELECT $1::bytea AS token, $2::bytea AS fp, $3::bytea AS ciphertext, "
                            "1::int8 AS n) AS i") },
    { "tokenize", TOKENIZE("unnest($1::bytea[], $2::bytea[], $3::bytea[]) "
                           "WITH ORDINALITY AS i (token, fp, ciphertext, n)") },
    { "detokenize1", DETOKENIZE("(SELECT $1::bytea AS token, 1::int8 AS n) AS i") },
    { "detokenize", DETOKENIZE("unnest($1::bytea[]) WITH ORDINALITY AS i (token, n)") },
};

/* --- workers --- */

static bool prepare_all(PGconn *db)
{
    bool good = PQstatus(db) == CONNECTION_OK;
    for (size_t i = 0; i < sizeof statements / sizeof statements[0] && good; i++) {
        PGresult *r = PQprepare(db, statements[i].name, statements[i].sql, 0, NULL);
        good = PQresultStatus(r) == PGRES_COMMAND_OK;
        PQclear(r);
    }
    return good;
}

static PGconn *connect_db(void)
{
    /*
     * One descent of an index for each card, whatever the statistics of a new table would suggest.
     */
    static const char options[] =
        "-c synchronous_commit=on -c jit=off -c enable_seqscan=off "
        "-c plan_cache_mode=force_generic_plan -c client_min_messages=warning";
    const char *const names[] = { "dbname", "options", NULL };
    const char *const values[] = { conninfo, options, NULL };
    PGconn *db = PQconnectdbParams(names, values, 1);
    if (PQstatus(db) != CONNECTION_OK) {
        plain_die("the database", PQerrorMessage(db));
    }
    return db;
}

static EVP_MAC_CTX *new_mac(void)
{
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(hmac);
    OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string("digest", (char[]){ "SHA256" }, 0),
                            OSSL_PARAM_construct_end() };
    bool good = ctx != NULL && EVP_MAC_init(ctx, secret + 32, 32, params) == 1;
    EVP_MAC_free(hmac);
    return good ? ctx : NULL;
}

static void add_worker(void)
{
    struct worker *w = calloc(1, sizeof *w);
    if (w == NULL) {
        plain_die("a worker", "no memory");
    }
    w->db = connect_db();
    w->seal = EVP_CIPHER_CTX_new();
    w->open = EVP_CIPHER_CTX_new();
    w->mac = new_mac();
    if (!prepare_all(w->db)) {
        plain_die("the statements", PQerrorMessage(w->db));
    }
    if (w->seal == NULL || w->open == NULL || w->mac == NULL ||
        EVP_EncryptInit_ex(w->seal, EVP_aes_256_gcm(), NULL, secret, NULL) != 1 ||
        EVP_DecryptInit_ex(w->open, EVP_aes_256_gcm(), NULL, secret, NULL) != 1) {
        plain_die("crypto", "not available");
    }
    w->next = idle;
    idle = w;
}

/* The one used last comes first: its memory and its server process are the warmest. */
static struct worker *take_worker(void)
{
    pthread_mutex_lock(&idle_lock);
    while (idle == NULL) {
        pthread_cond_wait(&idle_more, &idle_lock);
    }
    struct worker *w = idle;
    idle = w->next;
    pthread_mutex_unlock(&idle_lock);
    return w;
}

static void give_worker(struct worker *w)
{
    pthread_mutex_lock(&idle_lock);
    w->next = idle;
    idle = w;
    pthread_cond_signal(&idle_more);
    pthread_mutex_unlock(&idle_lock);
}

/* --- cards --- */

static bool seal(struct worker *w, struct plain_item *i)
{
    uint8_t *out = i->ciphertext;
    int len = 0, n = (int)i->pan_len;
    size_t fp_len = 0;
    memcpy(out, i->nonce, PLAIN_NONCE_LEN);
    i->ciphertext_len = PLAIN_NONCE_LEN + i->pan_len + PLAIN_TAG_LEN;
    return EVP_EncryptInit_ex(w->seal, NULL, NULL, NULL, i->nonce) == 1 &&
           EVP_EncryptUpdate(w->seal, NULL, &len, i->token, PLAIN_TOKEN_LEN) == 1 &&
           EVP_EncryptUpdate(w->seal, out + PLAIN_NONCE_LEN, &len, (const uint8_t *)i->pan, n) ==
               1 &&
           EVP_EncryptFinal_ex(w->seal, out + PLAIN_NONCE_LEN + n, &len) == 1 &&
           EVP_CIPHER_CTX_ctrl(w->seal, EVP_CTRL_AEAD_GET_TAG, PLAIN_TAG_LEN,
                               out + PLAIN_NONCE_LEN + n) == 1 &&
           EVP_MAC_init(w->mac, NULL, 0, NULL) == 1 &&
           EVP_MAC_update(w->mac, (const uint8_t *)i->pan, i->pan_len) == 1 &&
           EVP_MAC_final(w->mac, i->fp, &fp_len, PLAIN_FP_LEN) == 1;
}

static bool unseal(struct worker *w, struct plain_item *i, const uint8_t *in, size_t in_len)
{
    int len = 0, n = (int)in_len - PLAIN_NONCE_LEN - PLAIN_TAG_LEN;
    uint8_t tag[PLAIN_TAG_LEN];
    if (n < 0 || n > PLAIN_PAN_MAX) {
        return false;
    }
    memcpy(tag, in + PLAIN_NONCE_LEN + n, PLAIN_TAG_LEN);
    i->pan_len = (size_t)n;
    return EVP_DecryptInit_ex(w->open, NULL, NULL, NULL, in) == 1 &&
           EVP_DecryptUpdate(w->open, NULL, &len, i->token, PLAIN_TOKEN_LEN) == 1 &&
           EVP_DecryptUpdate(w->open, (uint8_t *)i->pan, &len, in + PLAIN_NONCE_LEN, n) == 1 &&
           EVP_CIPHER_CTX_ctrl(w->open, EVP_CTRL_AEAD_SET_TAG, PLAIN_TAG_LEN, tag) == 1 &&
           EVP_DecryptFinal_ex(w->open, (uint8_t *)i->pan + n, &len) == 1;
}

static int by_fp(const void *a, const void *b)
{
    return memcmp((*(struct plain_item *const *)a)->fp, (*(struct plain_item *const *)b)->fp,
                  PLAIN_FP_LEN);
}

/* Encrypts the good items and lists each card once. */
static bool seal_all(struct worker *w, struct plain_request *r)
{
    size_t n = 0;
    for (size_t k = 0; k < r->n; k++) {
        struct plain_item *i = &r->items[k];
        if (i->status != 200) {
            continue;
        }
        if (RAND_bytes(i->token, PLAIN_TOKEN_LEN) != 1 ||
            RAND_bytes(i->nonce, PLAIN_NONCE_LEN) != 1 || !seal(w, i)) {
            return false;
        }
        r->distinct[n++] = i;
    }
    qsort(r->distinct, n, sizeof(struct plain_item *), by_fp);
    for (size_t k = 0; k < n; k++) {
        if (k == 0 || by_fp(&r->distinct[k], &r->distinct[r->n_distinct - 1]) != 0) {
            r->distinct[r->n_distinct++] = r->distinct[k];
        }
    }
    return true;
}

/* --- the database --- */

/* Parameters of one statement: each a bytea, or an array of them, in binary. */
struct params {
    int n;
    const char *values[3];
    int lengths[3], formats[3];
    struct jt_buf arrays[3];
};

static void param(struct params *p, struct plain_item *const *items, size_t n, size_t offset,
                  size_t len, bool single)
{
    struct jt_buf *b = &p->arrays[p->n];
    jt_buf_init(b, ARRAY_MAX);
    if (!single) {
        const uint32_t head[] = { 1, 0, BYTEA_OID, (uint32_t)n, 1 };
        for (size_t i = 0; i < sizeof head / sizeof head[0]; i++) {
            jt_buf_u32(b, head[i]);
        }
    }
    for (size_t i = 0; i < n; i++) {
        size_t own = len == 0 ? items[i]->ciphertext_len : len;
        if (!single) {
            jt_buf_u32(b, (uint32_t)own);
        }
        jt_buf_put(b, (const uint8_t *)items[i] + offset, own);
    }
    p->values[p->n] = (const char *)b->data;
    p->lengths[p->n] = (int)b->len;
    p->formats[p->n++] = 1;
}

#define PARAM(p, items, n, member, len, single) \
    param(p, items, n, offsetof(struct plain_item, member), len, single)

/*
 * The answer, committed; NULL when the database failed. The connection is made anew for the next
 * request then.
 */
static PGresult *execute(struct worker *w, const char *statement, struct params *p)
{
    PGresult *answer = NULL;
    bool good = true;
    for (int i = 0; i < p->n; i++) {
        good = good && jt_buf_status(&p->arrays[i]) == JT_OK;
    }
    if (good) {
        answer = PQexecPrepared(w->db, statement, p->n, p->values, p->lengths, p->formats, 1);
    }
    for (int i = 0; i < p->n; i++) {
        jt_buf_clear(&p->arrays[i]);
    }
    if (good && PQresultStatus(answer) != PGRES_TUPLES_OK) {
        fprintf(stderr, "plain_service: %s", PQerrorMessage(w->db));
        PQclear(answer);
        answer = NULL;
        if (PQstatus(w->db) != CONNECTION_OK) {
            PQreset(w->db);
            (void)prepare_all(w->db);
        }
    }
    return answer;
}

/*
 * Row `row` of the answer belongs to the item whose number, counted from 1, stands in its first
 * column.
 */
static size_t place(const PGresult *answer, int row)
{
    return (size_t)jt_get_u64((const uint8_t *)PQgetvalue(answer, row, 0)) - 1;
}

/* Returns the number of cards that still have no token, or -1. */
static int ask_for_tokens(struct worker *w, struct plain_request *r)
{
    struct params p = { 0 };
    bool single = r->n_distinct == 1;
    int missing = 0;
    PARAM(&p, r->distinct, r->n_distinct, token, PLAIN_TOKEN_LEN, single);
    PARAM(&p, r->distinct, r->n_distinct, fp, PLAIN_FP_LEN, single);
    PARAM(&p, r->distinct, r->n_distinct, ciphertext, 0, single);
    PGresult *answer = execute(w, single ? "tokenize1" : "tokenize", &p);
    if (answer == NULL) {
        return -1;
    }
    for (int row = 0; row < PQntuples(answer); row++) {
        if (PQgetisnull(answer, row, 1)) {
            missing++;
        } else {
            memcpy(r->distinct[place(answer, row)]->token, PQgetvalue(answer, row, 1),
                   PLAIN_TOKEN_LEN);
        }
    }
    PQclear(answer);
    return missing;
}

static int tokenize(struct worker *w, struct plain_request *r)
{
    int missing = 0;
    if (!seal_all(w, r)) {
        return 500;
    }
    if (r->n_distinct == 0) {
        return 200;
    }
    for (int tries = 0; tries == 0 || (missing > 0 && tries < TRIES); tries++) {
        missing = ask_for_tokens(w, r);
    }
    /* A card that stands twice in the batch has the token of its first. */
    for (size_t i = 0; i < r->n && missing == 0; i++) {
        struct plain_item *item = &r->items[i];
        if (item->status == 200) {
            struct plain_item **first =
                bsearch(&item, r->distinct, r->n_distinct, sizeof item, by_fp);
            memcpy(item->token, (*first)->token, PLAIN_TOKEN_LEN);
        }
    }
    return missing == 0 ? 200 : 503;
}

static int detokenize(struct worker *w, struct plain_request *r)
{
    struct params p = { 0 };
    for (size_t i = 0; i < r->n; i++) {
        if (r->items[i].status == 200) {
            r->distinct[r->n_distinct++] = &r->items[i];
        }
    }
    bool single = r->n_distinct == 1;
    if (r->n_distinct == 0) {
        return 200;
    }
    PARAM(&p, r->distinct, r->n_distinct, token, PLAIN_TOKEN_LEN, single);
    PGresult *answer = execute(w, single ? "detokenize1" : "detokenize", &p);
    if (answer == NULL) {
        return 503;
    }
    for (int row = 0; row < PQntuples(answer); row++) {
        struct plain_item *i = r->distinct[place(answer, row)];
        const uint8_t *ciphertext = (const uint8_t *)PQgetvalue(answer, row, 1);
        size_t len = (size_t)PQgetlength(answer, row, 1);
        if (PQgetisnull(answer, row, 1)) {
            i->status = 404;
        } else if (!unseal(w, i, ciphertext, len)) {
            i->status = 500;
        }
    }
    PQclear(answer);
    return 200;
}

/* --- the two verbs --- */

void plain_cards_start(const char *to, const uint8_t key[static PLAIN_SECRET_LEN], unsigned n)
{
    conninfo = to;
    secret = key;
    PGconn *db = connect_db();
    PGresult *made = PQexec(db, schema);
    if (PQresultStatus(made) != PGRES_COMMAND_OK) {
        plain_die("the tables", PQerrorMessage(db));
    }
    PQclear(made);
    PQfinish(db);
    for (unsigned i = 0; i < n; i++) {
        add_worker();
    }
}

int plain_tokenize(struct plain_request *r)
{
    struct worker *w = take_worker();
    int status = tokenize(w, r);
    give_worker(w);
    return status;
}

int plain_detokenize(struct plain_request *r)
{
    struct worker *w = take_worker();
    int status = detokenize(w, r);
    give_worker(w);
    return status;
}

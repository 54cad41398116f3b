/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of an application's, in the application's own database: what the `jeton column` commands
 * do there. Never used by a daemon: Jeton's server does not connect to such a database.
 *
 * The connection is one of store/db.h: its search path has nothing of the application's, its
 * planner takes indices only, and row security that would hide rows is an error. Names come from a
 * struct jt_appcolumn, whose form leaves nothing to escape; keys and types are as the server tells.
 * Every row is reached by one of two indices, without which nothing here runs; nothing scans the
 * table. What is written is compared with what was read, and rows that somebody else has locked are
 * passed by: a running application is never waited for and never deadlocked with.
 *
 * Rows hold card numbers: jt_foreign_rows_clear wipes them.
 */
#ifndef JETON_STORE_FOREIGNTABLE_H
#define JETON_STORE_FOREIGNTABLE_H

#include "store/db.h"
#include "model/appcolumn.h"

#include <stddef.h>

#define JT_FOREIGN_VALUE_MAX    64 /* characters: no card number is as long */
#define JT_FOREIGN_ENVELOPE_MAX 64
#define JT_FOREIGN_SQL_MAX      1200

struct jt_foreign {
    struct jt_db *db;
    struct jt_appcolumn column;
    char key_type[JT_APP_NAME_MAX + 1];
    char table[2 * JT_APP_NAME_MAX + 8]; /* quoted */

    /* what the catalogue says */
    bool is_table;     /* an ordinary one without children, there, with a key, of types that go */
    bool has_value;    /* the value column is there: it may be dropped when all is encrypted */
    bool has_envelope; /* the column is there, and bytea */
    bool value_null;   /* the value column may be NULL */
    bool key_unique;   /* NOT NULL, and of a unique index of its own */
    bool by_value;     /* the index of the plain rows is there, and valid */
    bool by_key_id;    /* the same of the envelopes, by key id */
    bool plain_in_way, key_id_in_way; /* an index of the name that one of the two would have */
    bool is_standby;
};

/*
 * Connects by a connection string, or by libpq's environment where it is empty.
 * JT_ERR_BAD_CONNINFO: it is none, or has a password in it, which every user of the machine could
 * read. jt_foreign_close in any case.
 */
enum jt_err jt_foreign_open(const char *conninfo, struct jt_foreign *out) JT_CHECKED;
void jt_foreign_close(struct jt_foreign *f);

/* Fills column.database. */
enum jt_err jt_foreign_database(struct jt_foreign *f) JT_CHECKED;

/* Looks the column, of which the names are there, up in the catalogue. */
enum jt_err jt_foreign_inspect(struct jt_foreign *f) JT_CHECKED;

/* What is there, and ready for work. */
static inline bool jt_foreign_ready(const struct jt_foreign *f)
{
    return f->is_table && f->has_envelope && f->key_unique && f->by_key_id && !f->is_standby &&
           (!f->has_value || (f->value_null && f->by_value));
}

/*
 * The statements that make what is missing, one at a time, from 0 on; false: there are no more.
 * None of them is for a transaction.
 */
bool jt_foreign_preparation(const struct jt_foreign *f, int i, char sql[static JT_FOREIGN_SQL_MAX]);
/* Runs one of them. Waits at most three seconds for what locks the table. */
enum jt_err jt_foreign_run(struct jt_foreign *f, const char *sql) JT_CHECKED;

struct jt_foreign_row {
    char *key;                            /* its text */
    char value[JT_FOREIGN_VALUE_MAX + 1]; /* empty where it is longer */
    char version[40];                     /* names this version of the row */
    uint8_t envelope[JT_FOREIGN_ENVELOPE_MAX];
    uint8_t envelope_len;
    uint8_t fresh[JT_FOREIGN_ENVELOPE_MAX]; /* the caller's: what is to be written */
    uint8_t fresh_len;                      /* 0: nothing */
};

struct jt_foreign_rows {
    struct jt_foreign_row *all;
    size_t n;
};
void jt_foreign_rows_clear(struct jt_foreign_rows *rows);

/*
 * The next plain rows in the order of keys, after `after` (NULL: from the first), at most `limit`.
 * With `unsealed` only those without an envelope.
 */
enum jt_err jt_foreign_next_plain(struct jt_foreign *f, const char *after, bool unsealed,
                                  size_t limit, struct jt_foreign_rows *out) JT_CHECKED;

/* The next rows whose envelopes have this key id. */
enum jt_err jt_foreign_next_sealed(struct jt_foreign *f, uint8_t key_id, const char *after,
                                   size_t limit, struct jt_foreign_rows *out) JT_CHECKED;

/*
 * Writes the fresh envelopes and takes the plain values away, unless they are kept, where the row
 * is of the version that was read. *n: so many.
 */
enum jt_err jt_foreign_seal(struct jt_foreign *f, const struct jt_foreign_rows *rows,
                            bool keep_plain, uint64_t *n) JT_CHECKED;

/* Puts the fresh envelopes in the place of those that were read, where they stand. */
enum jt_err jt_foreign_reseal(struct jt_foreign *f, const struct jt_foreign_rows *rows,
                              uint64_t *n) JT_CHECKED;

/* None, where the value column is gone. */
enum jt_err jt_foreign_count_plain(struct jt_foreign *f, uint64_t *n) JT_CHECKED;
enum jt_err jt_foreign_count_sealed(struct jt_foreign *f, uint8_t key_id, uint64_t *n) JT_CHECKED;

/* The least key id above `above` that an envelope has; 0: there is none. */
enum jt_err jt_foreign_next_key_id(struct jt_foreign *f, uint8_t above, uint8_t *out) JT_CHECKED;

/* Some rows with envelopes, from blocks here and there of the table. */
enum jt_err jt_foreign_sample(struct jt_foreign *f, size_t limit,
                              struct jt_foreign_rows *out) JT_CHECKED;

/* One snapshot for what is read until the end. */
enum jt_err jt_foreign_begin_snapshot(struct jt_foreign *f) JT_CHECKED;
void jt_foreign_end_snapshot(struct jt_foreign *f);

/* The statement by which the database refuses plain values from then on. */
void jt_foreign_forbid(const struct jt_foreign *f, char sql[static JT_FOREIGN_SQL_MAX]);
/* Whether it was run. */
enum jt_err jt_foreign_is_forbidden(struct jt_foreign *f, bool *out) JT_CHECKED;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the `jeton column` commands share: the column as the server knows it, the table itself, and
 * batches of rows on their way through the server.
 *
 * The server is asked by REST with the caller's API key, the table by a connection of the caller's
 * own. Neither is told of the other.
 */
#ifndef JETON_CLI_COLUMN_H
#define JETON_CLI_COLUMN_H

#include "cli/options.h"
#include "cli/rest.h"
#include "model/field.h"
#include "store/foreigntable.h"

#include <signal.h>

#define JT_COLUMN_PATH  (sizeof "/v1/fields//column/counts" + JT_FIELD_NAME_MAX)
#define JT_COLUMN_BATCH 1000

#define JT_COLUMN_DATABASE(target)                                                        \
    JT_TEXT("database", "CONNINFO", target,                                               \
            "where the application's database is, as libpq takes it, without a password " \
            "(the environment: PGHOST, PGSERVICE, PGPASSFILE and so on)")

/* A generation as the server tells of it. */
struct jt_column_key {
    uint64_t generation;
    uint8_t key_id;
    bool active;
    char state[16];
};

struct jt_column_job {
    const struct jt_cli *cli;
    const char *field;
    struct jt_rest_line line;
    struct jt_foreign table;
    uint64_t epoch;
    size_t n_keys;
    struct jt_column_key keys[255];

    /* of all batches */
    uint64_t n_refused, n_later; /* for good, and in passing */
    struct jt_buf refused;       /* lines "key,reason"; as many as there is room for */
    size_t n_told;
    struct {
        char name[40];
        uint64_t n;
    } reasons[16];
    size_t n_reasons;
};

/* JT_GO_ON, or an exit code after a message: that is no name of a field. */
int jt_column_path(const struct jt_command *self, const char *field, const char *suffix,
                   char out[static JT_COLUMN_PATH]);

/*
 * Asks for the column, connects and looks it up. With `ready` it must be prepared, or what is
 * missing is told. JT_EXIT_OK or an exit code after a message. jt_column_close in any case.
 */
int jt_column_open(const struct jt_cli *cli, const char *field, const char *database, bool ready,
                   struct jt_column_job *out);
void jt_column_close(struct jt_column_job *job);

/* Asks for the column again: its epoch and generations. */
int jt_column_refresh(struct jt_column_job *job);

/* Tells that something failed in the database, without what could be a card number there. */
int jt_column_complain(const struct jt_foreign *table, const char *what, enum jt_err err);

/* Whether the card numbers' column is there. JT_EXIT_OK, or an exit code after a message. */
int jt_column_need_value(const struct jt_foreign *table);

/* Prints what is to be run, or what is wrong with the table. */
int jt_column_tell_missing(const struct jt_foreign *table);

enum jt_column_verb { JT_COLUMN_ENCRYPT, JT_COLUMN_VERIFY, JT_COLUMN_REENCRYPT };

/*
 * Sends rows: their values to be encrypted, their fresh envelopes to be verified against the
 * values, their envelopes to be encrypted again. What comes back is in `fresh`; a row of which
 * nothing comes has fresh_len 0 then, and is counted and told by its key. JT_EXIT_OK, or an exit
 * code after a message.
 */
int jt_column_send(struct jt_column_job *job, enum jt_column_verb verb,
                   struct jt_foreign_rows *rows);

/* Opens the envelopes as they are; how many do not open is counted as refused. */
int jt_column_try(struct jt_column_job *job, struct jt_foreign_rows *rows);

/* Notes a row that is left as it is: `key` is shown unless it could be a card number. */
void jt_column_refuse(struct jt_column_job *job, const char *key, const char *reason);

/* Those that were refused so far count no more: they are met again. */
void jt_column_forget_refused(struct jt_column_job *job);

/*
 * Prints how many rows were left, by reason, and lists them in a file unless `path` is NULL.
 * JT_EXIT_OK, or an exit code after a message.
 */
int jt_column_tell_refused(struct jt_column_job *job, const char *path);

/*
 * Counts the envelopes under generations that drain or are retired, says so to the server, and
 * again where the ring has changed meanwhile. *left: all of them.
 */
int jt_column_report(struct jt_column_job *job, uint64_t *left);

/* From here on SIGINT, SIGTERM and SIGHUP end the command between two batches. */
void jt_column_catch_signals(struct jt_cli *cli);
extern volatile sig_atomic_t jt_column_interrupted;

/* Waits so that no more than `rate` rows a second have been done since `began_ms`; 0: does not. */
void jt_column_pace(int64_t began_ms, uint64_t n, long rate);

#endif

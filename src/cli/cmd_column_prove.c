/* SPDX-License-Identifier: Apache-2.0 */
/* `jeton column prove`: that no card number is left in the clear, and that what is there opens. */
#include "cli/column.h"
#include "cli/exit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char not_proved[] =
    "This says nothing of copies that the database keeps elsewhere: old versions of the rows "
    "until\n"
    "VACUUM has been there, statistics of the column until ANALYZE, indices on it, the log that\n"
    "replication and recovery read, backups, standbys, logs, and other tables.\n";

static bool is_known(const struct jt_column_job *job, uint8_t key_id)
{
    for (size_t i = 0; i < job->n_keys; i++) {
        if (job->keys[i].key_id == key_id) {
            return true;
        }
    }
    return false;
}

/* In one snapshot, by the two indices. *good: none in the clear, and all key ids are known. */
static enum jt_err look(struct jt_column_job *job, bool *good)
{
    uint64_t n = 0;
    uint8_t key_id = 0;
    enum jt_err err = jt_foreign_count_plain(&job->table, &n);
    *good = err == JT_OK && n == 0;
    if (err == JT_OK && n > 0) {
        jt_complain("%" PRIu64 " rows have their card number in the clear", n);
    }
    if (err == JT_OK) {
        err = jt_foreign_count_sealed(&job->table, 0, &n);
    }
    if (err == JT_OK && n > 0) {
        jt_complain("%" PRIu64 " rows have something else where the envelope should be", n);
        *good = false;
    }
    while (err == JT_OK) {
        err = jt_foreign_next_key_id(&job->table, key_id, &key_id);
        if (err != JT_OK || key_id == 0) {
            break;
        }
        if (!is_known(job, key_id)) {
            err = jt_foreign_count_sealed(&job->table, key_id, &n);
            jt_complain("%" PRIu64 " envelopes bear key id %d, which no generation has that there "
                        "is",
                        n, key_id);
            *good = false;
        }
    }
    return err;
}

static int look_in_snapshot(struct jt_column_job *job, bool *good)
{
    enum jt_err err = jt_foreign_begin_snapshot(&job->table);
    if (err == JT_OK) {
        err = look(job, good);
        jt_foreign_end_snapshot(&job->table);
    }
    return err == JT_OK ? JT_EXIT_OK
                        : jt_column_complain(&job->table, "the table cannot be read", err);
}

/* Some envelopes, which must open in their rows. */
static int try_some(struct jt_column_job *job, long sample, bool *good, size_t *n)
{
    struct jt_foreign_rows rows;
    enum jt_err err = jt_foreign_sample(&job->table, (size_t)sample, &rows);
    if (err != JT_OK) {
        return jt_column_complain(&job->table, "the table cannot be read", err);
    }
    *n = rows.n;
    int code = jt_column_try(job, &rows);
    jt_foreign_rows_clear(&rows);
    if (job->n_refused > 0 || job->n_later > 0) {
        jt_complain("%" PRIu64 " of %zu envelopes do not open in their rows",
                    job->n_refused + job->n_later, *n);
        *good = false;
    }
    return code;
}

static int forbid(struct jt_column_job *job)
{
    char sql[JT_FOREIGN_SQL_MAX];
    bool there = false;
    enum jt_err err = jt_foreign_is_forbidden(&job->table, &there);
    if (err == JT_OK && !there) {
        jt_foreign_forbid(&job->table, sql);
        fprintf(stderr, "%s;\n", sql);
        err = jt_foreign_run(&job->table, sql);
    }
    return err == JT_OK ? JT_EXIT_OK
                        : jt_column_complain(&job->table, "the constraint cannot be made", err);
}

/* What a constraint is to hold is looked at again once it holds. */
static int prove(struct jt_column_job *job, long sample, bool forbids)
{
    bool good = false;
    size_t n = 0;
    int code = look_in_snapshot(job, &good);
    if (code == JT_EXIT_OK && good && forbids && job->table.has_value) {
        code = forbid(job);
        code = code == JT_EXIT_OK ? look_in_snapshot(job, &good) : code;
    }
    if (code == JT_EXIT_OK && sample > 0) {
        code = try_some(job, sample, &good, &n);
    }
    if (code == JT_EXIT_OK && good) {
        printf("no row has its card number in the clear; every envelope bears the key id of a "
               "generation\nthat there is; %zu envelopes were opened in their rows%s\n",
               n, forbids ? "; the database refuses card numbers in the clear from now on" : "");
        fputs(not_proved, stdout);
    }
    return code == JT_EXIT_OK && !good ? JT_EXIT_STUCK : code;
}

int jt_cmd_column_prove(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *field = NULL, *database = "";
    long sample = 100;
    bool forbids = false;
    char path[JT_COLUMN_PATH];
    const struct jt_option options[] = {
        JT_COLUMN_DATABASE(&database),
        JT_NUMBER("sample", "N", &sample, 0, JT_COLUMN_BATCH, "open so many envelopes (100)"),
        JT_FLAG("forbid", &forbids,
                "add a constraint to the table, so that no card number comes in the clear again"),
    };
    struct jt_parse parse = { options, sizeof options / sizeof options[0], &field, 1, 1, 0 };
    struct jt_column_job job;
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code == JT_GO_ON) {
        code = jt_column_path(self, field, "", path);
    }
    if (code != JT_GO_ON) {
        return code;
    }
    code = jt_column_open(cli, field, database, true, &job);
    if (code == JT_EXIT_OK) {
        code = prove(&job, sample, forbids);
    }
    jt_column_close(&job);
    return code;
}

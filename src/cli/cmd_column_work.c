/* SPDX-License-Identifier: Apache-2.0 */
/* `jeton column encrypt` and `jeton column drain`: what writes to the application's table. */
#include "base/clock.h"
#include "cli/column.h"
#include "cli/exit.h"
#include "cli/output.h"
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASSES_IN_VAIN 5 /* after which rows that others hold are left to the next run */

struct work {
    struct jt_column_job job;
    long rate;
    bool keep_plain, trust;
    const char *rejects;
    struct jt_progress progress;
    int64_t began_ms;
    uint64_t n_all, n_seen, n_done;
    uint64_t n_passed_by; /* in this pass: changed or held by others meanwhile */
};

static void show(struct work *w)
{
    double fraction = w->n_all == 0 ? -1 : (double)w->n_seen / (double)w->n_all;
    jt_progress_update(&w->progress, fraction > 1 ? 1 : fraction, w->n_seen);
    jt_column_pace(w->began_ms, w->n_seen, w->rate);
}

/* The next rows are behind the last of these. */
static bool move_on(const struct jt_foreign_rows *rows, char **after)
{
    char *next = strdup(rows->all[rows->n - 1].key);
    free(*after);
    *after = next;
    return next != NULL;
}

static size_t n_fresh(const struct jt_foreign_rows *rows)
{
    size_t n = 0;
    for (size_t i = 0; i < rows->n; i++) {
        n += rows->all[i].fresh_len > 0;
    }
    return n;
}

static int database_failed(struct work *w, enum jt_err err)
{
    return jt_column_complain(&w->job.table, "the table cannot be used", err);
}

/* --- the walk --- */

/* What a walk goes through, and what is done with each page of it. */
struct walk {
    enum jt_err (*fetch)(struct work *w, uint8_t key_id, const char *after,
                         struct jt_foreign_rows *rows);
    int (*handle)(struct work *w, struct jt_foreign_rows *rows);
};

/* One page; *over: there are no more. */
static int walk_page(struct work *w, const struct walk *walk, uint8_t key_id, char **after,
                     bool *over)
{
    struct jt_foreign_rows rows = { 0 };
    enum jt_err err = jt_db_ensure(w->job.table.db);
    if (err == JT_OK) {
        err = walk->fetch(w, key_id, *after, &rows);
    }
    *over = err == JT_OK && rows.n == 0;
    int code = err != JT_OK ? database_failed(w, err) : *over ? JT_EXIT_OK : walk->handle(w, &rows);
    if (code == JT_EXIT_OK && !*over) {
        w->n_seen += rows.n;
        code = move_on(&rows, after) ? JT_EXIT_OK : JT_EXIT_FAILED;
        show(w);
    }
    jt_foreign_rows_clear(&rows);
    return code;
}

/* Once through all of them, in the order of keys. */
static int walk_through(struct work *w, const struct walk *walk, uint8_t key_id)
{
    char *after = NULL;
    int code = JT_EXIT_OK;
    bool over = false;
    while (code == JT_EXIT_OK && !over && !jt_column_interrupted) {
        code = walk_page(w, walk, key_id, &after, &over);
    }
    free(after);
    return code;
}

/* --- encrypt --- */

static enum jt_err fetch_plain(struct work *w, uint8_t key_id, const char *after,
                               struct jt_foreign_rows *rows)
{
    (void)key_id;
    return jt_foreign_next_plain(&w->job.table, after, w->keep_plain, JT_COLUMN_BATCH, rows);
}

static int seal_rows(struct work *w, struct jt_foreign_rows *rows)
{
    uint64_t n = 0;
    int code = jt_column_send(&w->job, JT_COLUMN_ENCRYPT, rows);
    if (code == JT_EXIT_OK && !w->trust) {
        code = jt_column_send(&w->job, JT_COLUMN_VERIFY, rows);
    }
    if (code != JT_EXIT_OK) {
        return code;
    }
    size_t wanted = n_fresh(rows);
    enum jt_err err = jt_foreign_seal(&w->job.table, rows, w->keep_plain, &n);
    if (err != JT_OK) {
        return database_failed(w, err);
    }
    w->n_done += n;
    w->n_passed_by += wanted - n;
    return JT_EXIT_OK;
}

/* Once through all plain rows. */
static int encrypt_pass(struct work *w)
{
    static const struct walk plain = { fetch_plain, seal_rows };
    w->n_passed_by = 0;
    w->job.n_later = 0;
    jt_column_forget_refused(&w->job);
    return walk_through(w, &plain, 0);
}

/* Passes until nothing is left that others had in hand, or nothing goes on. */
static int encrypt_all(struct work *w)
{
    int code = JT_EXIT_OK, in_vain = 0;
    bool again = true;
    while (code == JT_EXIT_OK && again && !jt_column_interrupted) {
        uint64_t before = w->n_done;
        code = encrypt_pass(w);
        in_vain = w->n_done > before ? 0 : in_vain + 1;
        again = w->n_passed_by + w->job.n_later > 0 && in_vain < PASSES_IN_VAIN;
    }
    return code;
}

static int end_encrypt(struct work *w, int code)
{
    jt_progress_end(&w->progress, NULL);
    fprintf(stderr, "%" PRIu64 " rows encrypted\n", w->n_done);
    int told = jt_column_tell_refused(&w->job, w->rejects);
    code = code == JT_EXIT_OK ? told : code;
    if (code == JT_EXIT_OK && jt_column_interrupted) {
        jt_complain("interrupted; run it again to go on");
        code = JT_EXIT_FAILED;
    }
    uint64_t left = w->n_passed_by + w->job.n_later;
    if (code == JT_EXIT_OK && left > 0) {
        jt_complain("%" PRIu64 " rows were in use all the time; run it again. Or a trigger of the "
                    "table keeps them as they are",
                    left);
        code = JT_EXIT_STUCK;
    }
    return code == JT_EXIT_OK && w->job.n_refused > 0 ? JT_EXIT_STUCK : code;
}

int jt_cmd_column_encrypt(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    struct work w = { .rate = 0 };
    const char *field = NULL, *database = "";
    char path[JT_COLUMN_PATH];
    const struct jt_option options[] = {
        JT_COLUMN_DATABASE(&database),
        JT_NUMBER("rate", "N", &w.rate, 1, 10000000, "at most so many rows a second (no bound)"),
        JT_TEXT("rejects", "FILE", &w.rejects, "list the rows that are left: key and reason"),
        JT_FLAG("keep-plain", &w.keep_plain,
                "write the envelopes and leave the card numbers, for a first phase"),
        JT_FLAG("trust", &w.trust,
                "do not open each envelope before its card number goes: without `decrypt`"),
    };
    struct jt_parse parse = { options, sizeof options / sizeof options[0], &field, 1, 1, 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code == JT_GO_ON) {
        code = jt_column_path(self, field, "", path);
    }
    if (code != JT_GO_ON) {
        return code;
    }
    if (w.rejects != NULL && jt_output_check(w.rejects) != JT_EXIT_OK) {
        return JT_EXIT_FAILED;
    }
    jt_column_catch_signals(cli);
    code = jt_column_open(cli, field, database, true, &w.job);
    code = code == JT_EXIT_OK ? jt_column_need_value(&w.job.table) : code;
    if (code == JT_EXIT_OK) {
        enum jt_err err = jt_foreign_count_plain(&w.job.table, &w.n_all);
        code = err == JT_OK ? JT_EXIT_OK : database_failed(&w, err);
    }
    if (code == JT_EXIT_OK) {
        jt_progress_start(&w.progress, "encrypt", false);
        w.began_ms = jt_clock_ms();
        code = end_encrypt(&w, encrypt_all(&w));
    }
    jt_column_close(&w.job);
    return code;
}

/* --- drain --- */

static enum jt_err fetch_sealed(struct work *w, uint8_t key_id, const char *after,
                                struct jt_foreign_rows *rows)
{
    return jt_foreign_next_sealed(&w->job.table, key_id, after, JT_COLUMN_BATCH, rows);
}

static int reseal_rows(struct work *w, struct jt_foreign_rows *rows)
{
    uint64_t n = 0;
    int code = jt_column_send(&w->job, JT_COLUMN_REENCRYPT, rows);
    if (code != JT_EXIT_OK) {
        return code;
    }
    enum jt_err err = jt_foreign_reseal(&w->job.table, rows, &n);
    w->n_done += n;
    return err == JT_OK ? JT_EXIT_OK : database_failed(w, err);
}

/* Once through the rows under a key id: the application itself may have moved some on. */
static int drain_key(struct work *w, uint8_t key_id)
{
    static const struct walk sealed = { fetch_sealed, reseal_rows };
    return walk_through(w, &sealed, key_id);
}

/* Rows that others held are met again: until none is left, or nothing goes on. */
static int drain_all(struct work *w, uint64_t *left)
{
    int code = jt_column_report(&w->job, left);
    w->n_all = *left;
    for (int in_vain = 0;
         code == JT_EXIT_OK && *left > 0 && in_vain < PASSES_IN_VAIN && !jt_column_interrupted;) {
        uint64_t before = w->n_done;
        jt_column_forget_refused(&w->job);
        for (size_t i = 0; i < w->job.n_keys && code == JT_EXIT_OK; i++) {
            if (!w->job.keys[i].active) {
                code = drain_key(w, w->job.keys[i].key_id);
            }
        }
        if (code == JT_EXIT_OK) {
            code = jt_column_report(&w->job, left);
        }
        in_vain = w->n_done > before ? 0 : in_vain + 1;
        if (*left <= w->job.n_refused) {
            break; /* none of them can be moved */
        }
    }
    return code;
}

int jt_cmd_column_drain(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    struct work w = { .rate = 0 };
    uint64_t left = 0;
    const char *field = NULL, *database = "";
    char path[JT_COLUMN_PATH];
    const struct jt_option options[] = {
        JT_COLUMN_DATABASE(&database),
        JT_NUMBER("rate", "N", &w.rate, 1, 10000000, "at most so many rows a second (no bound)"),
        JT_TEXT("rejects", "FILE", &w.rejects, "list the rows that are left: key and reason"),
    };
    struct jt_parse parse = { options, sizeof options / sizeof options[0], &field, 1, 1, 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code == JT_GO_ON) {
        code = jt_column_path(self, field, "", path);
    }
    if (code != JT_GO_ON) {
        return code;
    }
    if (w.rejects != NULL && jt_output_check(w.rejects) != JT_EXIT_OK) {
        return JT_EXIT_FAILED;
    }
    jt_column_catch_signals(cli);
    code = jt_column_open(cli, field, database, true, &w.job);
    if (code == JT_EXIT_OK) {
        jt_progress_start(&w.progress, "drain", false);
        w.began_ms = jt_clock_ms();
        code = drain_all(&w, &left);
        jt_progress_end(&w.progress, NULL);
        fprintf(stderr, "%" PRIu64 " rows encrypted again\n", w.n_done);
        int told = jt_column_tell_refused(&w.job, w.rejects);
        code = code == JT_EXIT_OK ? told : code;
    }
    if (code == JT_EXIT_OK && left > 0) {
        jt_complain("%" PRIu64 " envelopes are left under older keys; run it again%s", left,
                    w.job.n_refused > 0 ? ", once those that do not open are mended" : "");
        code = jt_column_interrupted ? JT_EXIT_FAILED : JT_EXIT_STUCK;
    }
    jt_column_close(&w.job);
    return code;
}

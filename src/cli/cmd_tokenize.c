/* SPDX-License-Identifier: Apache-2.0 */
/* `jeton tokenize` and `jeton detokenize`: one column of a CSV file, replaced. */
#include "cli/conveyor.h"
#include "cli/exit.h"
#include "cli/input.h"
#include "cli/options.h"
#include "model/field.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct request {
    const char *field, *column, *in, *out, *rejects;
    long batch, connections;
    const char *expires_at; /* of tokenize only */
    bool progress, fail_on_reject;
};

static volatile sig_atomic_t interrupted;

/*
 * A signal that comes just before a read() would not end its wait: an alarm repeats it until the
 * job has ended.
 */
static void on_signal(int number)
{
    if (number != SIGALRM) {
        interrupted = number;
    }
    alarm(1);
}

/* From here on a signal ends the job in order, so that no half-written file stays. */
static void catch_signals(void)
{
    const struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

/* Whether two paths with their endings mean one file, which need not exist yet. */
static bool same_file(const char *a, const char *a_end, const char *b, const char *b_end)
{
    char path[2][4096];
    struct stat st[2];
    snprintf(path[0], sizeof path[0], "%s%s", a, a_end);
    snprintf(path[1], sizeof path[1], "%s%s", b, b_end);
    return strcmp(path[0], path[1]) == 0 ||
           (stat(path[0], &st[0]) == 0 && stat(path[1], &st[1]) == 0 &&
            st[0].st_dev == st[1].st_dev && st[0].st_ino == st[1].st_ino);
}

/*
 * Whether one of the files would be written over another. Asked again when FILE.part of both
 * outputs is there, because only then other spellings of a name are seen through.
 */
static bool collide(const struct request *r)
{
    return same_file(r->in, "", r->out, "") || same_file(r->in, "", r->rejects, "") ||
           same_file(r->out, "", r->rejects, "") || same_file(r->in, "", r->out, ".part") ||
           same_file(r->in, "", r->rejects, ".part") ||
           same_file(r->out, ".part", r->rejects, "") || same_file(r->rejects, ".part", r->out, "");
}

#define COLLISION "--in, --out and --rejects must be different files, and so must FILE.part of each"

/* Those of RFC 3339; the server reads what is made of them. */
#define TIME_CHARACTERS "0123456789TZ:.+-"

/* What is missing or wrong on the command line. */
static int check(const struct jt_command *self, const struct request *r)
{
    const char *missing = r->field == NULL     ? "field"
                          : r->column == NULL  ? "column"
                          : r->in == NULL      ? "in"
                          : r->out == NULL     ? "out"
                          : r->rejects == NULL ? "rejects"
                                               : NULL;
    if (missing != NULL) {
        return jt_usage_error(self, "--%s is missing", missing);
    }
    if (!jt_field_name_valid(r->field)) {
        return jt_usage_error(self,
                              "--field must be 1 to 64 of a-z 0-9 _ . - and start with a letter");
    }
    if (collide(r)) {
        return jt_usage_error(self, COLLISION);
    }
    if (r->expires_at != NULL && (r->expires_at[0] == '\0' ||
                                  r->expires_at[strspn(r->expires_at, TIME_CHARACTERS)] != '\0')) {
        return jt_usage_error(self, "--expires-at must be a time as in 2026-11-01T00:00:00Z");
    }
    return JT_GO_ON;
}

/* Reads the header, finds the column and writes both headers. */
static int do_header(const struct request *r, struct jt_conveyor_job *job)
{
    struct jt_csv_record header;
    enum jt_err err = jt_csv_next(job->in, &header);
    if (err == JT_ERR_INVALID) {
        jt_complain("%s: line %" PRIu64 ": the quoted field that begins there is never closed",
                    r->in, job->in->open_quote_line);
        return JT_EXIT_FAILED;
    }
    if (err == JT_OK && header.malformed) {
        err = JT_ERR_INVALID;
    }
    if (err != JT_OK) {
        jt_complain("%s: %s", r->in,
                    err == JT_ERR_NO_RECORD ? "has no header line"
                    : err == JT_ERR_IO      ? strerror(errno)
                                            : "has no readable header line");
        return JT_EXIT_FAILED;
    }
    err = jt_csv_find_column(job->in, &header, r->column);
    if (err != JT_OK) {
        jt_complain("%s: %s column is called %s", r->in,
                    err == JT_ERR_COLUMN_TWICE ? "more than one" : "no", r->column);
        return JT_EXIT_FAILED;
    }
    job->n_columns = header.n_fields;
    struct jt_buf text;
    jt_buf_init(&text, JT_CSV_RECORD_MAX);
    jt_buf_put(&text, header.raw, header.raw_len);
    int code = jt_output_write(job->out, &text);
    if (code == JT_EXIT_OK) {
        jt_buf_put(&text, "line,reason\n", strlen("line,reason\n"));
        code = jt_output_write(job->rejects, &text);
    }
    jt_buf_clear(&text);
    return code;
}

static void tell(const struct jt_conveyor_job *job, const struct jt_conveyor_result *result)
{
    uint64_t rejected = result->n_rows - result->n_accepted;
    double rate = result->elapsed_s > 0 ? (double)result->n_rows / result->elapsed_s : 0;
    fprintf(stderr,
            "%s: %" PRIu64 " rows in %.1f s (%.0f rows/s): %" PRIu64 " accepted, %" PRIu64
            " rejected, %" PRIu64 " retries\n",
            job->direction->verb, result->n_rows, result->elapsed_s, rate, result->n_accepted,
            rejected, result->n_retries);
    for (size_t i = 0; i < result->reasons.n; i++) {
        fprintf(stderr, "  %-24s %12" PRIu64 "\n", result->reasons.names[i],
                result->reasons.counts[i]);
    }
}

/* With the files open: the job itself, and what becomes of the files. */
static int run(const struct request *r, const struct jt_input *in, struct jt_conveyor_job *job)
{
    struct jt_conveyor_result result;
    int code = do_header(r, job);
    if (code != JT_EXIT_OK) {
        return code;
    }
    code = jt_conveyor_run(job, &interrupted, &result);
    if (code == JT_EXIT_OK) {
        code = jt_input_check_unchanged(in, job->in->consumed);
    }
    if (code != JT_EXIT_OK) {
        jt_complain("stopped after %" PRIu64 " rows; %s is not written", result.n_rows, r->out);
        return code;
    }
    code = jt_output_commit(job->rejects);
    if (code == JT_EXIT_OK) {
        code = jt_output_commit(job->out);
    }
    if (code == JT_EXIT_OK) {
        tell(job, &result);
    }
    return code == JT_EXIT_OK && r->fail_on_reject && result.n_accepted < result.n_rows
               ? JT_EXIT_FAILED
               : code;
}

static int open_and_run(const struct jt_cli *cli, const struct request *r,
                        const struct jt_direction *direction)
{
    struct jt_endpoint endpoint = { 0 };
    struct jt_csv csv;
    struct jt_output out = { .fd = -1 }, rejects = { .fd = -1 };
    struct jt_input in;
    int code = jt_input_open(r->in, &in);
    jt_csv_init(&csv, in.fd);
    if (code == JT_EXIT_OK) {
        code = jt_endpoint_open(cli, &endpoint);
    }
    if (code == JT_EXIT_OK) {
        catch_signals();
        code = jt_output_open(r->out, &out);
    }
    if (code == JT_EXIT_OK) {
        code = jt_output_open(r->rejects, &rejects);
    }
    if (code == JT_EXIT_OK && collide(r)) {
        jt_complain(COLLISION);
        code = JT_EXIT_FAILED;
    }
    if (code == JT_EXIT_OK) {
        struct jt_conveyor_job job = {
            .endpoint = &endpoint,
            .direction = direction,
            .field = r->field,
            .in = &csv,
            .out = &out,
            .rejects = &rejects,
            .batch_rows = (size_t)r->batch,
            .n_connections = (size_t)r->connections,
            .retry_for_s = cli->retry_for_s >= 0 ? cli->retry_for_s : 30,
            .in_size = jt_input_size(&in),
            .want_bar = r->progress,
        };
        code = run(r, &in, &job);
    }
    jt_output_abandon(&out);
    jt_output_abandon(&rejects);
    jt_endpoint_clear(&endpoint);
    jt_csv_clear(&csv);
    jt_input_close(&in);
    return code;
}

static int replace_column(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv,
                          const struct jt_direction *verb)
{
    struct request r = { .batch = 1000, .connections = 4 };
    const struct jt_option options[] = {
        JT_TEXT("field", "NAME", &r.field, "the protected field (required)"),
        JT_TEXT("column", "NAME", &r.column,
                "column to replace, by its name in the first line (required)"),
        JT_TEXT("in", "FILE", &r.in, "CSV file to read (required)"),
        JT_TEXT("out", "FILE", &r.out,
                "CSV file to write: the accepted rows in input order, mode 0600 (required)"),
        JT_TEXT("rejects", "FILE", &r.rejects,
                "CSV file for the others: line and reason, never the value (required)"),
        JT_NUMBER("batch", "N", &r.batch, 1, 10000, "rows in one request (1000)"),
        JT_NUMBER("connections", "N", &r.connections, 1, JT_CONVEYOR_MAX_CONNECTIONS,
                  "requests that are under way at once (4)"),
        JT_FLAG("progress", &r.progress,
                "draw the progress bar even when standard error is no terminal"),
        JT_FLAG("fail-on-reject", &r.fail_on_reject,
                "end with exit code 1 when a row was rejected"),
        JT_TEXT("expires-at", "TIME", &r.expires_at,
                "when the cards' lifetimes end, as in 2026-11-01T00:00:00Z; a later end stands"),
    };
    bool dates = strcmp(verb->verb, jt_direction_tokenize.verb) == 0;
    struct jt_parse parse = { .options = options,
                              .n_options = sizeof options / sizeof options[0] - !dates };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code == JT_GO_ON) {
        code = check(self, &r);
    }
    if (code != JT_GO_ON) {
        return code;
    }
    struct jt_direction direction = *verb;
    direction.expires_at = r.expires_at;
    code = open_and_run(cli, &r, &direction);
    if (interrupted && code != JT_EXIT_OK) {
        /*
         * Everything is cleaned up: end the way the signal would have, so that a calling shell sees
         * it.
         */
        signal(interrupted, SIG_DFL);
        raise(interrupted);
    }
    return code;
}

int jt_cmd_tokenize(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    return replace_column(self, cli, argc, argv, &jt_direction_tokenize);
}

int jt_cmd_detokenize(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    return replace_column(self, cli, argc, argv, &jt_direction_detokenize);
}

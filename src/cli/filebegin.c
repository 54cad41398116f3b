/* SPDX-License-Identifier: Apache-2.0 */
/* File jobs: where they begin, at the first record or behind a checkpoint. */
#include "base/clock.h"
#include "base/file.h"
#include "cli/exit.h"
#include "cli/filejob.h"
#include "cli/rest.h"
#include "cli/say.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MICROSECONDS_IN 1000000
/*
 * The service remembers an Idempotency-Key for 24 hours from its first request. Half an hour is for
 * what the job itself takes to repeat its requests, and for clocks that differ.
 */
#define REMEMBERED_S (UINT64_C(24) * 3600 - 1800)

static uint64_t generation_of(const json_t *field)
{
    long long number = jt_reply_integer(field, "active_generation");
    return number > 0 ? (uint64_t)number : 0;
}

/* NULL: the service does not show the field. */
static void take_field(struct jt_filejob *f, size_t i, const json_t *field)
{
    bool shown = json_is_boolean(json_object_get(field, "dedup"));
    bool dedup = jt_reply_true(field, "dedup");
    f->once[i] = !dedup;
    f->news[i] = shown && !dedup                    ? JT_NEWS_EACH
                 : jt_reply_true(field, "tell_new") ? JT_NEWS_ASKED
                                                    : JT_NEWS_NONE;
    f->generation[i] = generation_of(field);
}

static bool is_any_known(const struct jt_filejob *f)
{
    for (size_t i = 0; i < f->ask->n_fields; i++) {
        if (f->generation[i] > 0) {
            return true;
        }
    }
    return false;
}

/*
 * Asks the service which fields have dedup, which of their cards it tells to be new, and which key
 * generation is active. Where the client may not know, there is no dedup and nothing is told.
 */
static int ask_fields(struct jt_filejob *f, const struct jt_cli *cli)
{
    struct jt_cli patient = *cli;
    patient.retry_for_s = f->retry_for_s;
    patient.interrupted = f->interrupted;
    for (size_t i = 0; i < f->ask->n_fields && f->ask->direction.stores; i++) {
        char path[160];
        struct jt_answer answer;
        snprintf(path, sizeof path, "/v1/fields/%s", f->ask->fields[i]);
        jt_say_as(JT_MSG_SERVER_AWAY);
        int code = jt_rest_ask(&patient, "GET", path, NULL, &answer);
        if (*f->interrupted) {
            code = jt_say(JT_MSG_INTERRUPTED, NULL);
        } else if (code != JT_EXIT_OK) {
            code = jt_say_code(JT_MSG_SERVER_AWAY);
        }
        if (code != JT_JOB_CLEAN) {
            jt_answer_clear(&answer);
            return code;
        }
        take_field(f, i, answer.status == 200 ? answer.json : NULL);
        jt_answer_clear(&answer);
    }
    return JT_JOB_CLEAN;
}

void jt_filejob_ask_generations(struct jt_filejob *f, const struct jt_cli *cli)
{
    struct jt_cli brief = *cli;
    struct jt_rest_line line;
    brief.retry_for_s = 0; /* all is done: nothing is worth waiting for any more */
    jt_say_as(JT_MSG_NOT_TOLD);
    if (!is_any_known(f) || jt_rest_line_open(&brief, 0, &line) != JT_EXIT_OK) {
        return;
    }
    int code = JT_EXIT_OK;
    for (size_t i = 0; i < f->ask->n_fields && code == JT_EXIT_OK; i++) {
        char path[160];
        struct jt_answer answer = { 0 };
        snprintf(path, sizeof path, "/v1/fields/%s", f->ask->fields[i]);
        code = jt_rest_line_call(&line, "GET", path, NULL, &answer);
        f->job.tally.fields[i].last_generation = generation_of(answer.json);
        jt_answer_clear(&answer);
    }
    jt_rest_line_close(&line);
}

/* Whether it is not dedup that keeps cards from being stored twice. */
static bool needs_keys(const struct jt_filejob *f)
{
    for (size_t i = 0; i < f->ask->n_fields; i++) {
        if (f->once[i]) {
            return true;
        }
    }
    return false;
}

/* Whether a job that has not ended left its checkpoint. */
static bool has_checkpoint(const struct jt_filejob *f)
{
    return f->ask->checkpoint != NULL && access(f->ask->checkpoint, F_OK) == 0;
}

static int read_checkpoint(struct jt_filejob *f)
{
    struct jt_buf bytes, parameters;
    const char *path = f->ask->checkpoint;
    char name[40];
    jt_buf_init(&bytes, JT_CHECKPOINT_MAX);
    jt_buf_init(&parameters, JT_CHECKPOINT_MAX);
    enum jt_err err = jt_file_read(AT_FDCWD, path, true, &bytes);
    int code = JT_JOB_CLEAN;
    if (err == JT_OK) {
        err = jt_checkpoint_decode(bytes.data, bytes.len, &f->job, &parameters);
    }
    if (err == JT_ERR_IO) {
        code = jt_say(JT_MSG_INPUT_FAILED, "%s: %s", path, strerror(errno));
    } else if (err != JT_OK) {
        code = jt_say(JT_MSG_BAD_CHECKPOINT, "%s%s%s", path, err == JT_ERR_INVALID ? "" : ": ",
                      err == JT_ERR_INVALID ? "" : jt_err_str(err));
    } else if (jt_parameters_differ(&parameters, &f->parameters, name, sizeof name)) {
        code = jt_say(JT_MSG_OTHER_JOB, "%s is another (%s)", name, path);
    } else if (f->job.tally.n_fields != f->ask->n_fields) {
        code = jt_say(JT_MSG_BAD_CHECKPOINT, "%s", path);
    }
    jt_buf_clear(&bytes);
    jt_buf_clear(&parameters);
    return code;
}

/* Whether what was sent and not settled may be forgotten by now. */
static bool is_late(const struct jt_filejob *f)
{
    uint64_t since = f->job.unsettled_s;
    return f->began_s < since || f->began_s - since > REMEMBERED_S;
}

static int check_time(const struct jt_filejob *f)
{
    uint64_t since = f->job.unsettled_s;
    if (!is_late(f) || !needs_keys(f) || f->job.complete) {
        return JT_JOB_CLEAN;
    }
    char at[JT_REPORT_TIME_LEN];
    jt_report_time(since, at);
    if (f->ask->accept_duplicates) {
        (void)jt_say(JT_MSG_LATE_RESTART, "requests from %s UTC on are repeated", at);
        return JT_JOB_CLEAN;
    }
    return jt_say(JT_MSG_TOO_LATE,
                  "requests from %s UTC on are no longer known, and cards may get a second token: "
                  "--accept-duplicates goes on all the same",
                  at);
}

/*
 * What was under way is asked for again. Under its key the service tells the same of it; under
 * another, or when it has forgotten the key, it takes the job's own cards for known ones.
 */
static void note_doubts(struct jt_filejob *f)
{
    bool doubtful = false;
    if (f->job.complete) { /* nothing was under way, nor was anything asked now */
        return;
    }
    for (size_t i = 0; i < f->job.tally.n_fields; i++) {
        struct jt_tally_field *field = &f->job.tally.fields[i];
        bool told = field->news != JT_NEWS_NONE || f->news[i] != JT_NEWS_NONE;
        doubtful |= told && (is_late(f) || field->news != f->news[i]);
        field->news = f->news[i];
    }
    f->job.n_doubtful += doubtful ? f->job.ahead : 0;
}

static int cut_outputs(struct jt_filejob *f)
{
    jt_say_as(JT_MSG_OUTPUT_SHORT);
    if (f->job.complete) {
        return JT_JOB_CLEAN; /* they may have their names already */
    }
    return jt_output_cut(&f->out, f->job.out_len) == JT_EXIT_OK &&
                   jt_output_cut(&f->rejects, f->job.rejects_len) == JT_EXIT_OK
               ? JT_JOB_CLEAN
               : jt_say_code(JT_MSG_OUTPUT_SHORT);
}

static int go_on(struct jt_filejob *f, const struct jt_cli *cli)
{
    if (!has_checkpoint(f)) {
        return jt_say(JT_MSG_NO_CHECKPOINT, "%s", f->ask->checkpoint);
    }
    int code = read_checkpoint(f);
    if (code == JT_JOB_CLEAN && !f->job.complete) { /* else there is nothing to ask for */
        code = ask_fields(f, cli);
    }
    if (code == JT_JOB_CLEAN) {
        code = check_time(f);
    }
    if (code == JT_JOB_CLEAN) {
        code = cut_outputs(f);
    }
    if (code != JT_JOB_CLEAN) {
        return code;
    }
    note_doubts(f);
    f->owned = true;
    f->goes_on = true;
    f->job.n_restarts++;
    jt_checkpoint_note(&f->job, true, f->began_s);
    (void)jt_say(JT_MSG_JOB_GOES_ON, "job %s, %" PRIu64 " records, %" PRIu64 " bytes of %s",
                 f->job.job, f->job.tally.n_read, f->job.input_end, f->ask->in);
    return JT_JOB_CLEAN;
}

int jt_filejob_begin(struct jt_filejob *f, const struct jt_cli *cli)
{
    if (f->ask->restart) {
        return go_on(f, cli);
    }
    if (has_checkpoint(f) && !f->ask->discard) {
        return jt_say(JT_MSG_UNFINISHED, "%s: --restart goes on with it, --discard begins anew",
                      f->ask->checkpoint);
    }
    int code = ask_fields(f, cli);
    if (code != JT_JOB_CLEAN) {
        return code;
    }
    jt_checkpoint_begin(&f->job, f->began_s);
    f->job.tally.n_fields = f->ask->n_fields;
    for (size_t i = 0; i < f->ask->n_fields; i++) {
        f->job.tally.fields[i].news = f->news[i];
        f->job.tally.fields[i].first_generation = f->generation[i];
    }
    f->owned = true;
    code = cut_outputs(f);
    if (code == JT_JOB_CLEAN) {
        f->ledger.began_ms = jt_clock_ms();
        code = jt_ledger_checkpoint(&f->ledger, f->began_s, false);
    }
    (void)jt_say(JT_MSG_JOB_BEGINS, "job %s, %s of %s", f->job.job, f->ask->direction.verb,
                 f->ask->in);
    return code;
}

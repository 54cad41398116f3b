/* SPDX-License-Identifier: Apache-2.0 */
/* File jobs: what becomes of the files, the control report and the last words. */
#include "base/clock.h"
#include "cli/exit.h"
#include "cli/filejob.h"
#include "cli/say.h"
#include "jeton/version.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MICROSECONDS_IN 1000000
#define N_FILES         6

/* Gives one output its name, unless it has it already. */
static int name_output(struct jt_output *out, uint64_t len)
{
    struct stat part, named;
    jt_say_as(JT_MSG_OUTPUT_FAILED);
    if (out->part != NULL && fstat(out->fd, &part) == 0 && (uint64_t)part.st_size != len) {
        bool is_named = stat(out->path, &named) == 0 && (uint64_t)named.st_size == len;
        if (is_named) {
            jt_output_abandon(out);
            return JT_JOB_CLEAN;
        }
        return jt_say(JT_MSG_OUTPUT_SHORT, "%s", out->path);
    }
    return jt_output_commit(out) == JT_EXIT_OK ? JT_JOB_CLEAN : jt_say_code(JT_MSG_OUTPUT_FAILED);
}

/* --- the report --- */

/* Appends a line of two columns whose text is made here. */
static int render(const struct jt_filejob *f, int code, struct jt_buf *out)
{
    const struct jt_fileask *ask = f->ask;
    char place_names[JT_RECORD_MAX_VALUES][32], place_texts[JT_RECORD_MAX_VALUES][240];
    struct jt_report_pair places[JT_RECORD_MAX_VALUES];
    static const char *const kinds[] = { "csv", "json lines", "records" };
    const struct jt_report_pair files[N_FILES] = { { "INFILE", ask->in },
                                                   { "OUTFILE", ask->out },
                                                   { "REJECTS", ask->rejects },
                                                   { "CHECKPT", ask->checkpoint },
                                                   { "format", kinds[ask->format.kind] },
                                                   { "service", f->url } };
    for (size_t i = 0; i < ask->format.n_places; i++) {
        snprintf(place_names[i], sizeof place_names[i], "place %zu", i + 1);
        snprintf(place_texts[i], sizeof place_texts[i], "%.120s: %.64s",
                 jt_format_describe(f->format, i),
                 ask->direction.path == NULL ? "masked here" : ask->fields[ask->field_of_place[i]]);
        places[i] = (struct jt_report_pair){ place_names[i], place_texts[i] };
    }
    const struct jt_report_facts facts = {
        .verb = ask->direction.verb,
        .version = JETON_VERSION,
        .job = &f->job,
        .files = files,
        .n_files = ask->direction.path == NULL ? N_FILES - 1 : N_FILES,
        .places = places,
        .n_places = ask->format.n_places,
        .fields = ask->fields,
        .values_in = ask->direction.values_in,
        .values_out = ask->direction.values_out,
        .makes_tokens = ask->direction.stores,
        .messages = &f->messages,
        .began_s = f->began_s,
        .ended_s = jt_clock_wall_us() / MICROSECONDS_IN,
        .run_ms = (uint64_t)f->result.elapsed_ms,
        .n_run_records = f->result.n_records,
        .checkpoints_ms = (uint64_t)f->ledger.checkpoints_us / 1000,
        .exit_code = code,
    };
    return jt_report_render(&facts, out) == JT_OK ? JT_JOB_CLEAN : jt_say(JT_MSG_NO_MEMORY, NULL);
}

/* Writes it; the worse of its own code and the job's. */
static int write_report(const struct jt_filejob *f, int code)
{
    struct jt_buf text;
    struct jt_output report = { .fd = -1 };
    jt_buf_init(&text, JT_REPORT_MAX);
    int own = render(f, code, &text);
    jt_say_as(JT_MSG_REPORT_FAILED);
    if (own == JT_JOB_CLEAN && f->ask->report == NULL) {
        if (!f->ask->quiet) {
            (void)fwrite(text.data, 1, text.len, stderr);
        }
    } else if (own == JT_JOB_CLEAN) {
        bool written = jt_output_open(f->ask->report, &report) == JT_EXIT_OK &&
                       jt_output_write(&report, &text) == JT_EXIT_OK &&
                       jt_output_commit(&report) == JT_EXIT_OK;
        jt_output_abandon(&report);
        own = written ? JT_JOB_CLEAN : jt_say_code(JT_MSG_REPORT_FAILED);
    }
    jt_buf_clear(&text);
    return own > code ? own : code;
}

/* --- the end --- */

static void tell(const struct jt_filejob *f)
{
    const struct jt_tally *t = &f->job.tally;
    double s = (double)f->result.elapsed_ms / 1000;
    (void)jt_say(JT_MSG_JOB_COUNTS,
                 "%" PRIu64 " read, %" PRIu64 " written, %" PRIu64 " passed, %" PRIu64
                 " rejected; %" PRIu64 " retries, %.1f s, %.0f records/s",
                 t->n_read, t->n_written, t->n_passed, t->n_rejected, f->job.n_retries, s,
                 s > 0 ? (double)f->result.n_records / s : 0);
    for (enum jt_message m = JT_MSG_NONE + 1; m < JT_MSG_END; m++) {
        if (t->reasons[m] > 0) {
            (void)jt_say(JT_MSG_JOB_REASON, "%s %-24s %12" PRIu64, jt_message_id(m),
                         jt_message_name(m), t->reasons[m]);
        }
    }
}

/* Nothing was done yet that could be lost: the next run begins as if this had not been. */
static bool is_untouched(const struct jt_filejob *f)
{
    return !f->goes_on && f->job.n_portions == 0 &&
           !(f->ask->direction.stores && f->result.touched);
}

int jt_filejob_publish(struct jt_filejob *f)
{
    uint64_t n_rejected = f->job.tally.n_rejected;
    int code = name_output(&f->rejects, f->job.rejects_len);
    if (code == JT_JOB_CLEAN) {
        code = name_output(&f->out, f->job.out_len);
    }
    /* what has no name yet keeps its part: a restart gives it the name */
    jt_output_leave(&f->out);
    jt_output_leave(&f->rejects);
    if (code == JT_JOB_CLEAN && n_rejected > 0) {
        code = jt_say(JT_MSG_RECORDS_REJECTED, "%" PRIu64 " in %s", n_rejected, f->ask->rejects);
    }
    (void)jt_say(JT_MSG_JOB_ENDS, "exit code %d", code);
    code = write_report(f, code);
    bool named = code == JT_JOB_CLEAN || code == JT_JOB_REJECTS;
    if (named && f->ask->checkpoint != NULL && unlink(f->ask->checkpoint) != 0) {
        code = jt_say(JT_MSG_CHECKPOINT_FAILED, "%s: %s", f->ask->checkpoint, strerror(errno));
    }
    return code;
}

/* A job that did not come to its end. */
static void keep(struct jt_filejob *f)
{
    if (f->ask->checkpoint == NULL) {
        jt_output_abandon(&f->rejects);
        if (f->job.out_len > 0) {
            (void)jt_say(JT_MSG_STREAM_CUT, NULL);
        }
        return;
    }
    if (is_untouched(f)) {
        jt_output_abandon(&f->out);
        jt_output_abandon(&f->rejects);
        (void)unlink(f->ask->checkpoint);
        (void)jt_say(JT_MSG_NOTHING_LEFT, "%s is not written", f->ask->out);
        return;
    }
    uint64_t since = f->job.unsettled_s;
    /* What is unsettled now was sent since the last checkpoint, or not long before. */
    (void)jt_ledger_checkpoint(&f->ledger, since, false);
    jt_output_leave(&f->out);
    jt_output_leave(&f->rejects);
    (void)jt_say(JT_MSG_RESUMABLE, "--restart, behind record %" PRIu64 "; %s is not written",
                 f->job.tally.n_read, f->ask->out);
}

static int check_balance(struct jt_filejob *f)
{
    const struct jt_tally *t = &f->job.tally;
    enum jt_message m = jt_tally_balance(t);
    if (m != JT_MSG_NONE) {
        return jt_say(
            m, "%" PRIu64 " read, %" PRIu64 " written, %" PRIu64 " passed, %" PRIu64 " rejected",
            t->n_read, t->n_written, t->n_passed, t->n_rejected);
    }
    if ((double)t->n_rejected > f->ask->max_reject_ratio * (double)t->n_read) {
        return jt_say(JT_MSG_THRESHOLD, "%" PRIu64 " of %" PRIu64, t->n_rejected, t->n_read);
    }
    return JT_JOB_CLEAN;
}

int jt_filejob_end(struct jt_filejob *f, int code)
{
    if (code == JT_JOB_CLEAN) {
        code = check_balance(f);
    }
    if (code == JT_JOB_CLEAN) {
        code = jt_ledger_checkpoint(&f->ledger, f->job.unsettled_s, true);
    }
    tell(f);
    if (code == JT_JOB_CLEAN) {
        return jt_filejob_publish(f);
    }
    keep(f);
    (void)jt_say(JT_MSG_JOB_ENDS, "exit code %d", code);
    return write_report(f, code);
}

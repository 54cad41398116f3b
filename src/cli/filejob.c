/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/filejob.h"

#include "base/clock.h"
#include "cli/exit.h"
#include "cli/say.h"

#include <errno.h>
#include <string.h>

#define MESSAGES_MAX    (1u << 20)
#define MICROSECONDS_IN 1000000

/* What was opened before anything of the job is touched. */
static int open_all(struct jt_filejob *f, const struct jt_cli *cli)
{
    const struct jt_fileask *ask = f->ask;
    struct jt_trouble trouble = { 0 };
    enum jt_err err = jt_format_open(&ask->format, &f->format, &trouble);
    if (err != JT_OK) {
        bool of_book = trouble.line > 0 || trouble.message == JT_MSG_COPYBOOK_EMPTY ||
                       trouble.message == JT_MSG_COPYBOOK_LONG;
        return err == JT_ERR_INVALID
                   ? jt_say_trouble(of_book && ask->copybook != NULL ? ask->copybook : "", &trouble)
                   : jt_say(JT_MSG_NO_MEMORY, NULL);
    }
    jt_say_as(JT_MSG_INPUT_FAILED);
    if (jt_input_open(ask->in, &f->in) != JT_EXIT_OK) {
        return jt_say_code(JT_MSG_INPUT_FAILED);
    }
    jt_say_as(JT_MSG_CREDENTIAL);
    if (ask->direction.path != NULL && jt_endpoint_open(cli, &f->endpoint) != JT_EXIT_OK) {
        return jt_say_code(JT_MSG_CREDENTIAL);
    }
    jt_say_as(JT_MSG_OUTPUT_FAILED);
    if (jt_output_take(ask->out, &f->out) != JT_EXIT_OK ||
        jt_output_take(ask->rejects, &f->rejects) != JT_EXIT_OK) {
        return jt_say_code(JT_MSG_OUTPUT_FAILED);
    }
    jt_say_as(JT_MSG_CHECKPOINT_FAILED);
    if (ask->checkpoint != NULL && jt_output_check(ask->checkpoint) != JT_EXIT_OK) {
        return jt_say_code(JT_MSG_CHECKPOINT_FAILED);
    }
    jt_say_as(JT_MSG_REPORT_FAILED);
    if (ask->report != NULL && jt_output_check(ask->report) != JT_EXIT_OK) {
        return jt_say_code(JT_MSG_REPORT_FAILED);
    }
    return jt_fileask_collide(ask); /* other spellings of a name are seen through now */
}

/* What stands before the records. */
static int begin_source(struct jt_filejob *f)
{
    struct jt_trouble trouble = { 0 };
    enum jt_err err = jt_source_open(f->format, f->in.fd, &f->source);
    while (err == JT_OK) {
        err = jt_source_begin(f->source, &trouble);
        if (err != JT_ERR_IO || (errno != EINTR && errno != EAGAIN) || *f->interrupted) {
            break;
        }
        jt_input_wait(&f->in);
        err = JT_OK;
    }
    switch (err) {
    case JT_OK: return JT_JOB_CLEAN;
    case JT_ERR_INVALID: return jt_say_trouble(f->ask->in, &trouble);
    case JT_ERR_IO:
        return *f->interrupted ? jt_say(JT_MSG_INTERRUPTED, NULL)
                               : jt_say(JT_MSG_INPUT_FAILED, "%s: %s", f->ask->in, strerror(errno));
    default: return jt_say(JT_MSG_NO_MEMORY, NULL);
    }
}

static void set_up(struct jt_filejob *f)
{
    const struct jt_fileask *ask = f->ask;
    f->rules = (struct jt_portion_rules){ .direction = &ask->direction,
                                          .format = f->format,
                                          .field_of_place = ask->field_of_place,
                                          .n_fields = ask->n_fields,
                                          .blank_passes = ask->blank_passes,
                                          .tokens_pass = ask->tokens_pass,
                                          .expires_at = ask->expires_at,
                                          .news = f->news,
                                          .max_records = (size_t)ask->batch };
    f->ledger = (struct jt_ledger){ .out = &f->out,
                                    .rejects = &f->rejects,
                                    .job = &f->job,
                                    .checkpoint = ask->checkpoint,
                                    .parameters = &f->parameters,
                                    .in = &f->in,
                                    .input = ask->in,
                                    .window = (uint64_t)(JT_CONVEYOR_WINDOW * ask->connections *
                                                         ask->batch),
                                    .every = (uint64_t)ask->every,
                                    .max_rejects = ask->max_rejects,
                                    .max_reject_ratio = ask->max_reject_ratio };
    jt_fileask_parameters(ask, f->format, &f->parameters);
}

static int convey(struct jt_filejob *f)
{
    const struct jt_conveyor_job conveyor = { .endpoint = &f->endpoint,
                                              .rules = &f->rules,
                                              .fields = f->ask->fields,
                                              .once = f->once,
                                              .source = f->source,
                                              .in = &f->in,
                                              .ledger = &f->ledger,
                                              .goes_on = f->goes_on,
                                              .n_connections = (size_t)f->ask->connections,
                                              .retry_for_s = f->retry_for_s,
                                              .in_size = jt_input_size(&f->in),
                                              .want_bar = f->ask->progress,
                                              .quiet = f->ask->quiet };
    f->ledger.source = f->source;
    int code = jt_conveyor_run(&conveyor, f->interrupted, &f->result);
    if (code == JT_JOB_CLEAN) {
        jt_say_as(JT_MSG_INPUT_CHANGED);
        if (jt_input_check_unchanged(&f->in, f->job.input_end) != JT_EXIT_OK) {
            code = jt_say_code(JT_MSG_INPUT_CHANGED);
        }
    }
    return code;
}

static void close_all(struct jt_filejob *f)
{
    jt_output_abandon(&f->out);
    jt_output_abandon(&f->rejects);
    jt_ledger_clear(&f->ledger);
    jt_source_free(f->source);
    jt_format_free(f->format);
    jt_endpoint_clear(&f->endpoint);
    jt_input_close(&f->in);
    jt_say_begin(false, NULL);
    jt_buf_clear(&f->parameters);
    jt_buf_clear(&f->messages);
}

int jt_filejob_run(struct jt_filejob *f, const struct jt_cli *cli)
{
    f->began_s = jt_clock_wall_us() / MICROSECONDS_IN;
    f->in.fd = f->out.fd = f->rejects.fd = -1;
    jt_buf_init(&f->parameters, JT_CHECKPOINT_MAX / 2);
    jt_buf_init(&f->messages, MESSAGES_MAX);
    jt_say_begin(f->ask->quiet, &f->messages);
    int code = open_all(f, cli);
    if (code == JT_JOB_CLEAN) {
        set_up(f);
        code = jt_filejob_begin(f, cli);
    }
    if (code == JT_JOB_CLEAN && f->job.complete) {
        code = jt_filejob_publish(f); /* all was done but for the names of its files */
    } else if (f->owned) {
        jt_ledger_init(&f->ledger);
        if (code == JT_JOB_CLEAN) {
            code = begin_source(f);
        }
        if (code == JT_JOB_CLEAN) {
            code = convey(f);
        }
        if (code == JT_JOB_CLEAN) {
            jt_filejob_ask_generations(f, cli);
        }
        code = jt_filejob_end(f, code);
    }
    close_all(f);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/ledger.h"

#include "base/clock.h"
#include "base/file.h"
#include "cli/exit.h"
#include "cli/say.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX        (64u << 20) /* of one portion written out */
#define RATIO_FROM      1000        /* records: a share of fewer tells nothing before the end */
#define MICROSECONDS_IN 1000000

void jt_ledger_init(struct jt_ledger *l)
{
    jt_prefix_init(&l->prefix);
    jt_buf_init(&l->text, TEXT_MAX);
    jt_buf_init(&l->reject_text, TEXT_MAX);
    jt_buf_init(&l->bytes, 2 * TEXT_MAX);
    l->n_at_checkpoint = l->job->tally.n_read;
    l->asked_until = l->job->tally.n_read + l->job->ahead;
    l->asked_since_s = l->job->unsettled_s;
    l->elapsed_before_ms = l->job->elapsed_ms;
    l->began_ms = jt_clock_ms();
}

void jt_ledger_clear(struct jt_ledger *l)
{
    jt_prefix_clear(&l->prefix);
    jt_buf_clear(&l->text);
    jt_buf_clear(&l->reject_text);
    jt_buf_clear(&l->bytes);
}

static int out_of_memory(void)
{
    return jt_say(JT_MSG_NO_MEMORY, NULL);
}

/* Writes text to an output in the form of the input, and counts its bytes. */
static int write_out(struct jt_ledger *l, struct jt_output *out, struct jt_buf *text,
                     uint64_t *written)
{
    if (text->len == 0) {
        return JT_JOB_CLEAN;
    }
    if (jt_source_put(l->source, text->data, text->len, &l->bytes) != JT_OK ||
        jt_buf_status(&l->bytes) != JT_OK) {
        return out_of_memory();
    }
    jt_buf_reset(text);
    *written += l->bytes.len;
    jt_say_as(JT_MSG_OUTPUT_FAILED);
    return jt_output_write(out, &l->bytes) == JT_EXIT_OK ? JT_JOB_CLEAN
                                                         : jt_say_code(JT_MSG_OUTPUT_FAILED);
}

/*
 * Reads the rest of a record that is too long, piece by piece, into the rejects; NULL: it was there
 * before.
 */
static int spill(struct jt_ledger *l, struct jt_portion *b, struct jt_output *rejects,
                 uint64_t *written)
{
    const struct jt_portion_record *r = &b->records[b->n_records - 1];
    char trailer[JT_TRAILER_LEN];
    uint64_t length = 0;
    bool done = false;
    jt_portion_trailer((enum jt_message)r->fault, r->number, trailer);
    while (!done) {
        struct jt_trouble trouble;
        enum jt_err err =
            jt_source_spill(l->source, trailer, &l->reject_text, &done, &b->end, &trouble);
        if (err == JT_ERR_INVALID) {
            return jt_say_trouble(l->input, &trouble);
        }
        if (err == JT_ERR_IO && (errno == EINTR || errno == EAGAIN)) {
            jt_input_wait(l->in);
            continue;
        }
        if (err != JT_OK) {
            return err == JT_ERR_IO
                       ? jt_say(JT_MSG_INPUT_FAILED, "%s: %s", l->input, strerror(errno))
                       : out_of_memory();
        }
        length += l->reject_text.len;
        if (rejects == NULL) {
            jt_buf_reset(&l->reject_text);
            continue;
        }
        int code = write_out(l, rejects, &l->reject_text, written);
        if (code != JT_JOB_CLEAN) {
            return code;
        }
    }
    jt_prefix_put(&l->prefix, NULL, length);
    return JT_JOB_CLEAN;
}

static int check_threshold(const struct jt_ledger *l)
{
    const struct jt_tally *t = &l->job->tally;
    bool many = t->n_rejected > l->max_rejects;
    bool share =
        t->n_read >= RATIO_FROM && (double)t->n_rejected > l->max_reject_ratio * (double)t->n_read;
    return many || share
               ? jt_say(JT_MSG_THRESHOLD, "%" PRIu64 " of %" PRIu64, t->n_rejected, t->n_read)
               : JT_JOB_CLEAN;
}

static int write_portion(struct jt_ledger *l, struct jt_portion *b)
{
    struct jt_checkpoint *job = l->job;
    if (jt_portion_digest(b, &l->prefix, &job->tally) != JT_OK ||
        jt_portion_write(b, &l->text, &l->reject_text, &job->tally) != JT_OK) {
        return out_of_memory();
    }
    int code = write_out(l, l->out, &l->text, &job->out_len);
    if (code == JT_JOB_CLEAN) {
        code = write_out(l, l->rejects, &l->reject_text, &job->rejects_len);
    }
    if (code == JT_JOB_CLEAN && b->spills) {
        code = spill(l, b, l->rejects, &job->rejects_len);
    }
    if (code != JT_JOB_CLEAN) {
        return code;
    }
    if (jt_prefix_close(&l->prefix) != JT_OK) {
        return out_of_memory();
    }
    memcpy(job->input_digest, l->prefix.digest, sizeof job->input_digest);
    job->input_end = b->end;
    job->n_portions = b->number;
    return JT_JOB_CLEAN;
}

int jt_ledger_settle(struct jt_ledger *l, struct jt_portion *b, uint64_t unsettled_s)
{
    struct jt_checkpoint *job = l->job, before = *job;
    int code = write_portion(l, b);
    if (code != JT_JOB_CLEAN) {
        *job = before; /* a portion that is half written out counts as not written */
        return code;
    }
    code = check_threshold(l);
    if (code == JT_JOB_CLEAN && job->tally.n_read - l->n_at_checkpoint >= l->every) {
        code = jt_ledger_checkpoint(l, unsettled_s, false);
    }
    return code;
}

int jt_ledger_skip(struct jt_ledger *l, struct jt_portion *b, struct jt_tally *seen, bool *done)
{
    const struct jt_checkpoint *job = l->job;
    uint64_t ignored = 0;
    if (jt_portion_digest(b, &l->prefix, seen) != JT_OK) {
        return out_of_memory();
    }
    int code = b->spills ? spill(l, b, NULL, &ignored) : JT_JOB_CLEAN;
    if (code == JT_JOB_CLEAN && jt_prefix_close(&l->prefix) != JT_OK) {
        code = out_of_memory();
    }
    if (code != JT_JOB_CLEAN || b->end < job->input_end) {
        return code;
    }
    bool same = b->end == job->input_end && b->number == job->n_portions &&
                seen->n_read == job->tally.n_read &&
                memcmp(l->prefix.digest, job->input_digest, sizeof job->input_digest) == 0;
    *done = true;
    return same ? JT_JOB_CLEAN
                : jt_say(JT_MSG_OTHER_INPUT, "%s differs from it before record %" PRIu64, l->input,
                         job->tally.n_read + 1);
}

/* Puts the bytes in place of the checkpoint. */
static enum jt_err replace(const char *path, const struct jt_buf *bytes)
{
    const char *slash = strrchr(path, '/');
    char *directory = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
    int fd = directory == NULL ? -1 : open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum jt_err err =
        fd < 0 ? JT_ERR_IO
               : jt_file_replace(fd, slash == NULL ? path : slash + 1, bytes->data, bytes->len);
    int saved = errno;
    if (fd >= 0) {
        close(fd);
    }
    free(directory);
    errno = saved;
    return err;
}

static int take_checkpoint(struct jt_ledger *l, uint64_t unsettled_s, bool complete)
{
    struct jt_checkpoint *job = l->job;
    uint64_t now_s = jt_clock_wall_us() / MICROSECONDS_IN;
    jt_say_as(JT_MSG_OUTPUT_FAILED);
    if (jt_output_sync(l->out) != JT_EXIT_OK || jt_output_sync(l->rejects) != JT_EXIT_OK) {
        return jt_say_code(JT_MSG_OUTPUT_FAILED);
    }
    job->complete = complete;
    job->written_s = now_s;
    job->unsettled_s = unsettled_s;
    job->ahead = l->every + l->window;
    if (job->tally.n_read < l->asked_until) {
        uint64_t ahead = l->asked_until - job->tally.n_read;
        job->ahead = ahead > job->ahead ? ahead : job->ahead;
        job->unsettled_s = l->asked_since_s < unsettled_s ? l->asked_since_s : unsettled_s;
    }
    job->n_checkpoints++;
    jt_checkpoint_note(job, false, now_s);
    struct jt_buf bytes;
    jt_buf_init(&bytes, JT_CHECKPOINT_MAX);
    enum jt_err err = jt_checkpoint_encode(job, l->parameters, &bytes);
    if (err == JT_OK) {
        err = replace(l->checkpoint, &bytes);
    }
    jt_buf_clear(&bytes);
    return err == JT_OK ? JT_JOB_CLEAN
                        : jt_say(JT_MSG_CHECKPOINT_FAILED, "%s: %s", l->checkpoint,
                                 err == JT_ERR_IO ? strerror(errno) : jt_err_str(err));
}

int jt_ledger_checkpoint(struct jt_ledger *l, uint64_t unsettled_s, bool complete)
{
    struct jt_checkpoint *job = l->job;
    job->elapsed_ms = l->elapsed_before_ms + (uint64_t)(jt_clock_ms() - l->began_ms);
    l->n_at_checkpoint = job->tally.n_read;
    if (l->checkpoint == NULL) {
        return JT_JOB_CLEAN;
    }
    int64_t began_us = jt_clock_us();
    int code = take_checkpoint(l, unsettled_s, complete);
    l->checkpoints_us += jt_clock_us() - began_us;
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file job has settled: portions whose records are written out and counted, in the order of
 * the file, and the checkpoints between them.
 *
 * A checkpoint is taken at the end of a portion only. The outputs are on the disk before it is, so
 * that it never tells of more than there is. A job that goes on reads its input again from the
 * beginning and gives what was settled before to jt_ledger_skip, which compares it.
 */
#ifndef JETON_CLI_LEDGER_H
#define JETON_CLI_LEDGER_H

#include "batch/checkpoint.h"
#include "batch/source.h"
#include "cli/input.h"
#include "cli/output.h"
#include "cli/portion.h"

struct jt_ledger {
    /* the caller's, set before jt_ledger_init */
    struct jt_record_source *source;
    struct jt_output *out, *rejects;
    struct jt_checkpoint *job;
    const char *checkpoint; /* path; NULL: none is written */
    const struct jt_buf *parameters;
    const struct jt_input *in;
    const char *input;       /* its name, for messages */
    uint64_t window;         /* records that may be asked for before those in front are settled */
    uint64_t every;          /* records from one checkpoint to the next */
    uint64_t max_rejects;    /* UINT64_MAX: any number */
    double max_reject_ratio; /* above 1: any */
    int64_t began_ms;        /* of this run, jt_clock_ms */
    uint64_t elapsed_before_ms;

    /* its own */
    struct jt_prefix prefix;
    struct jt_buf text, reject_text, bytes;
    uint64_t n_at_checkpoint;
    int64_t checkpoints_us; /* that checkpoints took in this run, outputs on the disk included */
    /* Of a job that goes on: up to this record something may have been asked since then. */
    uint64_t asked_until, asked_since_s;
};

void jt_ledger_init(struct jt_ledger *l);
void jt_ledger_clear(struct jt_ledger *l);

/*
 * Writes a complete portion out, counts it, and takes a checkpoint if it is time to. `unsettled_s`
 * is when the first request was sent that is not settled then. JT_JOB_CLEAN, or the exit code after
 * a message.
 */
int jt_ledger_settle(struct jt_ledger *l, struct jt_portion *b, uint64_t unsettled_s);

/*
 * Takes a portion that was settled before the job went on: it is added to `seen` and compared at
 * the checkpoint. *done tells when that is reached. Exit codes as above.
 */
int jt_ledger_skip(struct jt_ledger *l, struct jt_portion *b, struct jt_tally *seen, bool *done);

/* Takes a checkpoint now, if there is to be one. Exit codes as above. */
int jt_ledger_checkpoint(struct jt_ledger *l, uint64_t unsettled_s, bool complete);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file job from its opening to its end: files, checkpoint, the conveyor between them, what
 * becomes of the files, and the control report.
 *
 * The order is what makes it safe to be killed anywhere. The outputs are locked first, so that one
 * process has a job; then its checkpoint is read or made; then FILE.part of each output is cut to
 * what the checkpoint says. At a good end a last checkpoint says "complete" before the outputs get
 * their names, and goes when they have them.
 */
#ifndef JETON_CLI_FILEJOB_H
#define JETON_CLI_FILEJOB_H

#include "batch/report.h"
#include "cli/conveyor.h"
#include "cli/fileask.h"
#include "cli/input.h"

#include <signal.h>

struct jt_filejob {
    const struct jt_fileask *ask;
    const char *url; /* for the report */
    long retry_for_s;
    const volatile sig_atomic_t *interrupted;

    /* its own */
    struct jt_endpoint endpoint;
    struct jt_input in;
    struct jt_output out, rejects;
    struct jt_format *format;
    struct jt_record_source *source;
    struct jt_portion_rules rules;
    struct jt_ledger ledger;
    struct jt_checkpoint job;
    struct jt_buf parameters, messages;
    struct jt_conveyor_result result;
    bool
        once[JT_RECORD_MAX_VALUES]; /* of each field: cards are stored once by keys, not by dedup */
    /* of each field, as the service told now */
    uint8_t news[JT_RECORD_MAX_VALUES];        /* enum jt_tally_news */
    uint64_t generation[JT_RECORD_MAX_VALUES]; /* active; 0: not known */
    bool owned;                                /* the files of the job are this process's */
    bool goes_on;
    uint64_t began_s;
};

/* Runs it; the exit code (enum jt_job_exit). Everything has been said. */
int jt_filejob_run(struct jt_filejob *f, const struct jt_cli *cli);

/*
 * Finds out where the job begins (filebegin.c): reads its checkpoint, or makes the first one. The
 * service is asked for the fields, unless all is done already.
 */
int jt_filejob_begin(struct jt_filejob *f, const struct jt_cli *cli);

/* At the end, once: which key generation is active by now, where that was told at the begin. */
void jt_filejob_ask_generations(struct jt_filejob *f, const struct jt_cli *cli);

/* Of a complete job: the files get their names, the report is made, the checkpoint goes. */
int jt_filejob_publish(struct jt_filejob *f);

/* After the conveyor: what becomes of the files, the report and the last words (fileend.c). */
int jt_filejob_end(struct jt_filejob *f, int code);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conveyor of a card file: portions are read, sent over several connections at once, and
 * settled in input order (cli/ledger.h).
 *
 * One thread. Portions stand in a window in input order: some for each connection, which bounds
 * memory and lets the others go on while the first one is repeated. Each connection (an easy
 * handle of libcurl, kept alive) carries one request at a time. A portion that meets an unavailable
 * server, a broken connection or results that ask for it is sent again after a pause; when that has
 * gone on for the allowed time the whole job ends. What stores cards is sent again as it was, under
 * the same Idempotency-Key, so that it is done once; and what asks which cards are new, so that it
 * is told the same.
 *
 * Nothing waits for a slow pipe: while the input has nothing, answers are taken and what is
 * complete is settled. A request that is half sent would be given up by the server.
 *
 * How portions are cut depends on the input alone, so that a job that goes on cuts them the same
 * way.
 */
#ifndef JETON_CLI_CONVEYOR_H
#define JETON_CLI_CONVEYOR_H

#include "cli/endpoint.h"
#include "cli/input.h"
#include "cli/ledger.h"
#include "cli/portion.h"

#include <signal.h>

#define JT_CONVEYOR_MAX_CONNECTIONS 64
#define JT_CONVEYOR_WINDOW          4 /* portions for each connection */

struct jt_conveyor_job {
    const struct jt_endpoint *endpoint;
    const struct jt_portion_rules *rules;
    const char *const *fields;       /* valid names, as many as the rules say */
    const bool *once;                /* of each: what stores has an Idempotency-Key in any case */
    struct jt_record_source *source; /* begun */
    const struct jt_input *in;       /* what it reads */
    struct jt_ledger *ledger;
    bool goes_on; /* the ledger's checkpoint is not at the beginning */
    size_t n_connections;
    long retry_for_s;
    uint64_t in_size; /* bytes; 0: unknown */
    bool want_bar, quiet;
};

struct jt_conveyor_result {
    uint64_t n_records; /* that were settled in this run */
    bool touched;       /* something may have been stored that is not settled */
    int64_t elapsed_ms;
};

/*
 * Runs the job to its end. JT_JOB_CLEAN, or the exit code after a message; *result tells how far it
 * came. `interrupted` is looked at now and then: when a signal handler has set it, the job ends.
 */
int jt_conveyor_run(const struct jt_conveyor_job *job, const volatile sig_atomic_t *interrupted,
                    struct jt_conveyor_result *result);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conveyor of a card file: portions are read, sent over several connections at once, and
 * written out in input order.
 *
 * One thread. Batches stand in a window in input order: as many as twice the connections, which
 * bounds memory and lets the others go on while the first one is repeated. Each connection (an easy
 * handle of libcurl, kept alive) carries one request at a time. A portion that meets an unavailable
 * server, a broken connection or results that ask for it is sent again with what is left of it,
 * after a pause; when that has gone on for the allowed time the whole job ends. Tokenizing twice is
 * harmless where the field has dedup; without, a lost answer leaves a token behind that nobody
 * knows.
 */
#ifndef JETON_CLI_CONVEYOR_H
#define JETON_CLI_CONVEYOR_H

#include "cli/portion.h"
#include "cli/endpoint.h"
#include "cli/output.h"

#include <signal.h>

#define JT_CONVEYOR_MAX_CONNECTIONS 64

struct jt_conveyor_job {
    const struct jt_endpoint *endpoint;
    const struct jt_direction *direction;
    const char *field; /* a valid field name */
    struct jt_csv *in; /* behind its header, with its column found */
    size_t n_columns;
    struct jt_output *out, *rejects;
    size_t batch_rows, n_connections;
    long retry_for_s;
    uint64_t in_size; /* bytes; 0: unknown */
    bool want_bar;
};

struct jt_conveyor_result {
    uint64_t n_rows, n_accepted, n_retries;
    double elapsed_s;
    struct jt_reasons reasons;
};

/*
 * Runs the job to its end. JT_EXIT_OK, or the exit code after a message; *result tells how far it
 * came. `interrupted` is looked at now and then: when a signal handler has set it, the job ends
 * with JT_EXIT_FAILED and without a message.
 */
int jt_conveyor_run(const struct jt_conveyor_job *job, const volatile sig_atomic_t *interrupted,
                    struct jt_conveyor_result *result);

#endif

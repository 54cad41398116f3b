/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control report of a job, as SYSPRINT would have it: lines of at most 132 columns, pages of 60
 * lines that begin with a form feed and a heading. Nothing in it is a value of the file: counts,
 * reasons, names and hash totals only (batch/tally.h).
 */
#ifndef JETON_BATCH_REPORT_H
#define JETON_BATCH_REPORT_H

#include "base/buf.h"
#include "batch/checkpoint.h"

#define JT_REPORT_WIDTH      132
#define JT_REPORT_PAGE_LINES 60
#define JT_REPORT_MAX        (8u << 20) /* bytes */

/* A line of two columns: what it is, and what is said of it. */
struct jt_report_pair {
    const char *name, *text; /* text NULL: the line is left out */
};

struct jt_report_facts {
    const char *verb, *version;
    const struct jt_checkpoint *job;
    const struct jt_report_pair *files; /* and where the service is */
    size_t n_files;
    const struct jt_report_pair *places; /* how the format describes each, and its field */
    size_t n_places;
    const char *const *fields;          /* names of protected fields, as tally.fields has them */
    const char *values_in, *values_out; /* what they are: "card numbers", "tokens" */
    bool makes_tokens;
    const struct jt_buf *messages;  /* lines, as they were told on standard error */
    uint64_t began_s, ended_s;      /* of this run */
    uint64_t run_ms, n_run_records; /* of this run */
    uint64_t checkpoints_ms;        /* that checkpoints took in it */
    int exit_code;
};

/* Appends the whole report. JT_ERR_LIMIT, JT_ERR_NOMEM. */
enum jt_err jt_report_render(const struct jt_report_facts *facts, struct jt_buf *out) JT_CHECKED;

/* "2026-11-27 03:56:33", UTC; 20 characters with the NUL. */
#define JT_REPORT_TIME_LEN 20
void jt_report_time(uint64_t at_s, char out[static JT_REPORT_TIME_LEN]);

/* Whole numbers with a comma before each three digits: "12,345,678". */
#define JT_REPORT_NUMBER_LEN 27
void jt_report_number(uint64_t v, char out[static JT_REPORT_NUMBER_LEN]);

#endif

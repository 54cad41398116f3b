/* SPDX-License-Identifier: Apache-2.0 */
/* The audit trail, page by page, for the commands that read all of it. */
#ifndef JETON_CLI_TRAIL_H
#define JETON_CLI_TRAIL_H

#include "cli/command.h"

#include <jansson.h>
#include <stdint.h>

struct jt_trail_query {
    const char *since, *until; /* NULL: the beginning; where nothing is added any more */
    const char *client, *action, *field, *request; /* NULL: any */
    const char *cursor;                            /* NULL: from the first row on */
    bool ids;
    long max; /* rows; 0: all */
};

/* JT_EXIT_OK to go on; any other code ends it. */
typedef int jt_trail_fn(void *arg, const json_t *row);

/* Each start and each close; then each row. They return what ended it, after a message. */
int jt_trail_starts(const struct jt_cli *cli, jt_trail_fn *each_start, jt_trail_fn *each_close,
                    void *arg);
int jt_trail_rows(const struct jt_cli *cli, const struct jt_trail_query *query, jt_trail_fn *each,
                  void *arg);

#define JT_TRAIL_TIME_TEXT 40
/* The time before which nothing is added to the trail any more. */
int jt_trail_stable(const struct jt_cli *cli, char out[JT_TRAIL_TIME_TEXT]);

/* Microseconds since 1970 of a time as the server writes it; 0: none. */
uint64_t jt_trail_time_us(const char *text);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One REST request at a time, for the commands that ask one thing and print the answer. Card files
 * go through cli/conveyor.h.
 *
 * A request is repeated while the server is unavailable (jt_reply_is_passing, no connection) for
 * the time that --retry-for gives. A POST has an Idempotency-Key, so that it is done once even if
 * its connection broke after it was sent. What became of another method but GET is unknown then: it
 * is not repeated, and the message says so.
 */
#ifndef JETON_CLI_REST_H
#define JETON_CLI_REST_H

#include "cli/endpoint.h"

#include <jansson.h>

#define JT_REST_RETRY_FOR_S 5 /* default of --retry-for for these commands */

/* A request's outcome, whatever its status. */
struct jt_answer {
    long status;
    json_t *json; /* the reply as an object; NULL when it is not one */
    char *text;   /* the same as it came, with a NUL; wiped by jt_answer_clear */
};

/*
 * Opens the endpoint, asks and closes. JT_EXIT_OK when there is an answer of any status; else an
 * exit code after a message.
 */
int jt_rest_ask(const struct jt_cli *cli, const char *method, const char *path, json_t *body,
                struct jt_answer *out);

/*
 * The same, but only a 2xx status with an object in it is JT_EXIT_OK; other answers are told as
 * jt_answer_complain does. `out` has nothing but the status then: 0 where no answer came.
 */
int jt_rest_call(const struct jt_cli *cli, const char *method, const char *path, json_t *body,
                 struct jt_answer *out);

/* jt_rest_call, and prints the reply with --json or by `print` without. */
int jt_rest_show(const struct jt_cli *cli, const char *method, const char *path, json_t *body,
                 void (*print)(const json_t *reply));

/*
 * Many requests on one connection, each as jt_rest_call. For what may be done twice: they bear no
 * Idempotency-Key. `retry_for_s` where --retry-for says nothing.
 */
struct jt_rest_line {
    const struct jt_cli *cli;
    struct jt_endpoint endpoint;
    CURL *handle;
    struct jt_reply reply;
    long retry_for_s;
};
int jt_rest_line_open(const struct jt_cli *cli, long retry_for_s, struct jt_rest_line *out);
int jt_rest_line_call(struct jt_rest_line *line, const char *method, const char *path, json_t *body,
                      struct jt_answer *out);
void jt_rest_line_close(struct jt_rest_line *line);

void jt_answer_clear(struct jt_answer *answer);

/*
 * Tells what an answer other than 2xx says, "title: detail (type)", and returns the exit code that
 * its status stands for.
 */
int jt_answer_complain(const struct jt_answer *answer);

/* The same for a status and the bytes of a body. */
int jt_problem_complain(long status, const void *body, size_t len);

/* A member of a reply: its text, "-" when it is null, absent or of another type. */
const char *jt_reply_text(const json_t *object, const char *name);

/* A member of a reply: its integer, 0 when it is null, absent or of another type. */
long long jt_reply_integer(const json_t *object, const char *name);

bool jt_reply_true(const json_t *object, const char *name);

#endif

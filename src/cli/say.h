/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file job says: messages of batch/messages.def on standard error, each with its id, and all
 * of them again in the control report. Nothing that is said has a value of a file in it.
 */
#ifndef JETON_CLI_SAY_H
#define JETON_CLI_SAY_H

#include "base/buf.h"
#include "batch/message.h"

#include <stdbool.h>

/* How a file job ends; never anything else. */
enum jt_job_exit {
    JT_JOB_CLEAN = 0,
    JT_JOB_REJECTS = 4,
    JT_JOB_THRESHOLD = 8,
    JT_JOB_REFUSED = 12, /* parameters, authority, balance */
    JT_JOB_FAILED = 16,  /* the surroundings: files, server, memory */
};

/* `quiet`: information is not told on standard error. `record` gets every line; NULL: none does. */
void jt_say_begin(bool quiet, struct jt_buf *record);

/*
 * Says the message's text, and behind a colon what `format` makes; NULL: nothing more. The exit
 * code that its severity stands for; JT_JOB_CLEAN for information.
 */
int jt_say(enum jt_message m, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for what is wrong with `subject` (a file's name). */
int jt_say_trouble(const char *subject, const struct jt_trouble *trouble);

/* Its exit code alone. */
int jt_say_code(enum jt_message m);

/* What jt_complain says from here on has the id of this message. */
void jt_say_as(enum jt_message m);

#endif

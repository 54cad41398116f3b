/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines on standard error, in one of three forms:
 *
 *     text     2026-11-21T07:46:00Z level process: message
 *     json     {"time":"2026-11-21T07:46:00Z","level":"info","process":"jetond","message":"..."}
 *     journal  <6>message    (sd-daemon(3): the journal knows time and process by itself)
 *
 * Only main()s, request handlers and background jobs log; library layers return errors. A message
 * never contains a PAN, a key, a credential, a request body or a database server's detail text:
 * callers pass codes, counts, names and numbers. Control characters in the message are replaced, so
 * that no input can forge a line.
 */
#ifndef JETON_BASE_LOG_H
#define JETON_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum jt_log_level { JT_LOG_ERROR, JT_LOG_WARNING, JT_LOG_INFO, JT_LOG_DEBUG };

/*
 * Name put into each line (static storage) and the most detailed level written. Call once, before
 * threads start.
 */
void jt_log_init(const char *process, enum jt_log_level level);

enum jt_log_format { JT_LOG_TEXT, JT_LOG_JSON, JT_LOG_JOURNAL };

/* Before threads start; text without it. */
void jt_log_set_format(enum jt_log_format format);

/* A value beside a message: a member in JSON, name=value behind the message elsewhere. */
struct jt_log_pair {
    const char *name; /* the program's own, as is the value's form: no blanks */
    const char *value;
    bool number; /* of JSON's: without quotes there */
};

/* The same as jt_log for a fixed message with values. */
void jt_log_pairs(enum jt_log_level level, const char *message, const struct jt_log_pair *pairs,
                  size_t n);

void jt_log(enum jt_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

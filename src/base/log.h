/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines on standard error: "2026-11-21T07:46:00Z level process: message".
 *
 * Only main()s, request handlers and background jobs log; library layers return errors. A message
 * never contains a PAN, a key, a credential, a request body or a database server's detail text:
 * callers pass codes, counts, names and numbers. Control characters in the message are replaced, so
 * that no input can forge a line.
 */
#ifndef JETON_BASE_LOG_H
#define JETON_BASE_LOG_H

enum jt_log_level { JT_LOG_ERROR, JT_LOG_WARNING, JT_LOG_INFO, JT_LOG_DEBUG };

/*
 * Name put into each line (static storage) and the most detailed level written. Call once, before
 * threads start.
 */
void jt_log_init(const char *process, enum jt_log_level level);

void jt_log(enum jt_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines to a collector of logs on another machine: syslog messages of RFC 5424 over TCP, each
 * behind its length (RFC 6587 section 3.4.1). A connection is made when there is something to say,
 * and kept.
 *
 * Syslog has no acknowledgement: what was sent just before a connection broke may be lost, and
 * whoever must be sure says it again on the next connection. Blocks; for background duties.
 */
#ifndef JETON_BASE_SYSLOG_H
#define JETON_BASE_SYSLOG_H

#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>

#define JT_SYSLOG_TIMEOUT_MS 5000 /* for a connection, and for each message */
#define JT_SYSLOG_TEXT_MAX   1024 /* of a message; what is longer is cut */

struct jt_syslog;

/* NULL where `address` is HOST:PORT, a host with colons in brackets; else what it must be. */
const char *jt_syslog_check(const char *address);

/* `application` and `kind` are APP-NAME and MSGID, and outlive it. JT_ERR_INVALID, JT_ERR_NOMEM. */
enum jt_err jt_syslog_new(const char *address, const char *application, const char *kind,
                          struct jt_syslog **out) JT_CHECKED;
void jt_syslog_free(struct jt_syslog *s); /* NULL is accepted */

/*
 * Connects unless the connection stands. *fresh: it is another than at the last call, and what was
 * said on the one before may be lost. JT_ERR_IO, with a cause in `fault`.
 */
enum jt_err jt_syslog_connect(struct jt_syslog *s, bool *fresh, struct jt_fault *fault) JT_CHECKED;

/* Sends a line with the severity `notice` of the facility `log audit`. JT_ERR_IO: it is closed. */
enum jt_err jt_syslog_say(struct jt_syslog *s, const char *line, struct jt_fault *fault) JT_CHECKED;

#endif

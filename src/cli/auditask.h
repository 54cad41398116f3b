/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a keeper made a start or a close of the audit trail. */
#ifndef JETON_CLI_AUDITASK_H
#define JETON_CLI_AUDITASK_H

#include "base/buf.h"
#include "cli/command.h"

/*
 * `kind` is "starts" or "closes", `body` its bytes and its MAC. Without a server to ask (NULL) all
 * are good. JT_EXIT_OK, or an exit code after a message.
 */
int jt_auditask(const struct jt_cli *cli, const char *kind, const struct jt_buf *body, bool *good);

#endif

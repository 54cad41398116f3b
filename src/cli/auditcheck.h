/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verifies the audit trail from what GET /v1/audit and /v1/audit/starts give, or an export of both
 * (docs/data-format.md, "The audit trail"). Rows come in the order of the trail.
 *
 *     jt_auditcheck_new, jt_auditcheck_heads (heads that were kept outside), then
 *     jt_auditcheck_start for each start, jt_auditcheck_close for each close (of what was dropped
 *     when its time was over), jt_auditcheck_row for each row, jt_auditcheck_end
 *
 * What was found stands on standard output as it is found, the first bad place of each chain only.
 */
#ifndef JETON_CLI_AUDITCHECK_H
#define JETON_CLI_AUDITCHECK_H

#include "cli/command.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

struct jt_auditcheck;

/*
 * `cli`: whose server's keeper is asked for the heads; NULL: nobody is. `partial`: rows before the
 * first one, or behind the last, may exist and not be given.
 */
struct jt_auditcheck *jt_auditcheck_new(const struct jt_cli *cli, bool partial);
void jt_auditcheck_free(struct jt_auditcheck *c);

/* Lines with heads, as the front writes them; others are skipped. JT_EXIT_OK or after a message. */
int jt_auditcheck_heads(struct jt_auditcheck *c, FILE *in);

/* The rows end before this time, since 1970: heads of later are not missed. 0: all are there. */
void jt_auditcheck_until(struct jt_auditcheck *c, uint64_t until_us);

/* JT_EXIT_OK, or an exit code after a message: the check cannot go on. */
int jt_auditcheck_start(struct jt_auditcheck *c, const json_t *json);
int jt_auditcheck_close(struct jt_auditcheck *c, const json_t *json);
int jt_auditcheck_row(struct jt_auditcheck *c, const json_t *json);

/* What remains to be seen, and the summary. JT_EXIT_OK, or JT_EXIT_REFUSED: it is not whole. */
int jt_auditcheck_end(struct jt_auditcheck *c);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and starts of the audit trail as they stand in the answers of the server and in exports. */
#ifndef JETON_CLI_AUDITJSON_H
#define JETON_CLI_AUDITJSON_H

#include "model/audit.h"
#include "store/audit.h"

#include <jansson.h>
#include <stdbool.h>

/* A member that is just so many bytes in hexadecimal digits; an integer within bounds. */
bool jt_auditjson_hex(const json_t *object, const char *name, uint8_t *out, size_t len);
bool jt_auditjson_number(const json_t *object, const char *name, int64_t low, int64_t high,
                         int64_t *out);

/* False: it is none, or memory is out. out->ends is the caller's to free in both cases. */
bool jt_auditjson_start(const json_t *json, struct jt_audit_start *out);

bool jt_auditjson_close(const json_t *json, struct jt_audit_close *out);

/* The same for what a digest is made of; in both cases the caller clears it. */
bool jt_auditjson_row(const json_t *json, struct jt_audit_row *row);
void jt_auditjson_row_clear(struct jt_audit_row *row);

/* Whether ids that stand there are those of the row's digest. */
bool jt_auditjson_ids_agree(const json_t *json, const struct jt_audit_row *row);

#endif

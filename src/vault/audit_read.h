/* SPDX-License-Identifier: Apache-2.0 */
/* What auditors ask: the rows of the audit trail, its starts, and whether links are genuine. */
#ifndef JETON_VAULT_AUDIT_READ_H
#define JETON_VAULT_AUDIT_READ_H

#include "store/audit_list.h"
#include "store/partitions.h"
#include "vault/workers.h"

/* As jt_audit_list; `field` is a name, empty: any. JT_ERR_NO_FIELD. */
enum jt_err jt_audit_read_rows(struct jt_work_ctx *ctx, const char *field,
                               struct jt_audit_filter *filter, jt_audit_view_fn *each, void *arg,
                               struct jt_audit_seen *seen) JT_CHECKED;

enum jt_err jt_audit_read_starts(struct jt_work_ctx *ctx, jt_audit_start_fn *each,
                                 void *arg) JT_CHECKED;

enum jt_err jt_audit_read_closes(struct jt_work_ctx *ctx, jt_audit_close_fn *each,
                                 void *arg) JT_CHECKED;

/* SHA-256 of the ids of a row that was read. */
enum jt_err jt_audit_read_ids_digest(const struct jt_audit_row *row,
                                     uint8_t out[static JT_AUDIT_DIGEST_LEN]) JT_CHECKED;

/*
 * Asks the keeper of `n` claims, each of JT_AUDIT_CLAIM_LEN bytes: a link as it is sent
 * (docs/keeper-protocol.md) and its head.
 */
#define JT_AUDIT_CLAIM_LEN (4 + 2 + 8 + JT_ROW_MAC_LEN + JT_AUDIT_DIGEST_LEN + JT_ROW_MAC_LEN)
enum jt_err jt_audit_check_links(struct jt_work_ctx *ctx, const uint8_t *claims, size_t n,
                                 bool *good) JT_CHECKED;

/* The same of a start as it is sent, and its MAC. What is no start is not good. */
enum jt_err jt_audit_check_start(struct jt_work_ctx *ctx, const uint8_t *claim, size_t len,
                                 bool *good) JT_CHECKED;
/* The same of a close. */
enum jt_err jt_audit_check_close(struct jt_work_ctx *ctx, const uint8_t *claim, size_t len,
                                 bool *good) JT_CHECKED;

#endif

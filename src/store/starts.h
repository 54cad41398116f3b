/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts of the audit trail: one row for each run of a front, which opens all of its chains and
 * says where those of the run before it ended.
 */
#ifndef JETON_STORE_STARTS_H
#define JETON_STORE_STARTS_H

#include "store/chain.h"

/*
 * The newest start of that node: its id, 0 when there is none; and the ends of its chains, for
 * which `ends` has room for JT_AUDIT_ENDS_MAX.
 */
enum jt_err jt_start_find_last(struct jt_db *db, const char *node, uint32_t *id,
                               struct jt_audit_end *ends, size_t *n) JT_CHECKED;

/* As a statement of its own, or in the open transaction. JT_ERR_DB_DUPLICATE: the id is taken. */
enum jt_err jt_start_insert(struct jt_db *db, const struct jt_audit_start *start) JT_CHECKED;

/* Whether the row stands. */
enum jt_err jt_start_stands(struct jt_db *db, uint32_t id, bool *stands) JT_CHECKED;

/*
 * Notes for the next start how far the chains had come at the time `at_us`. Each connection once;
 * those that are not named stay as they were.
 */
enum jt_err jt_start_note(struct jt_db *db, uint32_t id, uint64_t at_us,
                          const struct jt_audit_end *ends, size_t n) JT_CHECKED;

#endif

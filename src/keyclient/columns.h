/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stubs of the verbs about columns of applications; how they are used is said in
 * keyclient/keyclient.h. Synchronous, as all stubs for workers are.
 */
#ifndef JETON_KEYCLIENT_COLUMNS_H
#define JETON_KEYCLIENT_COLUMNS_H

#include "keyclient/keyclient.h"
#include "wire/appcolumn.h"

/*
 * JT_ERR_FORGED: a row; JT_ERR_FIELD_NO_COLUMN; JT_ERR_COUNT_EPOCH: the keeper's ring is at
 * another; JT_ERR_WRONG_STATE: the generation neither drains nor is retired.
 */
enum jt_err jt_keyclient_wait_column_count(struct jt_keyclient *kc,
                                           const struct jt_column_counted *counted,
                                           struct jt_column_count *out) JT_CHECKED;

/* JT_ERR_FORGED: no keeper made it, of that column. */
enum jt_err jt_keyclient_wait_column_check(struct jt_keyclient *kc,
                                           const struct jt_column_count *count) JT_CHECKED;

#endif

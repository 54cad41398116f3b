/* SPDX-License-Identifier: Apache-2.0 */
/* What custodians read and sign before a database is recovered: lines of "name: value". */
#ifndef JETON_KEEPER_RECOVERYTEXT_H
#define JETON_KEEPER_RECOVERYTEXT_H

#include "keeper/keeper.h"
#include "model/recovery.h"

/*
 * Writes the text of the request, with a fresh challenge. Everything else of the request is there.
 * JT_ERR_LIMIT: it is too long.
 */
enum jt_err jt_recoverytext_write(const struct jt_keeper *k, const struct jt_recovery_database *db,
                                  enum jt_err why, const struct jt_recovery_plan *plan,
                                  struct jt_recovery_request *request) JT_CHECKED;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The custodians that this keeper goes by: the file `custodians` of its directory, which is magic
 * "JTCUSTOS" and the row of the set (wire/custodian.h).
 *
 * The first set of an installation is made by a keeper that was started for one command: whoever
 * can start it so can read the key files, and no front can. Every later one is approved by two
 * custodians of the set before. The database only carries sets: a keeper that has none takes what a
 * keeper made, and one that has a set takes its successor only, with the approvals in it.
 */
#ifndef JETON_KEEPER_CUSTODIANS_H
#define JETON_KEEPER_CUSTODIANS_H

#include "base/fault.h"
#include "keeper/root.h"
#include "wire/custodian.h"

struct jt_custodians {
    struct jt_custodian_set set; /* version 0: none */
    struct jt_custodian_row row; /* the same */
    bool wrong_told;             /* the log was told that the database has another one */
};

/* The file; JT_OK without one as well. JT_ERR_FILE_ALTERED, JT_ERR_FILE_UNSAFE, JT_ERR_IO. */
enum jt_err jt_custodians_load(int dir_fd, const struct jt_root *root, bool development,
                               struct jt_custodians *out, struct jt_fault *fault) JT_CHECKED;

/*
 * How many different custodians of the set have signed the text; `by` receives their places in it.
 * JT_ERR_CRYPTO: a signature could not be looked at, which says nothing of it.
 */
enum jt_err jt_custodians_count(const struct jt_custodian_set *set,
                                const struct jt_approvals *approvals, const void *text, size_t len,
                                uint8_t by[static JT_CUSTODIANS_MAX], size_t *n) JT_CHECKED;

struct jt_keeper;

/*
 * Makes the row of the set that comes after the keeper's own; nothing is taken over before it comes
 * back from the database. JT_ERR_INVALID: no set; JT_ERR_NOT_LOCAL: the first one, and this keeper
 * serves a front; JT_ERR_CUSTODIANS_THERE: without approvals where there is a set;
 * JT_ERR_NOT_APPROVED.
 */
enum jt_err jt_custodians_make(const struct jt_keeper *k, const struct jt_custodians_make *make,
                               struct jt_custodian_row *out) JT_CHECKED;

/* Looks at a row of the database, and goes on with it durably if it is the next one. */
enum jt_err jt_custodians_show(struct jt_keeper *k, const struct jt_custodian_row *row,
                               enum jt_custodians_verdict *verdict) JT_CHECKED;

#endif

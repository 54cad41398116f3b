/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether numeric tokens may be issued, and how many are left.
 *
 * A database that went back (restored, or a standby that lost its tail) has forgotten tokens that
 * were issued, and a token must never be issued twice. So the database has a mark that rises: at
 * each start of the front or its keeper, and then every JT_NUMERIC_RAISE_MS while tokens are
 * issued. The keeper remembers the highest (wire/numeric.h), and what transactions issue they issue
 * only where the database's mark is no lower than what this front knows. What was issued since the
 * last rise, and lost with a database that came back on the same timeline, is not noticed: that is
 * the bound.
 */
#ifndef JETON_VAULT_NUMERIC_H
#define JETON_VAULT_NUMERIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct jt_vault;
struct jt_work_ctx;

#define JT_NUMERIC_RAISE_MS 10000

/* Part of struct jt_vault; any thread. */
struct jt_numeric {
    _Atomic uint64_t mark; /* that the database must have; 0: not read yet */
    _Atomic bool closed;   /* the keeper issues no numeric tokens: an operator's word is needed */
    _Atomic bool waits;    /* and there are fields that have some */
    _Atomic bool stale;    /* a transaction found the database behind: it is to be shown again */
    _Atomic bool used;     /* tokens were issued since the mark rose last */
    _Atomic int64_t raised_ms;
    _Atomic int64_t warned_ms; /* the log was told of few tokens that are left */
};

/*
 * Shows the keeper where the database stands, and raises the mark where it may. `accept`: an
 * operator's recorded word that it is right. JT_OK also where numeric tokens wait from here on:
 * everything else works.
 */
enum jt_err jt_numeric_show(struct jt_work_ctx *ctx, bool accept) JT_CHECKED;

/* The heartbeat's part. What fails is tried again with the next one. */
void jt_numeric_keep_up(struct jt_work_ctx *ctx);

/*
 * For the tokenizer: the database was found behind; the reason for which the item ends.
 */
enum jt_err jt_numeric_is_behind(struct jt_vault *vault);

/*
 * A token that was drawn is taken, as are `n_taken` (0: not counted) of all that numbers of so many
 * digits can have which agree in what is kept. Warns when they come to an end; true: they have.
 */
bool jt_numeric_spent(struct jt_vault *vault, uint32_t field, uint8_t token_form, size_t n_digits,
                      uint64_t n_taken);

/* An operator's word; errors as of jt_numeric_show. */
enum jt_err jt_numeric_accept(struct jt_work_ctx *ctx, const char *actor,
                              const char *reason) JT_CHECKED;

#endif

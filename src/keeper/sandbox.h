/*
 * What the keeper gives up before it serves: core dumps and being traced (so that no other process of its user can read
 * its memory), swapping, new privileges, and every system call that serving does not need. The whole privilege policy
 * of the process stands in sandbox.c.
 *
 * Builds with a sanitizer keep the process dumpable and unfiltered, because the sanitizers' run-times need both; such a
 * build says so at start and is not for use.
 */
#ifndef JETON_KEEPER_SANDBOX_H
#define JETON_KEEPER_SANDBOX_H

#include "base/err.h"
#include "keeper/problem.h"

#include <stdbool.h>

/* No core dumps, not dumpable, no new privileges. First of all, before a key is touched. JT_ERR_IO. */
enum jt_err jt_sandbox_harden(struct jt_problem *problem) JT_CHECKED;

/*
 * Locks all memory, present and future. Where the limit of an ordinary user forbids it: with a development key *locked
 * is false and the keeper may go on (main warns); else JT_ERR_DENIED.
 */
enum jt_err jt_sandbox_lock_memory(bool development, bool *locked, struct jt_problem *problem) JT_CHECKED;

/* From here on only the system calls of the list are left. Last, after everything has been opened. JT_ERR_IO. */
enum jt_err jt_sandbox_filter(struct jt_problem *problem) JT_CHECKED;

/* Whether this build leaves measures out for a sanitizer's sake. */
bool jt_sandbox_is_weakened(void);

#endif

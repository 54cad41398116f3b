/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the keeper gives up before it serves: core dumps and being traced (so that no other process
 * of its user can read its memory), swapping, new privileges, and every system call that serving
 * does not need. The whole privilege policy of the process stands in sandbox.c.
 *
 * Builds with a sanitizer keep the process dumpable and unfiltered, because the sanitizers'
 * run-times need both; such a build says so at start and is not for use.
 */
#ifndef JETON_KEEPER_SANDBOX_H
#define JETON_KEEPER_SANDBOX_H

#include "base/err.h"
#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * No core dumps, not dumpable, no new privileges. First of all, before a key is touched. JT_ERR_IO.
 */
enum jt_err jt_sandbox_harden(struct jt_fault *fault) JT_CHECKED;

/*
 * Locks all memory, present and future. Where the limit of an ordinary user forbids it: with a
 * development key *locked is false and the keeper may go on (main warns); else JT_ERR_UNPROTECTED.
 */
enum jt_err jt_sandbox_lock_memory(bool development, bool *locked,
                                   struct jt_fault *fault) JT_CHECKED;

/*
 * From here on only the system calls of the list are left: any other one kills the process. Files
 * can be touched in two directories only: `keys_fd`, where they are read, written, made and
 * removed, and `socket_dir_fd`
 * (-1: none), where one may be removed.
 *
 * Two fences, one behind the other. Landlock, where the kernel has it (*landlocked tells), looks at
 * files, whatever name or descriptor leads to them. The filter of system calls cannot look at
 * names, but at arguments: files are opened, linked, renamed and removed through one of the two
 * descriptors only, never by a path of its own; and a signal goes to this process only. A name with
 * ".." in it or one that is absolute would still lead out of a directory's descriptor: that is what
 * Landlock is for.
 *
 * Last, after everything has been opened. JT_ERR_IO.
 */
enum jt_err jt_sandbox_confine(int keys_fd, int socket_dir_fd, bool *landlocked,
                               struct jt_fault *fault) JT_CHECKED;

/* A system call that the filter lets pass. */
struct jt_sandbox_call {
    int number; /* negative: there is none of this name on this machine */
    const char *name;
    bool ruled;      /* with certain arguments only */
    const char *why; /* it is listed, though no test of the keeper makes it; NULL: one does */
};

/* All of them. */
const struct jt_sandbox_call *jt_sandbox_calls(size_t *n);

/* Whether this build leaves measures out for a sanitizer's sake. */
bool jt_sandbox_is_weakened(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for secrets: keys, PANs, credentials.
 *
 * jt_secmem_alloc gives whole pages of their own, locked in RAM where the limit of the process
 * allows it, left out of core dumps and wiped in a forked child. It is meant for keys: few and
 * long-lived. Short-lived PANs live in ordinary memory of a process that is undumpable and must be
 * wiped with jt_wipe before they are freed.
 *
 * What is not checked: whether mlock succeeded. The keeper locks its whole address space at start
 * and decides there whether it may run without (see keeper/sandbox.h).
 */
#ifndef JETON_BASE_SECMEM_H
#define JETON_BASE_SECMEM_H

#include <stdbool.h>
#include <stddef.h>

/*
 * `len` zero bytes (len > 0), or NULL. Owned by the caller; free with jt_secmem_free and the same
 * length.
 */
void *jt_secmem_alloc(size_t len);

/* Wipes and unmaps. NULL is accepted. */
void jt_secmem_free(void *p, size_t len);

/*
 * Locks all memory of this process in RAM, present and future pages from their first touch, so that
 * nothing reaches swap. False, with errno, when the limit does not leave `room` bytes to grow into:
 * under a small limit locking succeeds at first and later allocations fail, so it is not tried at
 * all then.
 */
bool jt_secmem_lock_process(size_t room);

/* Overwrites `len` bytes in a way the compiler cannot remove. */
void jt_wipe(void *p, size_t len);

/* Wipes the whole allocation behind a malloc'd pointer, then frees it. NULL is accepted. */
void jt_wipe_free(void *p);

/* Whether two byte strings of one length are equal, in time that depends on the length only. */
bool jt_equal_ct(const void *a, const void *b, size_t len);

#endif

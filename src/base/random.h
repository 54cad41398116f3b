/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random bytes from the kernel (getrandom(2)), for tokens, credentials and incarnations.
 *
 * jt_random_fill draws from a per-thread pool of 4 KiB so that a batch of tokens costs one system
 * call; bytes are wiped from the pool as they are handed out, and a child of fork(2) starts with an
 * empty one (a fork handler: asking for the process id each time would cost the very system call
 * that the pool saves). Data keys are not made here: the keeper takes them from OpenSSL's private
 * generator (crypto/wrap.h).
 */
#ifndef JETON_BASE_RANDOM_H
#define JETON_BASE_RANDOM_H

#include <stddef.h>

/* Fills `out`. Cannot fail: aborts the process if the kernel has no entropy to give. */
void jt_random_fill(void *out, size_t len);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for at most so long, for threads that somebody may wake: a condition variable whose clock
 * nobody sets.
 */
#ifndef JETON_BASE_COND_H
#define JETON_BASE_COND_H

#include <pthread.h>
#include <stdbool.h>

/* For jt_cond_wait_ms; destroyed with pthread_cond_destroy. */
void jt_cond_init(pthread_cond_t *cond);

/* With the mutex held. False when the time was up. Wakes may be spurious, as ever. */
bool jt_cond_wait_ms(pthread_cond_t *cond, pthread_mutex_t *mutex, int ms);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include "base/secmem.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define POOL_LEN 4096

static _Thread_local uint8_t pool[POOL_LEN];
static _Thread_local size_t pool_left;
static _Thread_local bool registered;

/* Runs in the child, in the one thread that it has: the thread that called fork. */
static void forget_pool(void)
{
    pool_left = 0;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void register_fork_handler(void)
{
    if (pthread_atfork(NULL, NULL, forget_pool) != 0) {
        abort(); /* parent and child would hand out the same tokens */
    }
}

static void from_kernel(uint8_t *out, size_t len)
{
    while (len > 0) {
        ssize_t n = getrandom(out, len, 0);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            abort(); /* a token must never be guessable: no fallback */
        }
        out += n;
        len -= (size_t)n;
    }
}

void jt_random_fill(void *out, size_t len)
{
    if (len > POOL_LEN / 4) {
        from_kernel(out, len);
        return;
    }
    if (!registered) {
        (void)pthread_once(&once, register_fork_handler);
        registered = true;
    }
    if (pool_left < len) {
        from_kernel(pool, POOL_LEN);
        pool_left = POOL_LEN;
    }
    uint8_t *from = pool + POOL_LEN - pool_left;
    memcpy(out, from, len);
    jt_wipe(from, len);
    pool_left -= len;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secmem.h"

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t whole_pages(size_t len)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (len + page - 1) / page * page;
}

void *jt_secmem_alloc(size_t len)
{
    if (len == 0 || len > SIZE_MAX / 2) {
        return NULL;
    }
    size_t mapped = whole_pages(len);
    void *p = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        return NULL;
    }
    /* Best effort each: the process-wide measures of the keeper are the ones that are enforced. */
    (void)mlock(p, mapped);
    (void)madvise(p, mapped, MADV_DONTDUMP);
    (void)madvise(p, mapped, MADV_WIPEONFORK);
    return p;
}

void jt_secmem_free(void *p, size_t len)
{
    if (p == NULL) {
        return;
    }
    jt_wipe(p, len);
    (void)munmap(p, whole_pages(len));
}

/*
 * The limit alone does not tell, since a privilege lifts it; locking untouched pages does, and
 * costs nothing.
 */
static bool can_lock(size_t room)
{
    void *probe = mmap(NULL, room, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (probe == MAP_FAILED) {
        return false;
    }
    bool good = mlock2(probe, room, MLOCK_ONFAULT) == 0;
    int saved = errno;
    munmap(probe, room);
    errno = saved;
    return good;
}

bool jt_secmem_lock_process(size_t room)
{
    return can_lock(room) && mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
}

void jt_wipe(void *p, size_t len)
{
    if (p != NULL && len > 0) {
        explicit_bzero(p, len);
    }
}

void jt_wipe_free(void *p)
{
    if (p != NULL) {
        explicit_bzero(p, malloc_usable_size(p));
        free(p);
    }
}

bool jt_equal_ct(const void *a, const void *b, size_t len)
{
    const volatile uint8_t *x = a;
    const volatile uint8_t *y = b;
    uint8_t diff = 0;
    for (size_t i = 0; i < len; i++) {
        diff |= (uint8_t)(x[i] ^ y[i]);
    }
    return diff == 0;
}

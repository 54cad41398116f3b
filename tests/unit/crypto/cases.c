/* SPDX-License-Identifier: Apache-2.0 */
#include "cases.h"

#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct cases cases_start(size_t default_n)
{
    struct cases c = { .n = default_n };
    const char *seed = getenv("JETON_TEST_SEED");
    const char *n = getenv("JETON_TEST_CASES");
    if (seed != NULL) {
        c.state = strtoull(seed, NULL, 10);
    } else {
        jt_random_fill(&c.state, sizeof(c.state));
    }
    if (n != NULL) {
        c.n = strtoull(n, NULL, 10);
    }
    print_message("JETON_TEST_SEED=%llu JETON_TEST_CASES=%zu\n", (unsigned long long)c.state, c.n);
    return c;
}

/* splitmix64: every seed gives a full-period sequence. */
uint64_t cases_next(struct cases *c)
{
    uint64_t z = c->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

size_t cases_below(struct cases *c, size_t bound)
{
    return cases_next(c) % bound;
}

void cases_fill(struct cases *c, uint8_t *out, size_t len)
{
    while (len > 0) {
        uint64_t word = cases_next(c);
        size_t take = len < sizeof(word) ? len : sizeof(word);
        memcpy(out, &word, take);
        out += take;
        len -= take;
    }
}

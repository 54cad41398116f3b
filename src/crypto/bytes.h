/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A borrowed run of bytes: how components of associated data and parts of a MAC's message are
 * passed.
 */
#ifndef JETON_CRYPTO_BYTES_H
#define JETON_CRYPTO_BYTES_H

#include <stddef.h>

struct jt_bytes {
    const void *p; /* may be NULL when len is 0 */
    size_t len;
};

#endif

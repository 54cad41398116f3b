/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proxies that are believed when they say whom they speak for, in the field X-Forwarded-For
 * that proxies agree on without a standard: addresses separated by commas, to which each proxy adds
 * at the end whom it was asked by. Whatever stands before may be made up.
 */
#ifndef JETON_MODEL_PROXIES_H
#define JETON_MODEL_PROXIES_H

#include "model/network.h"

#define JT_PROXIES_MAX 16

struct jt_proxies {
    uint8_t n;
    bool local; /* whoever comes over a Unix socket is one */
    struct jt_network of[JT_PROXIES_MAX];
};

/*
 * Of addresses and networks separated by commas, and the word unix; empty: none. False: it is no
 * such list, or too long.
 */
bool jt_proxies_parse(const char *list, struct jt_proxies *out);

/*
 * Who asks, where `peer` is at the other end of the connection: the last address in the `len` bytes
 * at `forwarded_for` that is none of the proxies; `peer` where it is no proxy, or `len` is 0.
 * False: what a proxy wrote there cannot be read, and *source is the last proxy that is known.
 */
bool jt_proxies_source(const struct jt_proxies *proxies, const struct jt_source *peer,
                       const char *forwarded_for, size_t len, struct jt_source *source);

#endif

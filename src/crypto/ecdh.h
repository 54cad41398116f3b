/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X25519 key agreement (RFC 7748) between keepers. Each side makes a key pair for one exchange and
 * forgets the private half after it, so that what was exchanged cannot be read later by whoever has
 * recorded it, not even with every lasting key at hand.
 *
 * The shared secret is no key yet: it is hashed together with what was said (keeper/parcel.h). Who
 * the other side is, this does not tell; that must come from a MAC.
 */
#ifndef JETON_CRYPTO_ECDH_H
#define JETON_CRYPTO_ECDH_H

#include "base/err.h"

#include <stdint.h>

#define JT_ECDH_PRIVATE_LEN 32
#define JT_ECDH_PUBLIC_LEN  32
#define JT_ECDH_SHARED_LEN  32

/* A fresh pair. On failure both are wiped. */
enum jt_err jt_ecdh_generate(uint8_t private_key[static JT_ECDH_PRIVATE_LEN],
                             uint8_t public_key[static JT_ECDH_PUBLIC_LEN]) JT_CHECKED;

enum jt_err jt_ecdh_public(const uint8_t private_key[static JT_ECDH_PRIVATE_LEN],
                           uint8_t out[static JT_ECDH_PUBLIC_LEN]) JT_CHECKED;

/*
 * JT_ERR_INVALID for a point of low order (RFC 7748 section 6.1), of which the result would be all
 * zero whatever the private key. `out` is wiped on failure.
 */
enum jt_err jt_ecdh_shared(const uint8_t private_key[static JT_ECDH_PRIVATE_LEN],
                           const uint8_t peer[static JT_ECDH_PUBLIC_LEN],
                           uint8_t out[static JT_ECDH_SHARED_LEN]) JT_CHECKED;

#endif

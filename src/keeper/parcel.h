/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a parcel request is vouched for, and how a key is sealed into a parcel (model/parcel.h).
 *
 * Both hang on a base: 64 bytes that the service root derives under the label `parcel`, or the
 * master key under `join` where the service root itself is on its way. Its first half is the CMAC
 * key of requests; the second is a secret that every keeper of the installation has.
 *
 * The sealing key comes from the X25519 secret of two keys made for this one exchange, and from
 * that lasting secret, hashed with everything that was said: the whole request with its MAC, the
 * head of the parcel, the answerer's public key (SP 800-56C revision 2 sections 2 and 4: one step,
 * SHA-256, Z' = Z || T). So neither suffices alone: who learns the lasting keys cannot read parcels
 * that were recorded before, and who breaks X25519 cannot read them without the lasting ones. A
 * parcel opens for the request that it answers, and for no other.
 *
 * What is not checked here: whether the key may travel, and whether it is wanted
 * (keeper/op_parcel).
 */
#ifndef JETON_KEEPER_PARCEL_H
#define JETON_KEEPER_PARCEL_H

#include "crypto/ecdh.h"
#include "wire/parcel.h"

#define JT_PARCEL_BASE_LEN 64
#define JT_PARCEL_KEY_LEN  32 /* of what travels: a generation's key, or the service root */

_Static_assert(JT_PARCEL_PUBLIC_LEN == JT_ECDH_PUBLIC_LEN, "a parcel's public key is of X25519");

enum jt_err jt_parcel_request_mac(const uint8_t base[static JT_PARCEL_BASE_LEN],
                                  const struct jt_parcel_request *request,
                                  uint8_t out[static JT_ROW_MAC_LEN]) JT_CHECKED;

/* JT_ERR_FORGED unless the request carries its right MAC. */
enum jt_err jt_parcel_request_check(const uint8_t base[static JT_PARCEL_BASE_LEN],
                                    const struct jt_parcel_request *request) JT_CHECKED;

/*
 * Seals `key` for whoever made `request`: fills in public key and sealed bytes of the parcel, whose
 * head is the caller's. JT_ERR_FORGED when the request's public key is a point of low order.
 */
enum jt_err jt_parcel_seal(const uint8_t base[static JT_PARCEL_BASE_LEN],
                           const struct jt_parcel_request *request,
                           const uint8_t key[static JT_PARCEL_KEY_LEN],
                           struct jt_parcel *parcel) JT_CHECKED;

/*
 * Opens it with the private half of the request's key. JT_ERR_FORGED, and `key` wiped, when the
 * parcel does not answer this very request, or was altered.
 */
enum jt_err jt_parcel_open(const uint8_t base[static JT_PARCEL_BASE_LEN],
                           const struct jt_parcel_request *request,
                           const uint8_t private_key[static JT_ECDH_PRIVATE_LEN],
                           const struct jt_parcel *parcel,
                           uint8_t key[static JT_PARCEL_KEY_LEN]) JT_CHECKED;

#endif

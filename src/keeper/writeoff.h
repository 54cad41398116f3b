/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MACs of what is carried about cards that are written off (model/writeoff.h), and the check of
 * those that a retirement's certificate names.
 */
#ifndef JETON_KEEPER_WRITEOFF_H
#define JETON_KEEPER_WRITEOFF_H

#include "keeper/root.h"
#include "wire/certificate.h"
#include "wire/writeoff.h"

enum jt_err jt_writeoff_request_mac(const struct jt_root *root,
                                    const struct jt_writeoff_request *request,
                                    uint8_t mac[static JT_ROW_MAC_LEN]) JT_CHECKED;
enum jt_err jt_writeoff_warrant_mac(const struct jt_root *root,
                                    const struct jt_writeoff_warrant *warrant,
                                    uint8_t mac[static JT_ROW_MAC_LEN]) JT_CHECKED;

/*
 * Whether what a retirement says of cards that were written off is so: each is a keeper's warrant
 * for that very key, named once, ascending, and moved no more cards than it lists; together they
 * moved as many as the facts say. JT_ERR_FORGED, JT_ERR_INVALID.
 */
struct jt_ring_entry;
enum jt_err jt_writeoff_check(const struct jt_root *root, const struct jt_ring_entry *entry,
                              const struct jt_certify *certify) JT_CHECKED;

#endif

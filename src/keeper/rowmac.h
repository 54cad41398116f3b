/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MACs of rows that live in the database and of the state file: CMAC-AES-256 (SP 800-38B) under
 * a key derived from the service root. Each message begins with a byte of its own for each kind of
 * row, so that no row can be passed off as one of another kind (the byte layouts:
 * docs/keeper-protocol.md).
 */
#ifndef JETON_KEEPER_ROWMAC_H
#define JETON_KEEPER_ROWMAC_H

#include "keeper/genfile.h"
#include "keeper/root.h"
#include "model/audit.h"
#include "wire/client.h"
#include "wire/field.h"
#include "wire/generation.h"
#include "wire/node.h"
#include "wire/set_row.h"

/*
 * The first byte of a parcel request's MAC, whose key is none of those here (keeper/parcel.h); it
 * is named so that the list of them in rowmac.c has all.
 */
#define JT_ROWMAC_PARCEL 21

/* All give JT_ROW_MAC_LEN bytes; JT_ERR_NOMEM or JT_ERR_CRYPTO. */
enum jt_err jt_rowmac_client_secret(const struct jt_root *root, const char *id,
                                    const uint8_t secret[static JT_CLIENT_SECRET_LEN],
                                    uint8_t out[static JT_ROW_MAC_LEN]) JT_CHECKED;
enum jt_err jt_rowmac_client(const struct jt_root *root, const struct jt_client_row *row,
                             uint8_t out[static JT_ROW_MAC_LEN]) JT_CHECKED;
enum jt_err jt_rowmac_field(const struct jt_root *root, const struct jt_field_row *row,
                            uint8_t out[static JT_ROW_MAC_LEN]) JT_CHECKED;
enum jt_err jt_rowmac_generation(const struct jt_root *root, const struct jt_generation_row *row,
                                 uint8_t out[static JT_ROW_MAC_LEN]) JT_CHECKED;
enum jt_err jt_rowmac_plan(const struct jt_root *root, const struct jt_generation_row *row,
                           const struct jt_generation_plan *plan,
                           uint8_t out[static JT_ROW_MAC_LEN]) JT_CHECKED;
enum jt_err jt_rowmac_ring(const struct jt_root *root, const uint8_t *body, size_t body_len,
                           uint8_t out[static JT_ROW_MAC_LEN]) JT_CHECKED;
enum jt_err jt_rowmac_node(const struct jt_root *root, const struct jt_node_row *row,
                           uint8_t out[static JT_ROW_MAC_LEN]) JT_CHECKED;
enum jt_err jt_rowmac_state(const struct jt_root *root, const uint8_t *body, size_t body_len,
                            uint8_t out[static JT_ROW_MAC_LEN]) JT_CHECKED;

enum jt_err jt_rowmac_mark(const struct jt_root *root, const uint8_t *body, size_t body_len,
                           uint8_t out[static JT_ROW_MAC_LEN]) JT_CHECKED;
/* The receipt of a backup, by its body (wire/backup.h). */
enum jt_err jt_rowmac_backup(const struct jt_root *root, const uint8_t *body, size_t body_len,
                             uint8_t out[static JT_ROW_MAC_LEN]) JT_CHECKED;

/*
 * Custodians (wire/custodian.h); a request of a destruction, and the word of a keeper that it holds
 * no key of it any more (wire/destruction.h); the file of what a keeper knows of destructions
 * (keeper/destructions.h).
 */
enum jt_err jt_rowmac_custodians(const struct jt_root *root, const uint8_t *body, size_t body_len,
                                 uint8_t out[static JT_ROW_MAC_LEN]) JT_CHECKED;
enum jt_err jt_rowmac_destruction(const struct jt_root *root, const uint8_t *body, size_t body_len,
                                  uint8_t out[static JT_ROW_MAC_LEN]) JT_CHECKED;
enum jt_err jt_rowmac_erased(const struct jt_root *root, const uint8_t *body, size_t body_len,
                             uint8_t out[static JT_ROW_MAC_LEN]) JT_CHECKED;
enum jt_err jt_rowmac_destructions(const struct jt_root *root, const uint8_t *body, size_t body_len,
                                   uint8_t out[static JT_ROW_MAC_LEN]) JT_CHECKED;

/* A count of envelopes in a column of an application's, by its body (wire/appcolumn.h). */
enum jt_err jt_rowmac_column_count(const struct jt_root *root, const uint8_t *body, size_t body_len,
                                   uint8_t out[static JT_ROW_MAC_LEN]) JT_CHECKED;

/* A request to write cards off, and a warrant for it, by their bodies (wire/writeoff.h). */
enum jt_err jt_rowmac_writeoff(const struct jt_root *root, const uint8_t *body, size_t body_len,
                               uint8_t out[static JT_ROW_MAC_LEN]) JT_CHECKED;
enum jt_err jt_rowmac_warrant(const struct jt_root *root, const uint8_t *body, size_t body_len,
                              uint8_t out[static JT_ROW_MAC_LEN]) JT_CHECKED;

/*
 * The request of a recovery, the word of the keeper that carried it out, and what a keeper
 * remembers, by their bodies (wire/recovery.h).
 */
enum jt_err jt_rowmac_recovery(const struct jt_root *root, const uint8_t *body, size_t body_len,
                               uint8_t out[static JT_ROW_MAC_LEN]) JT_CHECKED;
enum jt_err jt_rowmac_recovery_word(const struct jt_root *root, const uint8_t *body,
                                    size_t body_len, uint8_t out[static JT_ROW_MAC_LEN]) JT_CHECKED;
enum jt_err jt_rowmac_keeper_view(const struct jt_root *root, const uint8_t *body, size_t body_len,
                                  uint8_t out[static JT_ROW_MAC_LEN]) JT_CHECKED;

/*
 * Proof of possession: under the generation's own `ack` key, over `meta` and everything in `ack`
 * but its MAC.
 */
enum jt_err jt_rowmac_ack(const uint8_t generation_key[static JT_GENERATION_KEY_LEN],
                          const struct jt_genfile *meta, const struct jt_ack *ack,
                          uint8_t out[static JT_ROW_MAC_LEN]) JT_CHECKED;

/*
 * For the digests of sets (wire/set.h): the value of a row in the sum (`encoded` is the whole row),
 * what hides a sum under a nonce, and the MACs of a set row and of a partial sum. The first two
 * never leave the keeper.
 */
enum jt_err jt_rowmac_set_member(const struct jt_root *root, uint8_t kind, const uint8_t *encoded,
                                 size_t len, uint8_t out[static JT_SET_DIGEST_LEN]) JT_CHECKED;
enum jt_err jt_rowmac_set_mask(const struct jt_root *root, uint8_t kind,
                               const uint8_t nonce[static JT_SET_NONCE_LEN],
                               uint8_t out[static JT_SET_DIGEST_LEN]) JT_CHECKED;
enum jt_err jt_rowmac_set_row(const struct jt_root *root, const struct jt_set_row *row,
                              uint8_t out[static JT_ROW_MAC_LEN]) JT_CHECKED;
enum jt_err jt_rowmac_set_sum(const struct jt_root *root, const uint8_t *body, size_t body_len,
                              uint8_t out[static JT_ROW_MAC_LEN]) JT_CHECKED;

/*
 * The name under which the audit knows a row of an application's: a MAC cut to 8 bytes, because a
 * row-id may be anything, a card number even.
 */
enum jt_err jt_rowmac_held(const struct jt_root *root, uint32_t field, const uint8_t *row_id,
                           size_t row_id_len, uint8_t out[static JT_HELD_TAG_LEN]) JT_CHECKED;

/*
 * The audit trail: a start and a close as their bodies are sent (wire/audit.h), and a link, which
 * gives its head.
 */
enum jt_err jt_rowmac_audit_start(const struct jt_root *root, const uint8_t *body, size_t body_len,
                                  uint8_t out[static JT_ROW_MAC_LEN]) JT_CHECKED;
enum jt_err jt_rowmac_audit_close(const struct jt_root *root, const uint8_t *body, size_t body_len,
                                  uint8_t out[static JT_ROW_MAC_LEN]) JT_CHECKED;
enum jt_err jt_rowmac_audit_link(const struct jt_root *root, const struct jt_audit_link *link,
                                 uint8_t out[static JT_ROW_MAC_LEN]) JT_CHECKED;

/* A request that is done once, by the digest of who asks for what and with which body. */
enum jt_err jt_rowmac_once(const struct jt_root *root, const uint8_t *digest,
                           uint8_t out[static JT_ROW_MAC_LEN]) JT_CHECKED;

/* JT_OK when the row carries its right MAC, else JT_ERR_FORGED. */
enum jt_err jt_rowmac_generation_check(const struct jt_root *root,
                                       const struct jt_generation_row *row) JT_CHECKED;
enum jt_err jt_rowmac_node_check(const struct jt_root *root,
                                 const struct jt_node_row *row) JT_CHECKED;
enum jt_err jt_rowmac_client_check(const struct jt_root *root,
                                   const struct jt_client_row *row) JT_CHECKED;
enum jt_err jt_rowmac_field_check(const struct jt_root *root,
                                  const struct jt_field_row *row) JT_CHECKED;

#endif

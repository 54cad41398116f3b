/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stubs of the verbs by which keepers of several nodes work together; how they are used is said in
 * keyclient/keyclient.h. Synchronous, as all stubs for workers are.
 *
 * How a key travels: the front of a keeper that lacks a key (GENERATION_HELD says which, or
 * RING_ACCEPT with JT_ERR_KEY_MISSING) has it ask (PARCEL_ASK) and posts the request; any other
 * front has its keeper answer (PARCEL_ANSWER) and posts the parcel; the first one hands it to its
 * keeper (PARCEL_ACCEPT). Request and parcel are good for one minute and for one start of the
 * asking keeper.
 */
#ifndef JETON_KEYCLIENT_NODES_H
#define JETON_KEYCLIENT_NODES_H

#include "keyclient/keyclient.h"
#include "wire/backup.h"
#include "wire/escrow.h"
#include "wire/parcel.h"
#include "wire/verdicts.h"

/*
 * The node's row as it is now, after NODE_JOIN of the same spec; else JT_ERR_NOT_JOINED. Its mark
 * rises while ids are minted, and is ahead of them by 30 s at least when this returns.
 */
enum jt_err jt_keyclient_wait_node_row(struct jt_keyclient *kc, const struct jt_node_spec *spec,
                                       struct jt_node_row *out) JT_CHECKED;

/*
 * Shows the rows of all nodes, at most JT_WIRE_MAX_VERDICTS, so that the keeper remembers their
 * marks. verdicts[i] is JT_OK or JT_ERR_FORGED.
 */
enum jt_err jt_keyclient_wait_node_marks(struct jt_keyclient *kc, const struct jt_node_row *rows,
                                         size_t n, enum jt_err *verdicts) JT_CHECKED;

/*
 * Which keys are here. verdicts[i]: JT_OK (held, and the very one), JT_ERR_KEY_MISSING,
 * JT_ERR_KEY_WRONG, JT_ERR_FORGED, JT_ERR_WRONG_STATE for a destroyed generation.
 */
enum jt_err jt_keyclient_wait_generation_held(struct jt_keyclient *kc,
                                              const struct jt_generation_row *rows, size_t n,
                                              enum jt_err *verdicts) JT_CHECKED;

/*
 * A fresh challenge for acknowledgements of the generation, to be checked by this keeper; the one
 * before is void. JT_ERR_FORGED for a row that no keeper MACed.
 */
enum jt_err jt_keyclient_wait_ack_challenge(struct jt_keyclient *kc,
                                            const struct jt_generation_row *generation,
                                            uint8_t challenge[static JT_CHALLENGE_LEN]) JT_CHECKED;

/*
 * Asks for the key of a generation, or for the service root (generation NULL). Asked again while it
 * waits, it gives the same request. JT_ERR_KEY_THERE: nothing to ask for; JT_ERR_KEY_WRONG: it
 * holds another key that this one may not take the place of; JT_ERR_FORGED, JT_ERR_WRONG_STATE
 * (destroyed), JT_ERR_INVALID (the name), JT_ERR_BUSY (JT_PARCEL_PENDING_MAX wait already),
 * JT_ERR_NO_ROOT (a generation, before there is a service root).
 */
enum jt_err jt_keyclient_wait_parcel_ask(struct jt_keyclient *kc, const char *node,
                                         const struct jt_generation_row *generation,
                                         struct jt_parcel_request *out) JT_CHECKED;

/*
 * Answers another keeper's request, if this one holds the key; `generation` is NULL for the service
 * root. JT_ERR_FORGED: the request or the row is no keeper's; JT_ERR_MASTER_OTHER or
 * JT_ERR_ROOT_OTHER: the asker says itself that it works under another one; JT_ERR_KEY_MISSING:
 * not held here, or it is this very keeper that asks; JT_ERR_KEY_WRONG: another one is held under
 * the number; JT_ERR_WRONG_STATE: the generation is destroyed.
 */
enum jt_err jt_keyclient_wait_parcel_answer(struct jt_keyclient *kc,
                                            const struct jt_parcel_request *request,
                                            const struct jt_generation_row *generation,
                                            struct jt_parcel *out) JT_CHECKED;

/*
 * Takes a parcel in; the key is durable when this returns. JT_ERR_PARCEL_UNASKED: it was not asked
 * for, or longer ago than JT_PARCEL_WAIT_MS: ask again; JT_ERR_FORGED: it was tampered with, or
 * answers an earlier request: another one may still come; JT_ERR_KEY_THERE: held already;
 * JT_ERR_KEY_WRONG, JT_ERR_KEY_ID_TAKEN: another key holds the number, or the key id, and may not
 * go; JT_ERR_WRONG_STATE, JT_ERR_DIRECTORY_BAD.
 */
enum jt_err jt_keyclient_wait_parcel_accept(struct jt_keyclient *kc,
                                            const struct jt_generation_row *generation,
                                            const struct jt_parcel *parcel) JT_CHECKED;

/* The same for the service root, which must be the one that the ring names (else KEY_WRONG). */
enum jt_err jt_keyclient_wait_root_accept(struct jt_keyclient *kc, const struct jt_ring_row *ring,
                                          const struct jt_parcel *parcel) JT_CHECKED;

/*
 * All keys of this keeper in one sealed file (model/escrow.h), and what of a file is held here.
 * JT_ERR_FILE_ALTERED, JT_ERR_FILE_FOREIGN (another environment), JT_ERR_MASTER_OTHER,
 * JT_ERR_ROOT_OTHER.
 */
enum jt_err jt_keyclient_wait_escrow_make(struct jt_keyclient *kc,
                                          struct jt_escrow_file *out) JT_CHECKED;
enum jt_err jt_keyclient_wait_escrow_check(struct jt_keyclient *kc,
                                           const struct jt_escrow_file *file,
                                           struct jt_escrow_report *out) JT_CHECKED;

/*
 * This keeper's word that it opened the file, and what was in it; the same errors. And whether such
 * a word is a keeper's of this service root: else JT_ERR_FORGED. `backup` receives what it says.
 */
enum jt_err jt_keyclient_wait_escrow_receipt(struct jt_keyclient *kc,
                                             const struct jt_escrow_file *file,
                                             struct jt_backup_receipt *out) JT_CHECKED;
enum jt_err jt_keyclient_wait_backup_check(struct jt_keyclient *kc,
                                           const struct jt_backup_receipt *receipt,
                                           struct jt_backup *backup) JT_CHECKED;

/*
 * Fills a keeper that has a master key and nothing else; the same one again, where it was cut off.
 * JT_ERR_KEY_THERE when it has a service root already; else as the check.
 */
enum jt_err jt_keyclient_wait_escrow_restore(struct jt_keyclient *kc,
                                             const struct jt_escrow_file *file) JT_CHECKED;

#endif

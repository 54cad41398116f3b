/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stubs of the verbs about custodians and the destruction of keys; how they are used is said in
 * keyclient/keyclient.h. Synchronous, as all stubs for workers are. What large structs they take
 * and fill is the caller's.
 */
#ifndef JETON_KEYCLIENT_ENDS_H
#define JETON_KEYCLIENT_ENDS_H

#include "keyclient/keyclient.h"
#include "wire/custodian.h"
#include "wire/destruction.h"
#include "wire/ring.h"
#include "wire/writeoff.h"

/*
 * The set of custodians that comes after the keeper's own: keeper/custodians.h. JT_ERR_INVALID,
 * JT_ERR_NOT_LOCAL, JT_ERR_CUSTODIANS_THERE, JT_ERR_NOT_APPROVED.
 */
enum jt_err jt_keyclient_wait_custodians_make(struct jt_keyclient *kc,
                                              const struct jt_custodians_make *make,
                                              struct jt_custodian_row *out) JT_CHECKED;
/* Shows the keeper a row of the database (body_len 0: there is none). */
enum jt_err jt_keyclient_wait_custodians_show(struct jt_keyclient *kc,
                                              const struct jt_custodian_row *row,
                                              struct jt_custodians_shown *out) JT_CHECKED;

/*
 * What the ring would be without a retired generation, and its row as it is then: as
 * jt_keyclient_wait_ring_propose, in the database that is told. JT_ERR_NOT_APPROVED,
 * JT_ERR_GRACE_RUNS, JT_ERR_DESTRUCTION_CANCELLED, JT_ERR_OTHER_DATABASE.
 */
enum jt_err jt_keyclient_wait_ring_destroy(struct jt_keyclient *kc,
                                           const struct jt_ring_propose *propose,
                                           struct jt_ring_proposal *out) JT_CHECKED;

/*
 * The request of a destruction, for custodians to sign. JT_ERR_WRONG_STATE: not retired;
 * JT_ERR_NOT_CERTIFIED; JT_ERR_NO_CUSTODIANS; JT_ERR_LIMIT: so many fields that their list is too
 * long.
 */
enum jt_err jt_keyclient_wait_destruction_open(struct jt_keyclient *kc,
                                               const struct jt_destruction_open *open,
                                               struct jt_destruction_request *out) JT_CHECKED;
/* keeper/destructions.h. JT_ERR_FORGED, JT_ERR_WRONG_STATE, JT_ERR_KEY_WRONG. */
enum jt_err jt_keyclient_wait_destruction_show(struct jt_keyclient *kc,
                                               const struct jt_destruction_show *show,
                                               struct jt_destruction_shown *out) JT_CHECKED;
/* JT_ERR_FORGED, JT_ERR_WRONG_STATE, JT_ERR_NOT_APPROVED, JT_ERR_NOT_ERASED. */
enum jt_err jt_keyclient_wait_destruction_certify(struct jt_keyclient *kc,
                                                  const struct jt_destruction_certify *certify,
                                                  struct jt_certificate *out) JT_CHECKED;

/*
 * The request to write cards off, of those that the keeper can neither open nor mend.
 * JT_ERR_WRONG_STATE: the generation does not drain; JT_ERR_NO_CUSTODIANS.
 */
enum jt_err jt_keyclient_wait_writeoff_open(struct jt_keyclient *kc,
                                            const struct jt_writeoff_open *open,
                                            struct jt_writeoff_opened *out) JT_CHECKED;
/*
 * How many custodians have signed it; and the warrant, where the list is shown and two have.
 * JT_ERR_FORGED: no keeper made it; JT_ERR_LIST_ALTERED; JT_ERR_WRONG_STATE.
 */
enum jt_err jt_keyclient_wait_writeoff_show(struct jt_keyclient *kc,
                                            const struct jt_writeoff_show *show,
                                            struct jt_writeoff_shown *out) JT_CHECKED;

#endif

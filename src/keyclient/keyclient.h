/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caller's side of the keeper protocol: one connection, a stub for each verb.
 *
 * Asynchronous use (event loops): jt_keyclient_new with a loop; the connection is made and remade
 * behind the scenes, and jt_keyclient_ready tells whether it stands. Each stub encodes its request
 * at once (the caller's memory may go afterwards) and calls `done` exactly once, later, from the
 * loop: with JT_OK and a reply whose pointers are valid until `done` returns, or with an error and
 * NULL. Replies come in the order of the calls. (The one exception: when there is no memory even to
 * remember the call, `done` gets JT_ERR_NOMEM at once.) The loop's hooks cannot be taken back, so
 * the client is freed only after its loop has stopped running, and before the loop is freed.
 *
 * Synchronous use (worker threads, commands): jt_keyclient_open without a loop; then
 * jt_keyclient_wait_* calls block up to a time-out. A dropped connection is remade by the next
 * call.
 *
 * Errors common to all verbs: JT_ERR_KEEPER_AWAY (no connection, or it broke, or time-out: whether
 * the keeper did the work is unknown), JT_ERR_PROTOCOL (the keeper sent nonsense; the connection is
 * closed), JT_ERR_LIMIT (more items than JT_WIRE_MAX_ITEMS), JT_ERR_NOMEM. The keeper is not
 * trusted to be well-formed: every length in a reply is checked, and a reply must answer exactly
 * the items asked.
 */
#ifndef JETON_KEYCLIENT_KEYCLIENT_H
#define JETON_KEYCLIENT_KEYCLIENT_H

#include "base/fault.h"
#include "base/loop.h"
#include "wire/certificate.h"
#include "wire/audit.h"
#include "wire/client.h"
#include "wire/field.h"
#include "wire/fingerprint.h"
#include "wire/generation.h"
#include "wire/guess.h"
#include "wire/held.h"
#include "wire/honey.h"
#include "wire/identify.h"
#include "wire/match.h"
#include "wire/mend.h"
#include "wire/name.h"
#include "wire/node.h"
#include "wire/numeric.h"
#include "wire/once.h"
#include "wire/plan.h"
#include "wire/open.h"
#include "wire/open_masked.h"
#include "wire/reseal.h"
#include "wire/ring.h"
#include "wire/seal.h"
#include "wire/set.h"
#include "wire/status.h"
#include "wire/verb.h"

struct jt_keyclient;

/* `timeout_ms` bounds each call. The path is copied. */
enum jt_err jt_keyclient_new(struct jt_loop *loop, const char *socket_path, int timeout_ms,
                             struct jt_keyclient **out) JT_CHECKED;

/*
 * A synchronous client. `fd` >= 0 is a connected socket to use instead of the path (a keeper run
 * for one command); it becomes the client's. A keeper that is not there yet is no error here.
 */
enum jt_err jt_keyclient_open(const char *socket_path, int fd, int timeout_ms,
                              struct jt_keyclient **out) JT_CHECKED;

struct jt_histogram;

/* How long each answered call took, in microseconds, is noted there. Asynchronous use. */
void jt_keyclient_measure(struct jt_keyclient *kc, struct jt_histogram *us);

/* Every outstanding call is answered with JT_ERR_KEEPER_AWAY first. NULL is accepted. */
void jt_keyclient_free(struct jt_keyclient *kc);

/* Whether the connection stands and the versions agree. */
bool jt_keyclient_ready(const struct jt_keyclient *kc);

/*
 * Failures are noted into `fault` from now on, which its owner clears and which outlives the
 * client. Without this call they are noted into one of the client's own, which each attempt to
 * connect clears.
 */
void jt_keyclient_note_into(struct jt_keyclient *kc, struct jt_fault *fault);

/* Why the connection is not there, or what the keeper refused. */
const struct jt_fault *jt_keyclient_fault(const struct jt_keyclient *kc);

/* The keeper's start incarnation of the present connection; zeroes when not ready. */
const uint8_t *jt_keyclient_incarnation(const struct jt_keyclient *kc);

/* --- batch verbs, asynchronous --- */

typedef void jt_seal_fn(void *arg, enum jt_err err, const struct jt_seal_reply *reply);
typedef void jt_open_fn(void *arg, enum jt_err err, const struct jt_open_reply *reply);
typedef void jt_open_masked_fn(void *arg, enum jt_err err,
                               const struct jt_open_masked_reply *reply);
typedef void jt_reseal_fn(void *arg, enum jt_err err, const struct jt_reseal_reply *reply);
typedef void jt_match_fn(void *arg, enum jt_err err, const struct jt_match_reply *reply);
typedef void jt_fingerprint_fn(void *arg, enum jt_err err,
                               const struct jt_fingerprint_reply *reply);
typedef void jt_held_fn(void *arg, enum jt_err err, const struct jt_held_reply *reply);
typedef void jt_identify_fn(void *arg, enum jt_err err, const struct jt_identify_reply *reply);

/* Class REFRESH: the keeper has no ring, or fields are to be named, or NODE_JOIN is due. */
void jt_keyclient_seal(struct jt_keyclient *kc, const struct jt_seal_request *request,
                       jt_seal_fn *done, void *arg);
void jt_keyclient_open_items(struct jt_keyclient *kc, const struct jt_open_item *items, size_t n,
                             jt_open_fn *done, void *arg);
void jt_keyclient_open_masked(struct jt_keyclient *kc, const struct jt_open_item *items, size_t n,
                              jt_open_masked_fn *done, void *arg);
void jt_keyclient_reseal(struct jt_keyclient *kc, const struct jt_open_item *items, size_t n,
                         jt_reseal_fn *done, void *arg);
void jt_keyclient_match(struct jt_keyclient *kc, const struct jt_match_item *items, size_t n,
                        jt_match_fn *done, void *arg);
/* Class REFRESH: the keeper has no ring, or fields are to be named. */
void jt_keyclient_identify(struct jt_keyclient *kc, const struct jt_identify_item *items, size_t n,
                           jt_identify_fn *done, void *arg);
/* The same. */
void jt_keyclient_fingerprint(struct jt_keyclient *kc, const struct jt_seal_request *request,
                              jt_fingerprint_fn *done, void *arg);
/* No reason but that the keeper is away or has no root. */
typedef void jt_once_fn(void *arg, enum jt_err err, const struct jt_once_reply *reply);
void jt_keyclient_once(struct jt_keyclient *kc, const struct jt_once_item *items, size_t n,
                       jt_once_fn *done, void *arg);
/* The same; JT_ERR_INVALID: something is no card number. */
typedef void jt_guess_fn(void *arg, enum jt_err err, const struct jt_guess_reply *reply);
void jt_keyclient_guess(struct jt_keyclient *kc, const struct jt_guess_request *request,
                        jt_guess_fn *done, void *arg);
/*
 * JT_ERR_NO_ACTIVE where something is to be sealed and nothing may be; sealing and resealing only.
 * At most JT_WIRE_MAX_HELD items.
 */
typedef void jt_keyclient_held_fn(struct jt_keyclient *kc, const struct jt_held_item *items,
                                  size_t n, jt_held_fn *done, void *arg);
jt_keyclient_held_fn jt_keyclient_seal_held, jt_keyclient_open_held, jt_keyclient_reseal_held;

/*
 * The head of a link of the audit trail, as its one result. Calls are answered in the order in
 * which they were made: where this one is made first, its answer is there when the next one's
 * comes.
 */
typedef void jt_audit_link_fn(void *arg, enum jt_err err, const struct jt_audit_link_reply *reply);
void jt_keyclient_audit_link(struct jt_keyclient *kc, const struct jt_audit_link *link,
                             jt_audit_link_fn *done, void *arg);

/* --- any verb, synchronous (client from jt_keyclient_open) --- */

/*
 * How each of the stubs below is made, and how a verb without one is asked:
 *
 *     err = jt_keyclient_call(kc, JT_VERB_ACK, jt_ack_request_encode, &request, jt_ack_decode,
 * out);
 *
 * *reply is zeroes unless the call was answered with JT_OK. Where the encoder takes more than one
 * object, it is called with what jt_keyclient_begin returns, and jt_keyclient_answer or
 * jt_keyclient_answer_nothing does the rest.
 */
#define jt_keyclient_call(kc, verb, encode, request, decode, reply) \
    (encode((request), jt_keyclient_begin((kc), (verb))), jt_keyclient_answer(kc, decode, reply))

#define jt_keyclient_answer(kc, decode, reply)                                                  \
    ({                                                                                          \
        struct jt_reader answer_;                                                               \
        *(reply) = (__typeof__(*(reply))){ 0 };                                                 \
        enum jt_err err_ = jt_keyclient_exchange((kc), &answer_);                               \
        err_ == JT_OK ? jt_keyclient_decoded((kc), decode(&answer_, (reply)), &answer_) : err_; \
    })

/* For a reply without payload. */
enum jt_err jt_keyclient_answer_nothing(struct jt_keyclient *kc) JT_CHECKED;

/*
 * The steps. A call begins: the client connects if need be, and the last reply is gone. The request
 * is encoded into what is returned.
 */
struct jt_buf *jt_keyclient_begin(struct jt_keyclient *kc, enum jt_verb verb);

/*
 * Sends it and waits for the reply's payload, which stays valid until the next call. Any error but
 * JT_ERR_LIMIT, JT_ERR_NOMEM and those that the keeper answered with has closed the connection.
 */
enum jt_err jt_keyclient_exchange(struct jt_keyclient *kc, struct jt_reader *payload) JT_CHECKED;

/* How decoding went, and nothing may be left: what could not be decoded closes the connection. */
enum jt_err jt_keyclient_decoded(struct jt_keyclient *kc, enum jt_err err,
                                 const struct jt_reader *payload) JT_CHECKED;

/* --- synchronous verbs --- */

enum jt_err jt_keyclient_wait_status(struct jt_keyclient *kc,
                                     struct jt_keeper_status *out) JT_CHECKED;

/* The reply's pointers are valid until the next call on `kc`. */
enum jt_err jt_keyclient_wait_reseal(struct jt_keyclient *kc, const struct jt_open_item *items,
                                     size_t n, struct jt_reseal_reply *out) JT_CHECKED;

/* The same for IDENTIFY. */
enum jt_err jt_keyclient_wait_identify(struct jt_keyclient *kc,
                                       const struct jt_identify_item *items, size_t n,
                                       struct jt_identify_reply *out) JT_CHECKED;

/* The same for MEND and NAME (wire/mend.h, wire/name.h). */
enum jt_err jt_keyclient_wait_mend(struct jt_keyclient *kc, const struct jt_open_item *items,
                                   size_t n, struct jt_mend_reply *out) JT_CHECKED;
enum jt_err jt_keyclient_wait_name(struct jt_keyclient *kc, const struct jt_name_item *items,
                                   size_t n, struct jt_name_reply *out) JT_CHECKED;

/*
 * Makes the stored form of a client with a fresh secret, and the set row that comes after `set`
 * with it. JT_ERR_SET_OLD when the keeper has seen a later set than `set`; JT_ERR_FORGED when no
 * keeper made it; JT_ERR_SET_FULL; JT_ERR_INVALID for what no client can be.
 */
enum jt_err jt_keyclient_wait_client_make(struct jt_keyclient *kc, const char *id,
                                          const struct jt_client_order *order,
                                          const struct jt_set_row *set,
                                          struct jt_client_change *out) JT_CHECKED;

/* The same for a client that changes. JT_ERR_CLIENT_REVOKED when it is revoked already. */
enum jt_err jt_keyclient_wait_client_change(struct jt_keyclient *kc,
                                            const struct jt_client_edit *edit,
                                            struct jt_client_change *out) JT_CHECKED;

/*
 * JT_OK when the row is authentic, active and not expired, and the secret is the row's, or the one
 * before within its time; JT_ERR_BAD_CREDENTIAL otherwise, in time independent of which failed.
 * Whether the row is the present one is a question of its set.
 */
enum jt_err jt_keyclient_wait_client_check(struct jt_keyclient *kc, const struct jt_client_row *row,
                                           const uint8_t secret[static JT_CLIENT_SECRET_LEN],
                                           struct jt_client_checked *out) JT_CHECKED;

/* As jt_keyclient_wait_client_make. */
enum jt_err jt_keyclient_wait_field_make(struct jt_keyclient *kc, const struct jt_field_spec *spec,
                                         const struct jt_set_row *set,
                                         struct jt_field_change *out) JT_CHECKED;

/*
 * The same for a field whose rules or standing change. JT_ERR_INVALID when anything else would.
 */
enum jt_err jt_keyclient_wait_field_change(struct jt_keyclient *kc,
                                           const struct jt_field_alter *alter,
                                           struct jt_field_change *out) JT_CHECKED;

/*
 * Adds rows to a sum (wire/set.h), at most JT_WIRE_MAX_SET_ROWS; each field row names its field to
 * the keeper. JT_ERR_FORGED: a row, or the sum to go on from, is no keeper's.
 */
enum jt_err jt_keyclient_wait_set_sum(struct jt_keyclient *kc,
                                      const struct jt_set_sum_request *request,
                                      struct jt_set_sum *out) JT_CHECKED;

/*
 * Whether the summed rows are all of the set that `row` describes, and whether that is current; the
 * keeper remembers it then. JT_ERR_FORGED: no keeper made the set row; JT_ERR_SET_WRONG: they are
 * not; JT_ERR_SET_OLD: they are, but the keeper has seen a later set, or another of this version.
 */
enum jt_err jt_keyclient_wait_set_verify(struct jt_keyclient *kc, const struct jt_set_sum *sum,
                                         const struct jt_set_row *row) JT_CHECKED;

/*
 * An operator's word that older sets shall be current. JT_ERR_NOT_OPERATOR of that set;
 * JT_ERR_FORGED: a MAC; JT_ERR_SET_WRONG: rows and sets do not agree; JT_ERR_NO_OLD_SET: they are
 * not older, or an operator was revoked since.
 */
enum jt_err jt_keyclient_wait_set_accept(struct jt_keyclient *kc,
                                         const struct jt_set_accept *accept) JT_CHECKED;

/* Honey marks: wire/honey.h. JT_ERR_NOT_OPERATOR for the latter two. */
enum jt_err jt_keyclient_wait_honey_accept(struct jt_keyclient *kc,
                                           const struct jt_honey_sealed *shown,
                                           struct jt_honey_accepted *out) JT_CHECKED;
enum jt_err jt_keyclient_wait_honey_change(struct jt_keyclient *kc,
                                           const struct jt_honey_order *order,
                                           struct jt_honey_sealed *next) JT_CHECKED;
enum jt_err jt_keyclient_wait_honey_list(struct jt_keyclient *kc,
                                         const struct jt_honey_order *order,
                                         struct jt_honey_tokens *out) JT_CHECKED;

/*
 * Makes the key of a new generation: number = 1 + the highest of the keeper's own and `db_highest`;
 * the key id is the lowest free one by the keeper's ring, its files and `used_key_ids` (bit i of
 * byte i/8: key id i is taken). A key above `db_highest` that was made and never stored is given
 * out again instead. JT_ERR_NO_KEY_ID when none is free. The key file is durable when this
 * returns.
 */
enum jt_err
jt_keyclient_wait_generation_create(struct jt_keyclient *kc, uint64_t db_highest,
                                    const uint8_t used_key_ids[static JT_KEY_ID_SET_LEN],
                                    struct jt_generation_row *out) JT_CHECKED;

/*
 * Erases the key of a future generation, for good. `row` is its row, as future. JT_ERR_WRONG_STATE
 * when the row says another state; JT_ERR_USED_BEFORE when the generation is or ever was in a ring;
 * JT_ERR_FORGED for a row that no keeper MACed; JT_ERR_KEY_MISSING when the keeper lacks the very
 * key that the row means; JT_ERR_NO_RING when it was shown no ring since its start.
 */
enum jt_err jt_keyclient_wait_generation_abandon(struct jt_keyclient *kc,
                                                 const struct jt_generation_row *row) JT_CHECKED;

/*
 * Proof of possession. JT_ERR_KEY_MISSING when the keeper lacks the key, JT_ERR_KEY_WRONG when it
 * has another one of that number; JT_ERR_FORGED for a row that no keeper MACed;
 * JT_ERR_DIRECTORY_BAD; JT_ERR_INVALID unless `node` is 1 to
 * JT_NODE_NAME_MAX printable ASCII characters without spaces.
 */
enum jt_err jt_keyclient_wait_ack(struct jt_keyclient *kc,
                                  const struct jt_generation_row *generation, const char *node,
                                  const uint8_t challenge[static JT_CHALLENGE_LEN],
                                  struct jt_ack *out) JT_CHECKED;

/*
 * JT_OK, or JT_ERR_FORGED when a row or the proof do not hold; JT_ERR_KEY_MISSING or
 * JT_ERR_KEY_WRONG when the keeper lacks the key; JT_ERR_ACK_STALE unless the proof answers the
 * challenge that this keeper gave last for the generation (keyclient/nodes.h), and is of the node
 * and of the run of its keeper that the node's row names.
 */
enum jt_err jt_keyclient_wait_ack_check(struct jt_keyclient *kc,
                                        const struct jt_generation_row *generation,
                                        const struct jt_ack *ack,
                                        const struct jt_node_row *node) JT_CHECKED;

/*
 * A MACed empty ring (epoch 1): for `jeton init` only. A keeper without a service root makes one
 * first. JT_ERR_RING_THERE when this keeper has accepted a ring before.
 */
enum jt_err jt_keyclient_wait_ring_first(struct jt_keyclient *kc,
                                         struct jt_ring_row *out) JT_CHECKED;

/*
 * What the ring would be after `number` goes to `target` (ACTIVE: the active one, if any, becomes
 * draining; RETIRED: from draining). Nothing changes in the keeper. `rows` receives the MACed row
 * of each generation whose state changes (1 or 2), rows[0] that of `generation`.
 *
 * JT_ERR_RING_MOVED when `current` is not the ring that the keeper has accepted; JT_ERR_WRONG_STATE
 * when the present state forbids the step (an earlier number than one that was active cannot become
 * active any more); JT_ERR_TOO_MANY_LIVE for an activation that would leave more than
 * JT_RING_MAX_DRAINING generations draining (retire one first); JT_ERR_NO_KEY_ID when the ring is
 * full (JT_RING_MAX; retired generations stay in it until they are destroyed); JT_ERR_KEY_ID_TAKEN;
 * JT_ERR_NO_GENERATION when the ring does not list the one to retire; JT_ERR_KEY_MISSING or
 * JT_ERR_KEY_WRONG when the keeper lacks a key of it; JT_ERR_FORGED for a generation row that no
 * keeper MACed.
 */
enum jt_err jt_keyclient_wait_ring_propose(struct jt_keyclient *kc,
                                           const struct jt_ring_row *current,
                                           const struct jt_generation_row *generation, uint8_t step,
                                           struct jt_ring_row *next,
                                           struct jt_generation_row rows[static 2],
                                           size_t *n_rows) JT_CHECKED;

/*
 * Makes the keeper work under this ring. The ring it has already is fine. JT_ERR_FORGED for a bad
 * MAC or another environment; JT_ERR_WENT_BACK for an epoch lower than one it has accepted, or
 * another ring of the same epoch; JT_ERR_NO_ROOT; JT_ERR_KEY_MISSING when it lacks a live
 * generation's key; JT_ERR_KEY_WRONG when a check value disagrees, that of the service root too;
 * JT_ERR_DIRECTORY_BAD. Durable in the keeper's state file when this returns. *joined tells whether
 * NODE_JOIN was done since the keeper's start.
 */
enum jt_err jt_keyclient_wait_ring_accept(struct jt_keyclient *kc, const struct jt_ring_row *row,
                                          bool *joined) JT_CHECKED;

/*
 * The same with the course of the database that it stands in (keeper/course.h). The reasons of
 * jt_course_follows as well: then the keeper takes no ring, with a course or without.
 */
enum jt_err jt_keyclient_wait_ring_show(struct jt_keyclient *kc, const struct jt_ring_shown *shown,
                                        bool *joined) JT_CHECKED;

/*
 * Takes the front's place with its keeper (model/node.h): from then on it mints ids.
 * JT_ERR_NO_RING; JT_ERR_NO_FIELDS; JT_ERR_RING_MOVED when a row's key id is not live;
 * JT_ERR_NODE_CHANGED when it minted under another node number before; JT_ERR_ROWS_PLANTED when of
 * some key id no row opens; JT_ERR_IDS_AHEAD when the newest id lies more than an hour ahead of the
 * keeper's clock and `accept_ahead` is not set.
 */
enum jt_err jt_keyclient_wait_numeric_mark(struct jt_keyclient *kc,
                                           const struct jt_numeric_show *show,
                                           struct jt_numeric_shown *shown) JT_CHECKED;
enum jt_err jt_keyclient_wait_node_join(struct jt_keyclient *kc, const struct jt_node_join *join,
                                        struct jt_node_joined *out) JT_CHECKED;

/*
 * The MAC of a future generation's date. JT_ERR_FORGED: the row is not authentic;
 * JT_ERR_WRONG_STATE: it is not future.
 */
enum jt_err jt_keyclient_wait_plan(struct jt_keyclient *kc, const struct jt_plan_request *request,
                                   uint8_t mac[static JT_ROW_MAC_LEN]) JT_CHECKED;

/* The MAC of a start of the audit trail, and the head of a link. */
enum jt_err jt_keyclient_wait_audit_start(struct jt_keyclient *kc,
                                          const struct jt_audit_start *start,
                                          uint8_t mac[static JT_ROW_MAC_LEN]) JT_CHECKED;
enum jt_err jt_keyclient_wait_audit_link(struct jt_keyclient *kc, const struct jt_audit_link *link,
                                         uint8_t head[static JT_ROW_MAC_LEN]) JT_CHECKED;

/* The MAC of a close. */
enum jt_err jt_keyclient_wait_audit_close(struct jt_keyclient *kc,
                                          const struct jt_audit_close *close,
                                          uint8_t mac[static JT_ROW_MAC_LEN]) JT_CHECKED;

/* Whether each of at most JT_WIRE_MAX_AUDIT links has the head that it is said to have. */
enum jt_err jt_keyclient_wait_audit_check(struct jt_keyclient *kc,
                                          const struct jt_audit_claim *claims, size_t n,
                                          bool *good) JT_CHECKED;

/*
 * Writes and signs the certificate of a retirement; the keeper's ring must list the generation as
 * retired (JT_ERR_WRONG_STATE). JT_ERR_INVALID unless rows_left is 0, epoch is one that the keeper
 * has reached, and all texts are printable ASCII and not empty.
 */
enum jt_err jt_keyclient_wait_certify(struct jt_keyclient *kc, const struct jt_certify *certify,
                                      struct jt_certificate *out) JT_CHECKED;

#endif

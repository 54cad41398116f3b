/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this keeper knows of destructions: which requests it has seen approved by two custodians,
 * for how long each has stood since, and which of them were cancelled. The file `destructions`:
 * magic "JTKDESTR", u8 format = 1, u8 environment, u16 n, then n times u64 generation, 8 check
 * value, 32 SHA-256 of the request's body, u8 cancelled, u64 grace in seconds, u64 milliseconds
 * that have passed of it, u64 system identifier, u32 timeline, twice 32 public key of a custodian
 * who approved; MAC of all before (16).
 *
 * The time is CLOCK_BOOTTIME while this keeper runs, noted once a minute and at the clean end. So
 * neither a clock that is set nor a restart nor an older file makes a grace shorter; what passes
 * while the keeper is down, and up to a minute before a crash, counts as nothing.
 *
 * An entry is dropped when the key is erased; a request that was cancelled is remembered until
 * then, so that nobody brings it back.
 */
#ifndef JETON_KEEPER_DESTRUCTIONS_H
#define JETON_KEEPER_DESTRUCTIONS_H

#include "base/fault.h"
#include "keeper/root.h"
#include "wire/destruction.h"

#define JT_DESTRUCTIONS_MAX   300 /* cancelled ones included */
#define JT_DESTRUCTION_DIGEST 32

struct jt_destruction {
    uint64_t generation;
    uint8_t check_value[JT_CHECK_VALUE_LEN];
    uint8_t digest[JT_DESTRUCTION_DIGEST]; /* of the request's body */
    bool cancelled;
    uint64_t grace_s, passed_ms;
    uint64_t system_identifier;
    uint32_t timeline;
    uint8_t approved_by[JT_CUSTODIANS_NEEDED][JT_CUSTODIAN_KEY_LEN];
    uint64_t n_tried; /* envelopes that did not open meanwhile; not in the file */
};

struct jt_destructions {
    uint64_t grace_s; /* [keeper] destroy_grace, for requests approved from now on */
    size_t n;
    struct jt_destruction all[JT_DESTRUCTIONS_MAX];
    int64_t counted_ms, saved_ms; /* by jt_clock_ms */
};

/* The file; JT_OK without one as well. JT_ERR_FILE_ALTERED, JT_ERR_FILE_FOREIGN, JT_ERR_IO. */
enum jt_err jt_destructions_load(int dir_fd, const struct jt_root *root, bool development,
                                 struct jt_destructions *out, struct jt_fault *fault) JT_CHECKED;

struct jt_keeper;

/*
 * Looks at a request with its approvals, and does what is to be done: begins the grace, or erases
 * the key where the ring is without the generation and either the grace is over here too or the
 * second certificate says that it is gone everywhere. JT_ERR_FORGED: no keeper made the request;
 * JT_ERR_WRONG_STATE: the generation is not retired, or is another one; JT_ERR_KEY_WRONG: another
 * key of its number is held.
 */
enum jt_err jt_destructions_show(struct jt_keeper *k, const struct jt_destruction_show *show,
                                 struct jt_destruction_shown *out) JT_CHECKED;

/*
 * Whether the ring may go on without the generation of the row, in this database.
 * JT_ERR_NOT_APPROVED, JT_ERR_GRACE_RUNS, JT_ERR_DESTRUCTION_CANCELLED, JT_ERR_OTHER_DATABASE.
 */
enum jt_err jt_destructions_due(struct jt_keeper *k, const struct jt_generation_row *row,
                                uint64_t system_identifier, uint32_t timeline) JT_CHECKED;

/* Envelopes of a retired generation were opened, or did not open: the former cancels. */
enum jt_err jt_destructions_used(struct jt_keeper *k, uint64_t generation, size_t n_opened,
                                 size_t n_tried) JT_CHECKED;

/* A ring is about to be accepted: what it lists as live again is not to be destroyed. */
struct jt_ring;
enum jt_err jt_destructions_follow(struct jt_keeper *k, const struct jt_ring *next) JT_CHECKED;

/* Notes the time that has passed, if there is any to note. */
enum jt_err jt_destructions_settle(struct jt_keeper *k) JT_CHECKED;

/* The request's MAC and digest; JT_ERR_FORGED from the latter where it has another MAC. */
enum jt_err jt_destruction_mac(const struct jt_root *root,
                               const struct jt_destruction_request *request,
                               uint8_t mac[static JT_ROW_MAC_LEN]) JT_CHECKED;
enum jt_err jt_destruction_check(const struct jt_root *root,
                                 const struct jt_destruction_request *request,
                                 uint8_t digest[static JT_DESTRUCTION_DIGEST]) JT_CHECKED;

/* The MAC of a keeper's word that it holds no key of the request's generation. */
enum jt_err jt_erased_mac(const struct jt_root *root, const struct jt_destruction_request *request,
                          const uint8_t digest[static JT_DESTRUCTION_DIGEST],
                          const struct jt_erased *erased,
                          uint8_t mac[static JT_ROW_MAC_LEN]) JT_CHECKED;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chain of the audit trail, as whoever writes it knows it (docs/data-format.md, "The audit
 * trail"). Every transaction that writes audit rows adds one link:
 *
 *     jt_chain_next       the link of these rows, without its head
 *     ...                 a keeper gives the head (AUDIT_LINK); the rows are sent
 *     jt_chain_stands     COMMIT was confirmed: the chain goes on behind the link
 *     jt_chain_doubt      nobody knows: before the next link, the database must be asked
 *
 * Where the transaction was refused, neither is called, and the next link has the same number. A
 * chain has one writer, one thread at a time, and a link is under way only once.
 *
 * Blocking connections (store/db.h) do all of this by themselves, in jt_audit_write and jt_db_end.
 */
#ifndef JETON_STORE_CHAIN_H
#define JETON_STORE_CHAIN_H

#include "model/audit.h"
#include "store/audit.h"
#include "store/pipe.h"

struct jt_link {
    struct jt_audit_link what;
    uint64_t at_us;               /* the time of its rows, since 1970 */
    uint8_t head[JT_ROW_MAC_LEN]; /* the keeper's */
    /* SHA-256 over all digests up to here: what is told outside, never stored */
    uint8_t running[JT_AUDIT_DIGEST_LEN];
};

struct jt_chain {
    uint32_t start; /* 0: it belongs to none yet */
    uint16_t connection;
    uint64_t number; /* of the last link that stands; 0: none yet */
    uint64_t at_us;
    uint8_t head[JT_ROW_MAC_LEN];
    uint8_t running[JT_AUDIT_DIGEST_LEN];

    bool doubtful; /* `sent` may stand */
    int backend;   /* the server process that it was sent to */
    struct jt_link sent;
};

/* The chain of that connection of the start, before its first link. */
void jt_chain_begin(struct jt_chain *chain, uint32_t start, uint16_t connection,
                    const uint8_t mac[static JT_ROW_MAC_LEN]);

/*
 * The link of these rows at the time `at_us`, or at the last one's if that is later: so the rows of
 * a chain ascend in time.
 */
enum jt_err jt_chain_next(const struct jt_chain *chain, const struct jt_audit_row *rows, size_t n,
                          uint64_t at_us, struct jt_link *out) JT_CHECKED;

void jt_chain_stands(struct jt_chain *chain, const struct jt_link *link);
void jt_chain_doubt(struct jt_chain *chain, const struct jt_link *link, int backend);

/*
 * SHA-256 over the rows of a link with everything that they say (docs/data-format.md).
 * JT_ERR_LIMIT: more than can be said.
 */
enum jt_err jt_audit_digest(const struct jt_audit_row *rows, size_t n, uint64_t at_us,
                            uint8_t out[static JT_AUDIT_DIGEST_LEN]) JT_CHECKED;
/* Of the ids of a row, or what is said of them where they are not there; zeroes: there are none. */
enum jt_err jt_audit_ids_digest(const struct jt_audit_row *row,
                                uint8_t out[static JT_AUDIT_DIGEST_LEN]) JT_CHECKED;
/* SHA-256 over `running` and the next digest, into `out`. */
enum jt_err jt_audit_run_on(const uint8_t running[static JT_AUDIT_DIGEST_LEN],
                            const uint8_t digest[static JT_AUDIT_DIGEST_LEN],
                            uint8_t out[static JT_AUDIT_DIGEST_LEN]) JT_CHECKED;

/* --- on a pipe --- */

typedef void jt_chain_settled_fn(void *arg, enum jt_err err);

/*
 * Ends the session in which the doubtful link was sent, waits until it is gone, and looks whether
 * the link stands. `done` with JT_OK: the chain may go on. At once: JT_ERR_DB_AWAY, JT_ERR_NOMEM.
 */
enum jt_err jt_chain_settle(struct jt_pipe *pipe, struct jt_chain *chain, const char *application,
                            jt_chain_settled_fn *done, void *arg) JT_CHECKED;

/* --- on a blocking connection --- */

/* What a connection that writes audit rows needs of its owner. */
struct jt_chain_owner {
    /* Makes the chain belong to the present start; JT_ERR_TRAIL_CLOSED: there is none yet. */
    enum jt_err (*ready)(void *arg, struct jt_chain *chain);
    enum jt_err (*sign)(void *arg, const struct jt_audit_link *link,
                        uint8_t head[static JT_ROW_MAC_LEN]);
    /* The chain has come to where it is now; may be NULL. */
    void (*stands)(void *arg, const struct jt_chain *chain);
    void *arg;
};

/* Without this call the connection writes no audit rows: JT_ERR_TRAIL_CLOSED. */
void jt_db_chain(struct jt_db *db, const struct jt_chain_owner *owner);

/* What audit rows say of the request that they belong to; NULL: none. It outlives its use. */
void jt_db_origin(struct jt_db *db, const struct jt_origin *origin);

#endif

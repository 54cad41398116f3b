/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit trail: who did what, when, from where, to which cards, with what result. One row for
 * each request, in the transaction of what it records (tokenize, every administrative act) or
 * committed before the PANs leave (detokenize). The rows of a transaction are one link of a chain
 * (store/chain.h). Whatever is written goes through the one builder of store/audit_params.h.
 */
#ifndef JETON_STORE_AUDIT_H
#define JETON_STORE_AUDIT_H

#include "store/db.h"
#include "model/origin.h"
#include "model/sizes.h"

#include <stddef.h>

enum jt_audit_action {
    JT_AUDIT_TOKENIZE = 1,
    JT_AUDIT_DETOKENIZE,
    JT_AUDIT_FIELD_ADD,
    JT_AUDIT_CLIENT_ADD, /* object: the client, and what it may */
    JT_AUDIT_GENERATION_CREATE,
    JT_AUDIT_GENERATION_ACTIVATE,
    JT_AUDIT_RETIREMENT_START,
    JT_AUDIT_GENERATION_RETIRE,
    JT_AUDIT_IDS_ACCEPT, /* object: the reason */
    JT_AUDIT_GENERATION_ABANDON = 10,
    JT_AUDIT_LOOKUP = 11,
    JT_AUDIT_READ_MASKED = 12,
    JT_AUDIT_DELETE = 13,
    JT_AUDIT_FIELD_CHANGE = 14,
    JT_AUDIT_ENCRYPT = 15,
    JT_AUDIT_DECRYPT = 16, /* ids: what names the rows, by a keeper's MAC */
    JT_AUDIT_REENCRYPT = 17,
    JT_AUDIT_PURGE = 18, /* ids: that go, their time being over; client: who tokenized one again, or
                            none */
    JT_AUDIT_CLIENT_REVOKE = 20,
    JT_AUDIT_SETS_ACCEPT = 21, /* object: the reason */
    JT_AUDIT_CLIENT_ROTATE = 22,
    JT_AUDIT_CLIENT_DISABLE = 23,
    JT_AUDIT_CLIENT_ENABLE = 24,
    JT_AUDIT_CLIENT_PERMIT = 25,  /* object: the client, and what it may now */
    JT_AUDIT_CLIENT_RECOVER = 26, /* object: the client and the reason; by a user of the machine */
    JT_AUDIT_NUMERIC_ACCEPT = 30, /* object: the reason */
    JT_AUDIT_LOGIN_LOCKED = 27,   /* client: who was named; object: from where */
    JT_AUDIT_REFUSED = 40,        /* a request of a known client; object: method and route */
    JT_AUDIT_LOGIN_REFUSED = 41, /* n_items: how often in that second; object: the client, if any */
    JT_AUDIT_LOST = 42,          /* n_items: so many of the two before could not be recorded */
    JT_AUDIT_GUESS_BRAKE = 47,   /* n_items: how often in that second; object: the operation */
    JT_AUDIT_HONEY_OPENED = 48,  /* a marked card was opened; which, is not told */
    JT_AUDIT_HONEY_ADD = 49,
    JT_AUDIT_HONEY_REMOVE = 50,
    JT_AUDIT_NODE_REMOVE = 51,   /* object: its name */
    JT_AUDIT_BACKUP_MAKE = 76,   /* all keys, sealed, were given to the client */
    JT_AUDIT_BACKUP_VERIFY = 77, /* object: the digest of the file */
    JT_AUDIT_BACKUP_FORGET = 78, /* the same */
    JT_AUDIT_KEYS_RESTORE = 79,  /* a keeper's directory from a backup; by a user of the machine */
    JT_AUDIT_GENERATION_PLAN = 65,
    JT_AUDIT_GENERATION_COMPROMISE = 66,
    JT_AUDIT_RETIREMENT_PAUSE = 56, /* object: the generation */
    JT_AUDIT_RETIREMENT_RESUME = 57,
    JT_AUDIT_REPAIR = 58,     /* ids: of the rows that were mended; object: the generation */
    JT_AUDIT_CUSTODIANS = 67, /* object: the version that they have from then on */
    JT_AUDIT_DESTRUCTION_REQUEST = 68,
    JT_AUDIT_DESTRUCTION_APPROVE = 69, /* client: who brought the custodian's signature */
    JT_AUDIT_GENERATION_DESTROY = 70,
    JT_AUDIT_DESTRUCTION_CERTIFY = 71,
    JT_AUDIT_RECOVERY_REQUEST = 80,
    JT_AUDIT_RECOVERY_APPROVE = 81, /* client: who brought it; object: the custodian */
    JT_AUDIT_RECOVER = 82,          /* object: from which epoch to which, what was seen and found */
    JT_AUDIT_WRITE_OFF_REQUEST = 83, /* object: the generation, of all three */
    JT_AUDIT_WRITE_OFF_APPROVE = 84, /* client: who brought the custodian's signature */
    JT_AUDIT_WRITE_OFF = 85,         /* ids: of the rows that went to quarantine */
    JT_AUDIT_COLUMN_ADD = 86,        /* object: the field, of all three */
    JT_AUDIT_COLUMN_REMOVE = 87,
    JT_AUDIT_COLUMN_COUNT = 88, /* and generation:envelopes, as it was said */
};

struct jt_audit_row {
    enum jt_audit_action action;
    const char *client;  /* client id */
    uint32_t field;      /* 0: none */
    uint32_t n_items;    /* asked for */
    uint32_t n_done;     /* granted; for tokenize as many as were well-formed */
    const uint64_t *ids; /* the rows whose PANs leave; masked or not; lookup: whose tokens do;
                            delete: that go */
    size_t n_ids;
    const uint8_t *ids_digest; /* JT_AUDIT_DIGEST_LEN, where `ids` is NULL and they are known so */
    const char *object; /* name or number of what an administrative act touched; empty else */
    enum jt_err result; /* why it failed */
    const struct jt_origin *origin; /* NULL: of no request */
};

struct jt_link;

/* The rows of one transaction, which are one link. */
struct jt_audit {
    const struct jt_link *link; /* without rows: NULL */
    const struct jt_audit_row *rows;
    size_t n;
};

/*
 * Who does an administrative act, and on which node (the audit trail has that of its chain). The
 * verbs
 * that take one write act and audit row in one transaction: there is never the one without the
 * other.
 */
struct jt_act {
    const char *node;
    const char *actor; /* client id */
};

/* One time that a card number left. */
struct jt_audit_reading {
    char at[JT_TIME_LEN];
    char client[JT_CLIENT_ID_MAX + 1];
    char node[JT_NODE_NAME_MAX + 1];
    uint8_t request[JT_REQUEST_ID_LEN];
};

typedef void jt_audit_reading_fn(void *arg, const struct jt_audit_reading *reading);

/*
 * Calls `each`, oldest first, for the detokenize rows of that field and time that hold the id; at
 * most `max`. Times are timestamptz text; an empty one is unbounded. The index on time bounds what
 * is read, so a long time takes long: JT_ERR_DB_PASSING when it takes longer than the connection's
 * time-out. JT_ERR_DB_REFUSED for what is no time.
 */
enum jt_err jt_audit_readings(struct jt_db *db, uint32_t field, uint64_t id, const char *since,
                              const char *until, size_t max, jt_audit_reading_fn *each,
                              void *arg) JT_CHECKED;

/* Rows in a transaction of their own, as one link of the connection's chain. */
enum jt_err jt_audit_record_rows(struct jt_db *db, const struct jt_audit_row *rows,
                                 size_t n) JT_CHECKED;

/* The row of an act that changes nothing in the database, in a transaction of its own. */
enum jt_err jt_audit_record(struct jt_db *db, const struct jt_act *act, enum jt_audit_action action,
                            const char *object) JT_CHECKED;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This node's place in the database: it registers, keeps the lock that a second jetond would need,
 * and notices when it has lost it. Blocking; one thread calls jt_membership_tick about once a
 * second.
 */
#ifndef JETON_VAULT_MEMBERSHIP_H
#define JETON_VAULT_MEMBERSHIP_H

#include "store/shape.h"
#include "vault/workers.h"

struct jt_membership {
    struct jt_work_ctx ctx;
    /* checked once: a schema that changes under a running front is the operator's doing */
    bool schema_ok;
    struct jt_shape shape; /* what the tables should be */
    bool strays_sought;    /* rows under unused key ids were looked for since the node registered */
    int64_t strays_due_ms; /* when they are looked for again if not */
    int64_t shape_due_ms;  /* when they are looked at again */
    enum jt_err told;      /* what the log said last */
    char told_shape[JT_SHAPE_MESSAGE]; /* the same of the tables */
};

enum jt_err jt_membership_init(struct jt_membership *m, struct jt_vault *vault) JT_CHECKED;

/*
 * Registers or checks, then sees to it that the keeper has the ring; once a minute, and each time
 * while they are not, whether the tables are what the migrations made; while transactions failed,
 * by a rehearsal whether they do now. JT_OK also while the database or the keeper is away: then the
 * vault is marked as not registered and the next tick tries again. Errors are final and logged:
 * another jetond serves this database, or the schema is not this program's.
 */
enum jt_err jt_membership_tick(struct jt_membership *m) JT_CHECKED;

/* Leaves the database cleanly if it can be reached. */
void jt_membership_clear(struct jt_membership *m);

#endif

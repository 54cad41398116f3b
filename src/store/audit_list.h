/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit trail as auditors read it: its rows in one order, (time, start, connection, link,
 * place), in which each chain ascends, and the starts that its chains belong to.
 */
#ifndef JETON_STORE_AUDIT_LIST_H
#define JETON_STORE_AUDIT_LIST_H

#include "model/audit.h"
#include "store/audit.h"

/* Where a row stands in that order. Zeroes: before all. */
struct jt_audit_cursor {
    uint64_t at_us;
    int64_t start; /* negative: before the chain */
    uint16_t connection, place;
    uint64_t link;
};

struct jt_audit_view {
    struct jt_audit_cursor at;
    bool has_head; /* the last row of its link */
    uint8_t head[JT_ROW_MAC_LEN];
    struct jt_audit_row row; /* valid during the callback */
    char field[JT_FIELD_NAME_MAX + 1], node[JT_NODE_NAME_MAX + 1];
};

/* Which rows: what is empty or 0 is any. */
struct jt_audit_filter {
    const char *since, *until; /* timestamptz text; until: at most now */
    const char *client;
    uint32_t action, field;
    const uint8_t *request; /* NULL: any */
    struct jt_audit_cursor after;
    size_t max;
};

typedef void jt_audit_view_fn(void *arg, const struct jt_audit_view *view);

/* How far a listing came. */
struct jt_audit_seen {
    uint64_t stable_us;          /* nothing is added any more before this time */
    bool more;                   /* it ended before the end of what was asked for */
    struct jt_audit_cursor last; /* where, then: at a row, or between two */
};

/*
 * Calls `each` for the rows that come first, at most filter->max. No index serves the filters but
 * that of time, so time is read in spans, whose length follows how long the last one took; after
 * two seconds it ends where it is, with whatever it has found, which may be nothing.
 */
enum jt_err jt_audit_list(struct jt_db *db, const struct jt_audit_filter *filter,
                          jt_audit_view_fn *each, void *arg, struct jt_audit_seen *seen) JT_CHECKED;

/* A row's transaction ends so long after its time, at the most. */
#define JT_AUDIT_SETTLES_US UINT64_C(30000000)

typedef void jt_audit_start_fn(void *arg, const struct jt_audit_start *start);

/* All starts in the order of their time. */
enum jt_err jt_audit_starts(struct jt_db *db, jt_audit_start_fn *each, void *arg) JT_CHECKED;

/* "detokenize"; NULL for a number that is none. The number of a name, 0: none. */
const char *jt_audit_action_name(int action);
int jt_audit_action_of(const char *name);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys on their way from keeper to keeper (table `parcel`): a row for each key that a node lacks,
 * with its keeper's request and then the parcel that another keeper answered. The bytes are the
 * keepers' own and mean nothing here. Generation 0 is the service root.
 *
 * Whoever can write to the table may put anything there. So everything is bounded: what is read at
 * one time, how long a row counts, and how long one may be.
 */
#ifndef JETON_STORE_PARCELS_H
#define JETON_STORE_PARCELS_H

#include "model/sizes.h"
#include "store/db.h"

#define JT_PARCEL_BYTES_MAX 512 /* of a request or an answer */
#define JT_PARCELS_MAX      32  /* rows read at one time */

struct jt_parcel_row {
    char node[JT_NODE_NAME_MAX + 1];
    uint64_t generation;
    uint8_t bytes[JT_PARCEL_BYTES_MAX];
    size_t bytes_len;
};

/* --- for who asks --- */

/* Posts a request, or says again that it waits; *fresh: it was not there. */
enum jt_err jt_parcel_post(struct jt_db *db, const struct jt_parcel_row *request,
                           bool *fresh) JT_CHECKED;

/* What was answered to `node`; at most JT_PARCELS_MAX. */
enum jt_err jt_parcels_answered(struct jt_db *db, const char *node, struct jt_parcel_row *out,
                                size_t *n) JT_CHECKED;

/* The key is there, or is not wanted any more. */
enum jt_err jt_parcel_delete(struct jt_db *db, const char *node, uint64_t generation) JT_CHECKED;

/* The answer was no good: it goes, and the request waits for another one. */
enum jt_err jt_parcel_reject(struct jt_db *db, const struct jt_parcel_row *answer) JT_CHECKED;

/* --- for who answers --- */

/*
 * Begins a transaction and reads requests of other nodes that nobody has answered or is answering,
 * the next ones behind `after` (node and generation); their rows are locked.
 */
enum jt_err jt_parcels_begin(struct jt_db *db, const char *node, const struct jt_parcel_row *after,
                             struct jt_parcel_row *out, size_t *n) JT_CHECKED;

/* Inside it: the answer to one of them. */
enum jt_err jt_parcel_answer(struct jt_db *db, const struct jt_parcel_row *answer) JT_CHECKED;

/* Ends it: commits with JT_OK, else nothing of it happened. */
enum jt_err jt_parcels_end(struct jt_db *db, enum jt_err err) JT_CHECKED;

/* Removes some rows that are older than a minute, whosever they are. */
enum jt_err jt_parcels_sweep(struct jt_db *db) JT_CHECKED;

#endif

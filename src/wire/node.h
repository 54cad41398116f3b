/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verb NODE_JOIN: a front takes its place with its keeper. The keeper learns its node number, sees
 * the newest rows so that its ids go on beyond them, and MACs the node's row. Verb NODE_ROW gives
 * that row again as it is now: its mark rises while ids are minted.
 */
#ifndef JETON_WIRE_NODE_H
#define JETON_WIRE_NODE_H

#include "base/buf.h"
#include "model/node.h"
#include "wire/open.h"

struct jt_node_join {
    struct jt_node_spec spec;
    /* an operator's recorded word: the newest id may be far ahead of the clock */
    bool accept_ahead;
    /* the number that this keeper had before is known to be free: it takes the new one */
    bool renumbered;
    const struct jt_open_item *newest; /* the newest rows under each live key id, newest first */
    size_t n;                          /* at most JT_WIRE_MAX_JOIN_ROWS */
};

struct jt_node_joined {
    struct jt_node_row row;
    uint64_t newest_ms; /* time of the newest id that the keeper believed, since 2020; 0: none */
};

void jt_node_spec_encode(const struct jt_node_spec *spec, struct jt_buf *out);
enum jt_err jt_node_spec_decode(struct jt_reader *in, struct jt_node_spec *spec) JT_CHECKED;
/* The row in messages; decoding leaves what follows unread. */
void jt_node_row_encode(const struct jt_node_row *row, struct jt_buf *out);
enum jt_err jt_node_row_decode(struct jt_reader *in, struct jt_node_row *row) JT_CHECKED;

void jt_node_join_encode(const struct jt_node_join *join, struct jt_buf *out);
/* `items` holds JT_WIRE_MAX_JOIN_ROWS; pointers stay inside the frame. */
enum jt_err jt_node_join_decode(struct jt_reader *in, struct jt_open_item *items,
                                struct jt_node_join *join) JT_CHECKED;
void jt_node_joined_encode(const struct jt_node_joined *joined, struct jt_buf *out);
enum jt_err jt_node_joined_decode(struct jt_reader *in, struct jt_node_joined *joined) JT_CHECKED;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The advisory locks that Jeton takes in its database, as bigint in SQL text. They are never
 * renumbered: fronts of two versions must agree on them.
 */
#ifndef JETON_STORE_LOCKS_H
#define JETON_STORE_LOCKS_H

/* Whoever makes a generation, exclusively, in the transaction that stores it. */
#define JT_CREATOR_LOCK "7235419260851096"

/*
 * The ring: shared by every transaction that writes a card, exclusive for changes of the ring and
 * of nodes (store/ring_rule.h).
 */
#define JT_RING_LOCK "7235419260851097"

/*
 * The first half of two-part locks, which are apart from those of one bigint: the second one is a
 * stripe (store/numeric.h).
 */
#define JT_NUMERIC_LOCKS "1246000000"

/* Serialises two runs of the migrations, which must not hold the ring lock for long. */
#define JT_MIGRATE_LOCK "7235419260851098"

/*
 * A node's, by the session of its front: this plus the node's number, 1 to 255. It is held as long
 * as the front lives; a row of a node whose lock nobody holds is of a front that is gone.
 */
#define JT_NODE_LOCKS "7235419260851098"

#endif

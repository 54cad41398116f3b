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
 * A node number's: this plus the number, 1 to 255. Held by whoever is about to register under it,
 * and no longer.
 */
#define JT_NODE_LOCKS "7235419260851098"

/*
 * A node's name, by the session of its front and for as long as that lives: the hash of the name
 * with this seed, which makes 64 bits of it.
 */
#define JT_NODE_NAME_SEED "7235419260851354"

/* The partitions of the audit trail, by the session that makes and drops them. */
#define JT_MONTHS_LOCK "7235419260851355"

#endif

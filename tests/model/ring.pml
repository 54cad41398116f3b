/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of generations over several nodes, as docs/architecture.md tells it: registration,
 * parcels, acknowledgements, activation, writing under the ring rule, draining, retirement, leases.
 * Spin tries every order of these steps, with restarts, an old directory put back, pauses (whoever
 * does not take a step is paused), leases that run out, and transactions that commit long after
 * their node is gone. tests/model/test_model.py says which variants must hold and which must be
 * caught.
 *
 * A d_step is one step of which nobody sees a half: a statement, a transaction under the exclusive
 * ring lock (nobody may hold the shared one), or what happens inside one process. The exclusive
 * lock is never seen held, because it is given back in the step that took it.
 *
 * A database that goes back is not in it: keepers refuse one before they take its ring, and what
 * custodians post then is one step under the exclusive lock, at an epoch above all others
 * (tests/unit/keeper/test_recovery.c, tests/e2e/test_recover.py).
 *
 * What is checked in every state:
 *   I1  a card that was stored stands under a live generation whose key some keeper holds
 *   I2  no card stands under a retired or a future generation
 *   I3  every node that serves holds the active generation's key
 *   and a node that believes in its lease has its row, with a lease, in the database.
 *
 * Variants, each a rule left out:
 *   NO_LOCK        writers do not take the ring lock
 *   SAME_SNAPSHOT  writers take the lock and read the epoch in one statement: in a snapshot that is
 *                  older than the lock
 *   NO_EPOCH       writers do not compare the epoch
 *   NO_ACKS        activation does not ask every node whether it holds the key
 *   ONE_HOLDER     one holder of a key is enough
 *   STALE_WORD     retirement believes a node that found the generation empty some time ago
 *   BLIND_JOIN     registration does not compare the epoch under which the keeper joined
 *   NO_FENCE       a node stops only when it hears that its lease is over
 */
#ifndef GENERATIONS
#define GENERATIONS 2
#endif
#ifndef SESSIONS
#define SESSIONS 1
#endif
#ifdef TWO_NODES
#define NODES 2
#else
#define NODES 3
#endif

#define NONE     0
#define FUTURE   1
#define ACTIVE   2
#define DRAINING 3
#define RETIRED  4

#define BIT(g)      (1 << (g))
#define HOLDS(n, g) ((node[n].keys & BIT(g)) != 0)
#define LIVE(g)     (state[g] == ACTIVE || state[g] == DRAINING)

#if NODES == 2
#define EACH_NODE(what, arg)         (what(0, arg) && what(1, arg))
#define ANY_NODE(what, arg)          (what(0, arg) || what(1, arg))
#define COUNT_NODES(what, arg)       (what(0, arg) + what(1, arg))
#define CHOOSE_NODE(what)            what(0) what(1)
#else
#define EACH_NODE(what, arg)         (what(0, arg) && what(1, arg) && what(2, arg))
#define ANY_NODE(what, arg)          (what(0, arg) || what(1, arg) || what(2, arg))
#define COUNT_NODES(what, arg)       (what(0, arg) + what(1, arg) + what(2, arg))
#define CHOOSE_NODE(what)            what(0) what(1) what(2)
#endif
#if GENERATIONS == 2
#define EACH_GENERATION(what, arg)   (what(arg, 1) && what(arg, 2))
#define CHOOSE_LATER(what)           what(2)
#define CHOOSE_GENERATION(what)      what(1) what(2)
#else
#define EACH_GENERATION(what, arg)   (what(arg, 1) && what(arg, 2) && what(arg, 3))
#define CHOOSE_LATER(what)           what(2) what(3)
#define CHOOSE_GENERATION(what)      what(1) what(2) what(3)
#endif

/* --- the database --- */
byte epoch = 1;
byte newest = 1; /* the active generation */
byte state[GENERATIONS + 1];
byte stands;  /* under which generation the card stands; 0: it is not stored */
byte sharers; /* sessions that hold the ring lock */

/* --- the nodes: what the database has of them, and what they know themselves --- */
typedef Node {
    bool row;    /* in the database */
    bool lease;  /* of the row, by the database's clock */
    byte acks;   /* generations that were acknowledged under the row */
    bool mine;   /* the row is of this start */
    bool sure;   /* the node's own clock says that the lease holds */
    byte keys;   /* in the keeper's directory */
    byte epoch;  /* of the ring that the keeper works under; 0: none since the start */
    byte newest; /* the active generation of that ring */
};
Node node[NODES];
bool lost; /* an old directory was put back: once, since two holders bear no second loss */
#ifdef STALE_WORD
byte found_empty; /* generations that some node once found without a card */
#endif

#define HOLDS_IF_LIVE(n, g) (!LIVE(g) || HOLDS(n, g))
#define ACKED(n, g)         (node[n].row && (node[n].acks & BIT(g)) != 0)
#define ACKED_IF_ROW(n, g)  (!node[n].row || (node[n].acks & BIT(g)) != 0)

/* --- what a node's keeper and front do about one generation --- */

/* the operator asks for a key: it is made, and its row says future */
#define CREATE(g)                                                                            \
    ::d_step                                                                                 \
    {                                                                                        \
        state[g] == NONE && state[(g) - 1] != NONE && node[n].epoch == epoch -> state[g] = FUTURE; \
        node[n].keys = node[n].keys | BIT(g)                                                 \
    }

/* a parcel, from whoever has the key */
#define FETCH(g)                                                             \
    ::d_step                                                                 \
    {                                                                        \
        state[g] != NONE && !HOLDS(n, g) && ANY_NODE(HOLDS, g) -> node[n].keys = \
            node[n].keys | BIT(g)                                            \
    }

/* an acknowledgement: by this start of the keeper, under the row that it has */
#define ACKNOWLEDGE(g)                                                                       \
    ::d_step                                                                                 \
    {                                                                                        \
        state[g] == FUTURE && HOLDS(n, g) && node[n].row && node[n].mine && !ACKED(n, g) -> \
            node[n].acks = node[n].acks | BIT(g)                                             \
    }

#ifdef NO_ACKS
#define MAY_ACTIVATE(g) COUNT_NODES(HOLDS, g) >= 2
#else
#ifdef ONE_HOLDER
#define MAY_ACTIVATE(g) EACH_NODE(ACKED_IF_ROW, g) && ANY_NODE(ACKED, g)
#else
#define MAY_ACTIVATE(g) EACH_NODE(ACKED_IF_ROW, g) && COUNT_NODES(ACKED, g) >= 2
#endif
#endif

#define ACTIVATE(g)                                                                       \
    ::d_step                                                                              \
    {                                                                                     \
        state[g] == FUTURE && sharers == 0 && node[n].epoch == epoch && MAY_ACTIVATE(g) -> \
            state[newest] = DRAINING;                                                     \
        state[g] = ACTIVE;                                                                \
        newest = g;                                                                       \
        epoch++                                                                           \
    }

/* retirement: the proof of zero is repeated under the lock */
#ifdef STALE_WORD
#define PROVED(g) ((found_empty & BIT(g)) != 0)
#else
#define PROVED(g) (stands != g)
#endif

#define RETIRE(g)                                                                              \
    ::d_step                                                                                   \
    {                                                                                          \
        state[g] == DRAINING && sharers == 0 && node[n].epoch == epoch && PROVED(g) -> state[g] = \
            RETIRED;                                                                           \
        epoch++                                                                                \
    }

#define NOTE_EMPTY(g)                                                                        \
    ::d_step                                                                                 \
    {                                                                                        \
        state[g] != NONE && stands != g && (found_empty & BIT(g)) == 0 ->                   \
            found_empty = found_empty | BIT(g)                                               \
    }

#ifdef BLIND_JOIN
#define JOINED_LATELY true
#else
#define JOINED_LATELY (node[n].epoch == epoch)
#endif
#ifdef NO_FENCE
#define LEASE_MAY_END true
#else
#define LEASE_MAY_END !node[n].sure
#endif

proctype keep(byte n)
{
end:
    do
        CHOOSE_LATER(CREATE)
        CHOOSE_LATER(FETCH)
        CHOOSE_LATER(ACKNOWLEDGE)
        CHOOSE_LATER(ACTIVATE)
        CHOOSE_GENERATION(RETIRE)
#ifdef STALE_WORD
        CHOOSE_GENERATION(NOTE_EMPTY)
#endif
    /* the keeper is shown the database's ring, and takes it if it holds the keys */
    :: d_step {
        node[n].epoch != epoch && EACH_GENERATION(HOLDS_IF_LIVE, n) ->
        node[n].epoch = epoch;
        node[n].newest = newest
    }
    /* registration, by a keeper that has joined under the present ring; proofs are made anew */
    :: d_step {
        !(node[n].row && node[n].mine && node[n].lease) && node[n].epoch != 0 && sharers == 0 &&
        JOINED_LATELY ->
        node[n].row = true;
        node[n].mine = true;
        node[n].lease = true;
        node[n].sure = true;
        node[n].acks = 0
    }
    /* the lease is renewed while the database says that it holds; the node's own clock is early */
    :: d_step { node[n].mine && node[n].lease && !node[n].sure -> node[n].sure = true }
    :: d_step { node[n].sure -> node[n].sure = false }
    :: d_step { node[n].row && node[n].lease && LEASE_MAY_END -> node[n].lease = false }
    /* an operator removes a node that is gone */
    :: d_step {
        node[n].row && !node[n].lease ->
        node[n].row = false;
        node[n].mine = false;
        node[n].acks = 0
    }
    /* both processes are killed and start again; once with a directory from before all rolls */
    :: d_step {
        node[n].epoch != 0 ->
        node[n].mine = false;
        node[n].sure = false;
        node[n].epoch = 0;
        node[n].newest = 0
    }
    :: d_step {
        !lost ->
        lost = true;
        node[n].keys = node[n].keys & BIT(1);
        node[n].mine = false;
        node[n].sure = false;
        node[n].epoch = 0;
        node[n].newest = 0
    }
    od
}

/* A transaction is made ready on some node: sealed under the ring that its keeper works under. */
#define BEGIN_ON(k)                                                                       \
    ::d_step                                                                              \
    {                                                                                     \
        node[k].epoch != 0 && stands != node[k].newest -> seen = node[k].epoch;            \
        under = node[k].newest;                                                           \
        from = stands                                                                     \
    }

#ifdef NO_EPOCH
#define EPOCH_HOLDS true
#else
#ifdef SAME_SNAPSHOT
#define EPOCH_HOLDS (snapshot == seen)
#else
#define EPOCH_HOLDS (epoch == seen)
#endif
#endif
#ifdef NO_LOCK
#define N_LOCKS 0
#else
#define N_LOCKS 1
#endif

/* One connection: it stores the card, or moves it to the active generation. */
proctype session()
{
    byte seen, under, from;
#ifdef SAME_SNAPSHOT
    byte snapshot;
#endif
end:
    do
    :: if
        CHOOSE_NODE(BEGIN_ON)
       fi;
#ifdef SAME_SNAPSHOT
       d_step { snapshot = epoch }
#endif
       /* the lock, and the statement that acts where the epoch holds: while the lock is shared the
          epoch stands, so nothing can come between */
       if
       :: d_step { EPOCH_HOLDS -> sharers = sharers + N_LOCKS }
          /* COMMIT may come much later, or never */
          if
          :: d_step { stands == from -> stands = under; sharers = sharers - N_LOCKS }
          :: d_step { true -> sharers = sharers - N_LOCKS }
          fi
       :: true
       fi;
       d_step {
           seen = 0;
           under = 0;
#ifdef SAME_SNAPSHOT
           snapshot = 0;
#endif
           from = 0
       }
    od
}

#define SERVES(n)              (node[n].row && node[n].mine && node[n].sure)
#define SERVES_WITH_KEY(n, g)  (!SERVES(n) || HOLDS(n, g))
#define LEASE_IS_TRUE(n, none) (!(node[n].mine && node[n].sure) || (node[n].row && node[n].lease))

/* Always false: spin tells the name of the one that it was made to believe. */
hidden byte card_can_be_opened, serving_nodes_hold_the_key, leases_are_true;

active proctype watch()
{
end:
    do
    :: !(stands == 0 || (LIVE(stands) && ANY_NODE(HOLDS, stands))) -> assert(card_can_be_opened)
    :: !EACH_NODE(SERVES_WITH_KEY, newest) -> assert(serving_nodes_hold_the_key)
    :: !EACH_NODE(LEASE_IS_TRUE, 0) -> assert(leases_are_true)
    od
}

#define WITH_FIRST_KEY(k) node[k].keys = BIT(1);

init
{
    d_step {
        state[1] = ACTIVE;
        CHOOSE_NODE(WITH_FIRST_KEY)
    }
    atomic {
        byte n;
        for (n : 0 .. NODES - 1) {
            run keep(n)
        }
        for (n : 1 .. SESSIONS) {
            run session()
        }
    }
}

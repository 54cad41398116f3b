/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lane: what every verb on cards has in common. Requests gather while a batch is under way; the
 * next batch takes what has gathered, and goes as one keeper call and one pipelined transaction.
 * Nothing waits when the lane is idle. A large request may take several batches.
 *
 * A verb (vault/tokenize.c, detokenize.c, reencrypt.c) is a struct jt_lane_verb: constants, and the
 * functions that know its steps. The lane calls round(), which starts the first step; the step's
 * callback starts the next one, and so on until the verb says what became of the batch:
 *
 *     jt_lane_end_item   one item is answered; its neighbours go on
 *     jt_lane_again      another round for the items that are still open; when none is, the end
 *     jt_lane_refresh    the same, once the keeper has been brought to the database's ring
 *     jt_lane_end        every item that is still open ends with this
 *
 * Items share a batch but not a fate: what fails for one fails for no other, except when a whole
 * step fails, which writes nothing. Rounds are bounded: a batch is repeated when the ring moved or
 * an item lost a race, and each of these has an end.
 *
 * A lane belongs to one event loop. It has a database connection of its own and shares the loop's
 * keeper connection and refresher.
 */
#ifndef JETON_VAULT_LANE_H
#define JETON_VAULT_LANE_H

#include "base/latency.h"
#include "keyclient/keyclient.h"
#include "store/chain.h"
#include "store/pipe.h"
#include "vault/refresh.h"
#include "vault/turns.h"

/*
 * Items of one batch. Larger ones gain little (the database's cost is per row) and make single
 * requests behind them wait.
 */
#define JT_LANE_BATCH_MAX 2048
/* The same while small requests, or those of several clients, shall not wait for long. */
#define JT_LANE_BRIEF_BATCH 256
#define JT_LANE_MAX_ROUNDS  6

/* One item of the batch under way. */
struct jt_lane_entry {
    struct jt_lane_request *request;
    void *item;
    uint32_t audit; /* jt_lane_audit: its request's row */
    bool settled;   /* the verb's: nothing is left to be done for it in this batch */
    bool missing;   /* the verb's */
    bool ended;     /* answered: its request may be gone */
};

/* Items that may wait in a lane that answers somebody: some seconds of work. */
#define JT_LANE_WAITING_MAX 262144

struct jt_lane;

struct jt_lane_verb {
    const char *name;        /* for the log */
    const char *application; /* of its database session */
    size_t size;             /* of the struct that begins with the lane */
    size_t item_size;
    size_t batch_max; /* JT_LANE_BATCH_MAX at most */
    bool writes;      /* cards: it has a row of the tally */
    bool audits;      /* it has a chain of the audit trail */
    bool unleased;    /* it is about no cards: it serves while the lease is over too */
    /*
     * More items than this may not wait, except of clients that have less than their share of them;
     * 0: any number. What does not fit is the caller's.
     */
    size_t waiting_max;
    /*
     * Nobody waits for its items: so long after a batch began, or with a whole batch in the queue,
     * the next one begins. What is left when requests end waits for the loop's next event.
     */
    int gather_ms;
    /* Starts the first step for the items that are open; lane->rounds is 1 in a fresh batch. */
    void (*round)(struct jt_lane *lane);
    /* There is no further round, for this reason: ends the batch. */
    void (*give_up)(struct jt_lane *lane, enum jt_err err);
    /* The link that jt_lane_await_link is about has its head, or why it has none. */
    void (*linked)(struct jt_lane *lane, enum jt_err err);
    /* Notes in an item how it ended. */
    void (*end_item)(void *item, enum jt_err err);
    /* All items of a request have ended: it is the caller's again. */
    void (*done)(struct jt_lane_request *request);
};

/* What a lane did, for whoever measures; read by any thread. */
struct jt_lane_figures {
    struct jt_histogram items, us; /* of batches */
    struct jt_histogram database_us;
    jt_figure waiting; /* items that are not answered yet */
};

/* What a lane works with: its loop's. */
struct jt_lane_place {
    struct jt_vault *vault;
    struct jt_loop *loop;
    struct jt_keyclient *keeper;
    struct jt_refresher *refresher;
    struct jt_latency *foreground; /* NULL: nobody looks */
    jt_figure *n_foreground;       /* the same */
};

struct jt_lane {
    const struct jt_lane_verb *verb;
    struct jt_vault *vault;
    struct jt_keyclient *keeper;
    struct jt_refresher *refresher;
    struct jt_pipe *pipe;
    uint32_t nth_writer;   /* of the node */
    uint32_t writer;       /* in the tally, of the batch under way */
    struct jt_turns turns; /* its queue */
    /* its owner's to set: a lane that it helps while it has nothing to do; NULL: none */
    struct jt_lane *helps;
    bool brief;       /* the same: its queue is taken in batches of JT_LANE_BRIEF_BATCH at most */
    int64_t began_us; /* the batch under way, or the last one */
    struct jt_lane_figures figures;
    struct jt_latency *foreground; /* where its batches are noted as well; NULL: nowhere */
    jt_figure *n_foreground;       /* and counted, whatever their size */
    int64_t asked_ms;              /* when a request was last submitted */
    bool busy;
    bool told; /* the log has the reason for which the batch ends */
    /* being freed: keeper, refresher and pipe are going, so nothing is started any more */
    bool closing;
    int rounds;
    /* why the last round was not the end of it: how items end when there is no further round */
    enum jt_err ended;
    size_t n, n_open; /* entries of the batch; those that have not ended */
    struct jt_lane_entry entries[JT_LANE_BATCH_MAX];
    /* element i of what a step sends and is answered belongs to entries[sent[i]] */
    uint32_t sent[JT_LANE_BATCH_MAX];
    struct jt_audit_row audit[JT_LANE_BATCH_MAX];

    /* the audit trail */
    uint16_t connection;
    struct jt_chain chain;
    uint64_t at_us;      /* when the batch began: the time of its rows */
    struct jt_link link; /* of the batch's rows, as far as they are known */
    enum { JT_LANE_NO_LINK, JT_LANE_LINK_ASKED, JT_LANE_LINK_MADE } link_state;
    enum jt_err link_err; /* why there is none */
    bool awaits_link;
};

/* --- for the owner of lanes (vault/lanes.c) --- */

/* `nth_writer` is the lane's row of the tally (store/tally.h) among its node's. */
enum jt_err jt_lane_new(const struct jt_lane_verb *verb, const struct jt_lane_place *place,
                        uint32_t nth_writer, struct jt_lane **out) JT_CHECKED;

/* Ends every request with JT_ERR_STOPPING. NULL is accepted. */
void jt_lane_free(struct jt_lane *lane);

/* Starts the next batch if the lane is idle: called after each round of the loop. */
void jt_lane_pump(struct jt_lane *lane);

/* Whether it can serve now: keeper and database are connected. */
bool jt_lane_up(const struct jt_lane *lane);

/* --- for verbs --- */

/*
 * Queues a request, which stays alive until done() is called for it, later from the loop. False
 * when its client has its share of a full queue (waiting_max): it is not queued.
 */
bool jt_lane_submit(struct jt_lane *lane, struct jt_lane_request *request);

/* Fills `sent` with the entries that are neither ended nor settled; how many. */
size_t jt_lane_open(struct jt_lane *lane);

void jt_lane_end_item(struct jt_lane *lane, struct jt_lane_entry *entry, enum jt_err err);
void jt_lane_again(struct jt_lane *lane);
void jt_lane_refresh(struct jt_lane *lane);
void jt_lane_end(struct jt_lane *lane, enum jt_err err);

/* A transaction failed: the operator hears of it (vault/verdict.h), and the batch ends with it. */
void jt_lane_end_untrue(struct jt_lane *lane, const char *act, enum jt_err err);

/*
 * Fills `audit`: a row for each request of the batch, whose entries are neighbours; n_done and ids
 * are left for the verb. A request that has ended has none, and its entries' `audit` stays as it
 * was. How many rows.
 */
size_t jt_lane_audit(struct jt_lane *lane, enum jt_audit_action action);

/*
 * Has the keeper make the link of the first `n` rows of `audit`, if it is not being made already.
 * A verb that knows its rows, or guesses them, before it asks the keeper for something else asks
 * for the link first: then it is there with the other answer, and costs no time.
 */
void jt_lane_ask_link(struct jt_lane *lane, size_t n);

/* Calls the verb's linked(), at once or later, when the link of these rows is made. */
void jt_lane_await_link(struct jt_lane *lane, size_t n);

/* What of it goes with the transaction. */
struct jt_audit jt_lane_linked(const struct jt_lane *lane, size_t n);

/*
 * How the transaction that had the link ended, and whether it wrote its rows. Where nobody knows,
 * the lane asks before the next round.
 */
void jt_lane_link_ended(struct jt_lane *lane, enum jt_err err, bool written);

/* `n` rows are not what they should be: the operator hears of it. */
void jt_lane_alarm(struct jt_lane *lane, size_t n, const char *what);

#endif

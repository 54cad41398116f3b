/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event loop's database connection: non-blocking libpq in pipeline mode, one transaction under
 * way at a time.
 *
 * The connection is made, prepared (all of store/statements.h) and remade behind the scenes;
 * jt_pipe_ready tells whether it stands and is idle. A transaction is queued by one of the verbs of
 * store/cards.h and flushed at once; its callback comes exactly once, later, from the loop: JT_OK
 * only after the server's word that COMMIT succeeded. The class REPEAT: the connection broke, or
 * the server answered with an error that may pass (shutdown, read-only, deadlock, serialization);
 * what happened to the transaction is then unknown.
 *
 * Sessions pin what correctness needs whatever the server's defaults say: BEGIN names isolation
 * level and access mode in each transaction; plan settings keep every card statement on its index.
 */
#ifndef JETON_STORE_PIPE_H
#define JETON_STORE_PIPE_H

#include "base/fault.h"
#include "base/loop.h"
#include "store/nodes.h"

#include <stdbool.h>

struct jt_pipe;

/*
 * `node` is copied: its name and incarnation guard every write. `timeout_ms` bounds a transaction;
 * past it the connection is closed.
 */
enum jt_err jt_pipe_new(struct jt_loop *loop, const char *conninfo, const char *application,
                        const struct jt_node_spec *node, int timeout_ms,
                        struct jt_pipe **out) JT_CHECKED;

/*
 * A transaction under way is answered with JT_ERR_STOPPING first. NULL is accepted. Not to be
 * called from a callback of this pipe.
 */
void jt_pipe_free(struct jt_pipe *pipe);

/* Connected, prepared and no transaction under way. */
bool jt_pipe_ready(const struct jt_pipe *pipe);
/* Connected and prepared, busy or not. */
bool jt_pipe_up(const struct jt_pipe *pipe);

/* `fn` runs each time the pipe becomes ready with a new connection, the first time included. */
void jt_pipe_on_up(struct jt_pipe *pipe, jt_loop_fn *fn, void *arg);

/* `fn` runs once for each transaction that takes longer than JT_TXN_SLOW_MS, while it does. */
void jt_pipe_on_slow(struct jt_pipe *pipe, jt_loop_fn *fn, void *arg);

/*
 * While a server is away its pipes ask for it ever more rarely, so that it is not kept busy with
 * them. A scout goes on asking often; when it is up, the others are told to hurry: to make their
 * next attempt at once.
 */
void jt_pipe_scout(struct jt_pipe *pipe);
void jt_pipe_hurry(struct jt_pipe *pipe);
/*
 * `fn` is asked of each new connection, before anything is sent on it, where the database has come
 * to (store/course.h); if it says no, the connection is given up and made again after a pause. To
 * be called before the loop runs.
 */
struct jt_course;
typedef bool jt_pipe_guard_fn(void *arg, const struct jt_course *now);
void jt_pipe_guard(struct jt_pipe *pipe, jt_pipe_guard_fn *fn, void *arg);

struct jt_histogram;

/* How long each transaction took, in microseconds, is noted there; NULL: nowhere. */
void jt_pipe_measure(struct jt_pipe *pipe, struct jt_histogram *us);
/*
 * Whether nobody knows what became of the last transaction, which failed; and the server process
 * that it was sent to.
 */
bool jt_pipe_unsure(const struct jt_pipe *pipe);
int jt_pipe_backend(const struct jt_pipe *pipe);

/* What failed last, of the transaction or of the connection, for the operator's log. */
const struct jt_fault *jt_pipe_fault(const struct jt_pipe *pipe);

#endif

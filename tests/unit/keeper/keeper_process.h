/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A real jeton-keeper in a directory of its own, for tests and benchmarks: made, started, spoken
 * to, killed.
 *
 * The binary is $JETON_KEEPER, else the one of the build directory. Everything lies under one
 * mkdtemp directory in $JETON_TEST_DIR, else in /tmp, which keeper_remove deletes.
 */
#ifndef JETON_TESTS_UNIT_KEEPER_PROCESS_H
#define JETON_TESTS_UNIT_KEEPER_PROCESS_H

#include "base/buf.h"
#include "wire/frame.h"
#include "wire/ring.h"

#include <sys/types.h>

struct keeper {
    char dir[64];  /* of everything */
    char keys[96]; /* the keeper's directory */
    char conf[96];
    char socket[96];
    pid_t pid;         /* 0: not running */
    int log;           /* read end of its standard error; -1: not running */
    char output[4000]; /* of the last keeper_run, or up to the readiness line */
};

/*
 * A directory with a configuration (environment as given, `more` appended to section [keeper]);
 * nothing is run yet.
 */
void keeper_make(struct keeper *k, const char *environment, const char *more);

/* Writes the configuration again. */
void keeper_configure(struct keeper *k, const char *environment, const char *more);

/* Ends the keeper if it runs and deletes everything. */
void keeper_remove(struct keeper *k);

/*
 * Runs the binary with --config and one more argument (or NULL) to its end; its exit code, 128 +
 * signal when it was killed.
 */
int keeper_run(struct keeper *k, const char *argument);

/* --init, checked. */
void keeper_init(struct keeper *k);

/*
 * Starts it and waits until it says that it serves; false when it ended instead, then k->output
 * says why.
 */
bool keeper_start(struct keeper *k);

/* Sends a signal and waits for the end; the status as of waitpid. */
int keeper_stop(struct keeper *k, int signal);

/*
 * A connected blocking socket (with a time-out, so that a test never hangs), before any hello; -1
 * when refused.
 */
int keeper_connect(const struct keeper *k);

/* The same after a good hello. */
int keeper_greet(const struct keeper *k);

/* Sends a request with this payload. False when the connection is gone. */
bool keeper_send(int fd, uint8_t verb, const void *payload, size_t len);
bool keeper_send_bytes(int fd, const void *p, size_t len);

/*
 * Receives one reply into `reply` (wiped first): false when the connection ended instead. *status
 * is its status byte as an error.
 */
bool keeper_receive(int fd, struct jt_buf *reply, enum jt_err *status, struct jt_reader *payload);

/* Both. Fails the test when the connection breaks. */
enum jt_err keeper_ask(int fd, uint8_t verb, const struct jt_buf *payload, struct jt_buf *reply,
                       struct jt_reader *out);

/* Whether the keeper has closed this connection. */
bool keeper_closed(int fd);

#endif

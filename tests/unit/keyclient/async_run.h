/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run of the asynchronous client: an event loop, a client on it, numbered calls, and the order
 * and the errors with which they ended.
 */
#ifndef JETON_TESTS_UNIT_KEYCLIENT_ASYNC_RUN_H
#define JETON_TESTS_UNIT_KEYCLIENT_ASYNC_RUN_H

#include "../keeper/keeper_process.h"
#include "keyclient/keyclient.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUARD_MS   20000
#define MAX_EVENTS 64

/* `step` is called every few milliseconds until it stops the loop. */
struct run {
    struct jt_loop *loop;
    struct jt_keyclient *kc;
    void (*step)(struct run *r);
    int phase;
    int64_t started_ms;
    bool in_call; /* a stub is on the stack: no callback may come */
    size_t n_done;
    size_t n_due;          /* calls to be made after this round */
    int order[MAX_EVENTS]; /* tags in the order of the callbacks */
    enum jt_err errs[MAX_EVENTS];
    struct keeper k;
    uint8_t incarnation[JT_INCARNATION_LEN];
    uint64_t id;
    uint8_t token[16];
    uint8_t fingerprint[16];
    uint8_t envelope[32];
    uint8_t envelope_len;
};

struct tag {
    struct run *r;
    int number;
};

extern struct tag tags[MAX_EVENTS]; /* of the calls, by number */

void record(struct tag *t, enum jt_err err);
void on_opened(void *arg, enum jt_err err, const struct jt_open_reply *reply);

/* Each checks that its callback does not come while the stub is on the stack. */
void call_seal(struct run *r, int number, size_t n);
void call_open(struct run *r, int number, const uint8_t *envelope, uint16_t len);
void call_reseal(struct run *r, int number, const uint8_t *envelope, uint16_t len);
void call_match(struct run *r, int number);
void call_identify(struct run *r, int number);

/* `step` is called every 5 ms; run_loop returns when it has stopped the loop. */
void run_begin(struct run *r, const char *socket, int timeout_ms, void (*step)(struct run *));
void run_loop(struct run *r);
void run_end(struct run *r);

#endif

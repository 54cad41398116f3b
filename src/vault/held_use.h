/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When envelopes that applications keep were last sealed and last opened, for each field and
 * generation: before a key is destroyed, somebody must know who still uses it.
 *
 * Event loops note it in memory, and a duty writes what was noted once a minute, bundled, so that
 * no request waits for a hot row. So what the table says of a node that runs may be a minute old,
 * and what a node did in its last minute before a crash is not in it: whoever destroys a key must
 * add that (JT_HELD_USE_EVERY_MS, and as much for a write that failed and is repeated).
 */
#ifndef JETON_VAULT_HELD_USE_H
#define JETON_VAULT_HELD_USE_H

#include "store/held_use.h"

#include <pthread.h>

#define JT_HELD_USE_EVERY_MS 60000

struct jt_held_use {
    pthread_mutex_t mutex;
    size_t n, room;
    struct jt_held_used *noted; /* since the last write */
};

void jt_held_use_init(struct jt_held_use *u);
void jt_held_use_clear(struct jt_held_use *u);

/* Any thread. Where there is no memory, it is not noted. */
void jt_held_use_note(struct jt_held_use *u, uint32_t field, uint64_t generation, bool sealed,
                      bool opened);

struct jt_work_ctx;

/* Writes what was noted; what could not be written is noted again. */
enum jt_err jt_held_use_write(struct jt_work_ctx *ctx) JT_CHECKED;

#endif

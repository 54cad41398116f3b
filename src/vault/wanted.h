/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys that this node's keeper lacks: asking for them, and taking what was answered
 * (vault/delivery.h).
 */
#ifndef JETON_VAULT_WANTED_H
#define JETON_VAULT_WANTED_H

#include "store/generations.h"
#include "vault/workers.h"

/* What the log was told of a key: each thing once. Generation 0 is the service root. */
struct jt_wanted_key {
    uint64_t generation;
    int64_t since_ms;
    bool told, told_waiting;
    enum jt_err told_refused;
};

struct jt_wanted {
    struct jt_wanted_key keys[JT_GENERATIONS_MAX + 1];
    size_t n;
    bool took; /* a key has come in this step: the next ones may be asked for */
};

/* Asks for the service root, or takes it. */
enum jt_err jt_wanted_root(struct jt_wanted *w, struct jt_work_ctx *ctx) JT_CHECKED;

/*
 * Asks for the keys that the keeper lacks of these generations, and takes those that were answered.
 * *lacks_live: one of a live generation is among what is still missing.
 */
enum jt_err jt_wanted_generations(struct jt_wanted *w, struct jt_work_ctx *ctx,
                                  const struct jt_generation_rows *rows,
                                  bool *lacks_live) JT_CHECKED;

#endif

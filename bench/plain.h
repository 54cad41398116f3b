/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plain comparator's two halves: plain_service.c has HTTP and JSON, plain_cards.c crypto and
 * the database. What it is for stands in plain_service.c.
 */
#ifndef JETON_BENCH_PLAIN_H
#define JETON_BENCH_PLAIN_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLAIN_TOKEN_LEN  16
#define PLAIN_FP_LEN     32
#define PLAIN_NONCE_LEN  12
#define PLAIN_TAG_LEN    16
#define PLAIN_PAN_MAX    19
#define PLAIN_SECRET_LEN 64 /* 32 bytes to encrypt, 32 to fingerprint */

struct plain_item {
    int status; /* as in HTTP; 200: good so far */
    size_t pan_len, ciphertext_len;
    char pan[PLAIN_PAN_MAX];
    uint8_t token[PLAIN_TOKEN_LEN], fp[PLAIN_FP_LEN], nonce[PLAIN_NONCE_LEN];
    uint8_t ciphertext[PLAIN_NONCE_LEN + PLAIN_PAN_MAX + PLAIN_TAG_LEN];
};

struct plain_request {
    struct jt_buf body, reply;
    struct plain_item *items;
    struct plain_item **distinct; /* room for n; the good items, when tokenized each card once */
    size_t n, n_distinct;
    bool single, tokenize;
};

/* Makes the tables and `n` workers. Ends the process when it cannot. */
void plain_cards_start(const char *to, const uint8_t key[static PLAIN_SECRET_LEN], unsigned n);

/*
 * Work on the good items and set their tokens, or their pan and status. Any thread may call. The
 * return value is the HTTP status of the whole; 200 means that everything, the audit row too, has
 * been committed.
 */
int plain_tokenize(struct plain_request *r);
int plain_detokenize(struct plain_request *r);

void plain_die(const char *what, const char *why) __attribute__((noreturn));

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verb GUESS: MACs by which guesses at card numbers are counted (vault/brakes.h). Who knows the
 * first six and the last four digits of a card has few numbers left to try: all cards of one client
 * that agree in these and in their length are a class. The keeper names the class and the card, so
 * that neither name can be tried out by whoever sees them.
 */
#ifndef JETON_WIRE_GUESS_H
#define JETON_WIRE_GUESS_H

#include "base/buf.h"
#include "model/sizes.h"
#include "wire/limits.h"

/* What is guessed through. The numbers cross the wire and are MACed. */
enum jt_guess_act { JT_GUESS_LOOKUP = 1, JT_GUESS_TOKENIZE = 2 };
#define JT_N_GUESS_ACTS 2

struct jt_guess_item {
    const char *client;    /* client_len characters */
    const uint8_t *packed; /* the card number, packed BCD */
    uint8_t client_len, packed_len;
};

struct jt_guess_request {
    enum jt_guess_act act;
    uint32_t day; /* of UTC, since 1970-01-01: from one day to the next all names change */
    const struct jt_guess_item *items;
    size_t n;
};

struct jt_guess_result {
    uint8_t class_mac[JT_ROW_MAC_LEN]; /* of act, day, client, first six, last four, length */
    uint8_t card_mac[JT_ROW_MAC_LEN];  /* of act, day, client and the whole number */
};

struct jt_guess_reply {
    size_t n;
    struct jt_guess_result *results;
};

void jt_guess_request_encode(const struct jt_guess_request *request, struct jt_buf *out);
/* `items` holds JT_WIRE_MAX_ITEMS; pointers stay inside the frame. */
enum jt_err jt_guess_request_decode(struct jt_reader *in, struct jt_guess_item *items,
                                    struct jt_guess_request *request) JT_CHECKED;
void jt_guess_reply_encode(const struct jt_guess_reply *reply, struct jt_buf *out);
/* reply->results is the caller's array of `n` (the items asked), filled here. */
enum jt_err jt_guess_reply_decode(struct jt_reader *in, size_t n,
                                  struct jt_guess_reply *reply) JT_CHECKED;

#endif

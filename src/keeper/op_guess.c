/* SPDX-License-Identifier: Apache-2.0 */
/* GUESS: the MACs by which guesses at card numbers are counted, side by side for a whole batch. */
#include "keeper/op.h"

#include "base/secmem.h"
#include "wire/guess.h"

#include <string.h>

/* Two messages an item: the records of a chunk hold half as many items. */
#define CHUNK (JT_BATCH_CHUNK / 2)

/* First byte of a message. Never reused; the key has no other messages. */
enum { CLASS = 1, CARD = 2 };

#define LEADING  6
#define TRAILING 4

_Static_assert(JT_GUESS_MESSAGE_MAX == 1 + 1 + 4 + 1 + JT_CLIENT_ID_MAX + 1 + LEADING + TRAILING,
               "the longest message");
_Static_assert(LEADING + TRAILING >= JT_PAN_MAX_PACKED, "that of a card is no longer");

/* What both messages begin with; its length. */
static size_t put_head(const struct jt_guess_request *request, const struct jt_guess_item *item,
                       uint8_t kind, uint8_t *message)
{
    message[0] = kind;
    message[1] = (uint8_t)request->act;
    jt_put_u32(message + 2, request->day);
    message[6] = item->client_len;
    memcpy(message + 7, item->client, item->client_len);
    return 7u + item->client_len;
}

/* Both messages of an item into two records. */
static enum jt_err put_item(const struct jt_guess_request *request, size_t at, struct jt_batch *b,
                            size_t i)
{
    const struct jt_guess_item *item = &request->items[at];
    struct jt_guess_result *result = &b->results.guess[at];
    uint8_t *group = b->guesses[2 * i], *card = b->guesses[2 * i + 1];
    char digits[JT_PAN_MAX_DIGITS + 1];
    if (jt_pan_unpack(item->packed, item->packed_len, digits) != JT_OK) {
        return JT_ERR_INVALID;
    }
    size_t n = strlen(digits), len = put_head(request, item, CLASS, group);
    group[len] = (uint8_t)n;
    memcpy(group + len + 1, digits, LEADING);
    memcpy(group + len + 1 + LEADING, digits + n - TRAILING, TRAILING);
    jt_wipe(digits, sizeof digits);
    b->cmac[2 * i] =
        (struct jt_cmac_record){ group, len + 1 + LEADING + TRAILING, result->class_mac };
    len = put_head(request, item, CARD, card);
    card[len] = item->packed_len;
    memcpy(card + len + 1, item->packed, item->packed_len);
    b->cmac[2 * i + 1] =
        (struct jt_cmac_record){ card, len + 1 + item->packed_len, result->card_mac };
    return JT_OK;
}

static enum jt_err mac_chunk(struct jt_keeper *k, const struct jt_guess_request *request,
                             size_t first, size_t n)
{
    enum jt_err err = JT_OK;
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        err = put_item(request, first + i, k->batch, i);
    }
    return err == JT_OK ? jt_cmac_many(k->root->guess_mac, k->batch->cmac, 2 * n) : err;
}

enum jt_err jt_op_guess(struct jt_keeper *k, struct jt_reader *in, struct jt_buf *out)
{
    struct jt_batch *b = k->batch;
    struct jt_guess_request request;
    enum jt_err err = jt_guess_request_decode(in, b->items.guess, &request);
    for (size_t first = 0; first < request.n && err == JT_OK; first += CHUNK) {
        size_t left = request.n - first;
        err = mac_chunk(k, &request, first, left < CHUNK ? left : CHUNK);
    }
    if (err == JT_OK) {
        const struct jt_guess_reply reply = { .n = request.n, .results = b->results.guess };
        jt_guess_reply_encode(&reply, out);
    }
    jt_wipe(b->guesses, (request.n < CHUNK ? request.n : CHUNK) * 2 * sizeof b->guesses[0]);
    return err;
}

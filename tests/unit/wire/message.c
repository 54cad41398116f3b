/* SPDX-License-Identifier: Apache-2.0 */
#include "message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N_MUTATIONS 4000

/* A copy of exactly the size, so that one byte too far is outside of the allocation. */
static enum jt_err decode_copy(const uint8_t *p, size_t len, jt_message_decode_fn *decode)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, p, len);
    struct jt_reader in = jt_reader_init(copy, len);
    enum jt_err err = decode(&in);
    free(copy);
    return err;
}

void message_refuses_truncation(const struct jt_buf *message, jt_message_decode_fn *decode)
{
    assert_int_equal(jt_buf_status(message), JT_OK);
    for (size_t len = 0; len < message->len; len++) {
        assert_int_equal(decode_copy(message->data, len, decode), JT_ERR_PROTOCOL);
    }
    assert_int_equal(decode_copy(message->data, message->len, decode), JT_OK);
    uint8_t *longer = malloc(message->len + 1);
    assert_non_null(longer);
    memcpy(longer, message->data, message->len);
    longer[message->len] = 0;
    assert_int_equal(decode_copy(longer, message->len + 1, decode), JT_ERR_PROTOCOL);
    free(longer);
}

/* xorshift64*: the same changes on every machine. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dULL;
}

void message_survives_mutation(const struct jt_buf *message, jt_message_decode_fn *decode,
                               uint64_t seed)
{
    uint64_t state = seed * 2 + 1;
    uint8_t *copy = malloc(message->len);
    assert_non_null(copy);
    for (int i = 0; i < N_MUTATIONS; i++) {
        memcpy(copy, message->data, message->len);
        int changes = 1 + (int)(next_random(&state) % 4);
        for (int c = 0; c < changes; c++) {
            copy[next_random(&state) % message->len] = (uint8_t)next_random(&state);
        }
        size_t len =
            next_random(&state) % 4 == 0 ? next_random(&state) % (message->len + 1) : message->len;
        enum jt_err err = decode_copy(copy, len, decode);
        assert_true(err == JT_OK || err == JT_ERR_PROTOCOL || err == JT_ERR_LIMIT ||
                    err == JT_ERR_INVALID);
    }
    free(copy);
}

void message_fill(void *out, size_t len, uint8_t salt)
{
    uint8_t *p = out;
    for (size_t i = 0; i < len; i++) {
        p[i] = (uint8_t)(salt + 7 * i);
    }
}

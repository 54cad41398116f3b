/* SPDX-License-Identifier: Apache-2.0 */
#include "wire_batches.h"

#include "fuzz.h"

#include "wire/fingerprint.h"
#include "wire/held.h"
#include "wire/identify.h"
#include "wire/guess.h"
#include "wire/honey.h"
#include "wire/once.h"
#include "wire/match.h"
#include "wire/mend.h"
#include "wire/name.h"
#include "wire/open_masked.h"
#include "wire/reseal.h"
#include "wire/seal.h"

enum jt_err fuzz_batch_seal(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    (void)n;
    static struct jt_seal_item items[JT_WIRE_MAX_ITEMS];
    struct jt_seal_request request;
    enum jt_err err = jt_seal_request_decode(in, items, &request);
    MUST(err == JT_OK || (request.n == 0 && request.n_retired == 0));
    jt_seal_request_encode(&request, out);
    return err;
}

enum jt_err fuzz_batch_seal_reply(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    static struct jt_seal_result results[MAX_ANSWER];
    struct jt_seal_reply reply = { .results = results };
    enum jt_err err = jt_seal_reply_decode(in, n, &reply);
    if (err == JT_OK) {
        MUST(reply.n == (reply.active.key_id == 0 ? 0 : n));
        jt_seal_reply_encode(&reply, out);
    }
    return err;
}

enum jt_err fuzz_batch_open_request(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    static struct jt_open_item items[JT_WIRE_MAX_ITEMS];
    enum jt_err err = jt_open_request_decode(in, items, &n);
    MUST(err == JT_OK || n == 0);
    jt_open_request_encode(items, n, out);
    return err;
}

enum jt_err fuzz_batch_open_reply(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    static struct jt_open_result results[MAX_ANSWER];
    struct jt_open_reply reply = { .results = results };
    enum jt_err err = jt_open_reply_decode(in, n, &reply);
    if (err == JT_OK) {
        MUST(reply.n == n);
        jt_open_reply_encode(&reply, out);
    }
    return err;
}

enum jt_err fuzz_batch_reseal_reply(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    static struct jt_reseal_result results[MAX_ANSWER];
    struct jt_reseal_reply reply = { .results = results };
    enum jt_err err = jt_reseal_reply_decode(in, n, &reply);
    if (err == JT_OK) {
        MUST(reply.n == (reply.active.key_id == 0 ? 0 : n));
        jt_reseal_reply_encode(&reply, out);
    }
    return err;
}

enum jt_err fuzz_batch_match(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    static struct jt_match_item items[JT_WIRE_MAX_ITEMS];
    enum jt_err err = jt_match_request_decode(in, items, &n);
    MUST(err == JT_OK || n == 0);
    jt_match_request_encode(items, n, out);
    return err;
}

enum jt_err fuzz_batch_held(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    static struct jt_held_item items[JT_WIRE_MAX_HELD];
    enum jt_err err = jt_held_request_decode(in, items, &n);
    MUST(err == JT_OK || n == 0);
    jt_held_request_encode(items, n, out);
    return err;
}

enum jt_err fuzz_batch_held_reply(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    static struct jt_held_result results[MAX_ANSWER];
    struct jt_held_reply reply = { .results = results };
    enum jt_err err = jt_held_reply_decode(in, n, &reply);
    if (err == JT_OK) {
        MUST(reply.n == n);
        jt_held_reply_encode(&reply, out);
    }
    return err;
}

enum jt_err fuzz_batch_open_masked_reply(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    static struct jt_open_masked_result results[MAX_ANSWER];
    struct jt_open_masked_reply reply = { .results = results };
    enum jt_err err = jt_open_masked_reply_decode(in, n, &reply);
    if (err == JT_OK) {
        MUST(reply.n == n);
        jt_open_masked_reply_encode(&reply, out);
    }
    return err;
}

enum jt_err fuzz_batch_fingerprint_reply(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    static struct jt_fingerprint_result results[MAX_ANSWER];
    struct jt_fingerprint_reply reply = { .results = results };
    enum jt_err err = jt_fingerprint_reply_decode(in, n, &reply);
    if (err == JT_OK) {
        MUST(reply.n == n);
        jt_fingerprint_reply_encode(&reply, out);
    }
    return err;
}

enum jt_err fuzz_batch_match_reply(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    static struct jt_match_result results[MAX_ANSWER];
    struct jt_match_reply reply = { .results = results };
    enum jt_err err = jt_match_reply_decode(in, n, &reply);
    if (err == JT_OK) {
        MUST(reply.n == n);
        jt_match_reply_encode(&reply, out);
    }
    return err;
}

enum jt_err fuzz_batch_identify(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    static struct jt_identify_item items[JT_WIRE_MAX_ITEMS];
    enum jt_err err = jt_identify_request_decode(in, items, &n);
    MUST(err == JT_OK || n == 0);
    jt_identify_request_encode(items, n, out);
    return err;
}

enum jt_err fuzz_batch_identify_reply(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    static struct jt_identify_result results[MAX_ANSWER];
    struct jt_identify_reply reply = { .results = results };
    enum jt_err err = jt_identify_reply_decode(in, n, &reply);
    if (err == JT_OK) {
        MUST(reply.n == n && reply.n_live <= JT_RING_MAX_LIVE);
        jt_identify_reply_encode(&reply, out);
    }
    return err;
}

enum jt_err fuzz_batch_mend_reply(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    static struct jt_mend_result results[MAX_ANSWER];
    struct jt_mend_reply reply = { .results = results };
    enum jt_err err = jt_mend_reply_decode(in, n, &reply);
    if (err == JT_OK) {
        MUST(reply.n == n);
        jt_mend_reply_encode(&reply, out);
    }
    return err;
}

enum jt_err fuzz_batch_name(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    static struct jt_name_item items[JT_WIRE_MAX_ITEMS];
    enum jt_err err = jt_name_request_decode(in, items, &n);
    MUST(err == JT_OK || n == 0);
    jt_name_request_encode(items, n, out);
    return err;
}

enum jt_err fuzz_batch_name_reply(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    static struct jt_name_result results[MAX_ANSWER];
    struct jt_name_reply reply = { .results = results };
    enum jt_err err = jt_name_reply_decode(in, n, &reply);
    if (err == JT_OK) {
        MUST(reply.n == n);
        jt_name_reply_encode(&reply, out);
    }
    return err;
}

enum jt_err fuzz_batch_once(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    static struct jt_once_item items[JT_WIRE_MAX_ITEMS];
    enum jt_err err = jt_once_request_decode(in, items, &n);
    MUST(err == JT_OK || n == 0);
    jt_once_request_encode(items, n, out);
    return err;
}

enum jt_err fuzz_batch_once_reply(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    static struct jt_once_result results[MAX_ANSWER];
    struct jt_once_reply reply = { .results = results };
    enum jt_err err = jt_once_reply_decode(in, n, &reply);
    if (err == JT_OK) {
        MUST(reply.n == n);
        jt_once_reply_encode(&reply, out);
    }
    return err;
}

enum jt_err fuzz_batch_guess(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    static struct jt_guess_item items[JT_WIRE_MAX_ITEMS];
    struct jt_guess_request request;
    (void)n;
    enum jt_err err = jt_guess_request_decode(in, items, &request);
    MUST(err == JT_OK || request.n == 0);
    jt_guess_request_encode(&request, out);
    return err;
}

enum jt_err fuzz_batch_guess_reply(struct jt_reader *in, size_t n, struct jt_buf *out)
{
    static struct jt_guess_result results[MAX_ANSWER];
    struct jt_guess_reply reply = { .results = results };
    enum jt_err err = jt_guess_reply_decode(in, n, &reply);
    if (err == JT_OK) {
        MUST(reply.n == n);
        jt_guess_reply_encode(&reply, out);
    }
    return err;
}

/* A whole message, and the same again. */
#define HONEY(name, type, decode, encode)                                   \
    enum jt_err name(struct jt_reader *in, size_t n, struct jt_buf *out)    \
    {                                                                       \
        static type message;                                                \
        (void)n;                                                            \
        enum jt_err err = decode(in, &message);                             \
        if (err == JT_OK) {                                                 \
            encode(&message, out);                                          \
        }                                                                   \
        return err == JT_OK && !jt_reader_done(in) ? JT_ERR_PROTOCOL : err; \
    }

HONEY(fuzz_honey_sealed, struct jt_honey_sealed, jt_honey_sealed_decode, jt_honey_sealed_encode)
HONEY(fuzz_honey_accepted, struct jt_honey_accepted, jt_honey_accepted_decode,
      jt_honey_accepted_encode)
HONEY(fuzz_honey_change, struct jt_honey_order, jt_honey_change_decode, jt_honey_change_encode)
HONEY(fuzz_honey_list, struct jt_honey_order, jt_honey_list_decode, jt_honey_list_encode)
HONEY(fuzz_honey_tokens, struct jt_honey_tokens, jt_honey_tokens_decode, jt_honey_tokens_encode)

/* SPDX-License-Identifier: Apache-2.0 */
/* The asynchronous stubs: how each batch verb is asked and answered. */
#include "keyclient/internal.h"

#include "base/container.h"

#include <stdlib.h>

/*
 * What is kept of a call of the verb `name` until its answer, with room for the results behind it;
 * and how it is answered.
 */
#define BATCH_CALL(name)                                                             \
    struct name##_call {                                                             \
        struct jt_kc_call call;                                                      \
        jt_##name##_fn *done;                                                        \
        struct jt_##name##_result results[];                                         \
    };                                                                               \
    static enum jt_err answer_##name(struct jt_kc_call *call, enum jt_err err,       \
                                     struct jt_reader *payload)                      \
    {                                                                                \
        struct name##_call *mine = jt_container_of(call, struct name##_call, call);  \
        struct jt_##name##_reply reply = { .results = mine->results };               \
        if (err == JT_OK) {                                                          \
            err = jt_##name##_reply_decode(payload, call->n, &reply);                \
        }                                                                            \
        mine->done(call->arg, err, err == JT_OK ? &reply : NULL);                    \
        return err;                                                                  \
    }                                                                                \
    static struct name##_call *new_##name(size_t n, jt_##name##_fn *done, void *arg) \
    {                                                                                \
        /* more than can be asked will be refused, and needs no room */              \
        size_t room = n <= JT_WIRE_MAX_ITEMS ? n : 0;                                \
        struct name##_call *mine =                                                   \
            calloc(1, sizeof *mine + room * sizeof(struct jt_##name##_result));      \
        if (mine == NULL) {                                                          \
            done(arg, JT_ERR_NOMEM, NULL);                                           \
            return NULL;                                                             \
        }                                                                            \
        mine->done = done;                                                           \
        mine->call.answer = answer_##name;                                           \
        mine->call.arg = arg;                                                        \
        mine->call.n = n;                                                            \
        return mine;                                                                 \
    }

BATCH_CALL(seal)
BATCH_CALL(open)
BATCH_CALL(reseal)
BATCH_CALL(match)
BATCH_CALL(identify)
BATCH_CALL(fingerprint)
BATCH_CALL(open_masked)
BATCH_CALL(held)
BATCH_CALL(audit_link)
BATCH_CALL(once)
BATCH_CALL(guess)

/* Begins the request of a call; false: nothing may be sent, and it has its error. */
static bool begin(struct jt_keyclient *kc, struct jt_kc_call *call, enum jt_verb verb, size_t *mark)
{
    call->verb = (uint8_t)verb;
    enum jt_err err = jt_kc_may_send(kc, call->n);
    if (err != JT_OK) {
        jt_kc_call_queue(kc, call, err);
        return false;
    }
    *mark = jt_frame_begin_request(&kc->out, verb);
    return true;
}

/* Ends the request begun at `mark`, within what this keeper takes. */
static void end(struct jt_keyclient *kc, struct jt_kc_call *call, size_t mark)
{
    enum jt_err err = jt_frame_end(&kc->out, mark);
    if (err == JT_OK && kc->out.len - mark - JT_FRAME_LENGTH_BYTES > kc->max_frame) {
        jt_frame_cancel(&kc->out, mark);
        err = JT_ERR_LIMIT;
    }
    jt_kc_call_queue(kc, call, err);
}

void jt_keyclient_seal(struct jt_keyclient *kc, const struct jt_seal_request *request,
                       jt_seal_fn *done, void *arg)
{
    size_t mark;
    struct seal_call *mine = new_seal(request->n, done, arg);
    if (mine != NULL && begin(kc, &mine->call, JT_VERB_SEAL, &mark)) {
        jt_seal_request_encode(request, &kc->out);
        end(kc, &mine->call, mark);
    }
}

void jt_keyclient_open_items(struct jt_keyclient *kc, const struct jt_open_item *items, size_t n,
                             jt_open_fn *done, void *arg)
{
    size_t mark;
    struct open_call *mine = new_open(n, done, arg);
    if (mine != NULL && begin(kc, &mine->call, JT_VERB_OPEN, &mark)) {
        jt_open_request_encode(items, n, &kc->out);
        end(kc, &mine->call, mark);
    }
}

void jt_keyclient_open_masked(struct jt_keyclient *kc, const struct jt_open_item *items, size_t n,
                              jt_open_masked_fn *done, void *arg)
{
    size_t mark;
    struct open_masked_call *mine = new_open_masked(n, done, arg);
    if (mine != NULL && begin(kc, &mine->call, JT_VERB_OPEN_MASKED, &mark)) {
        jt_open_request_encode(items, n, &kc->out);
        end(kc, &mine->call, mark);
    }
}

void jt_keyclient_reseal(struct jt_keyclient *kc, const struct jt_open_item *items, size_t n,
                         jt_reseal_fn *done, void *arg)
{
    size_t mark;
    struct reseal_call *mine = new_reseal(n, done, arg);
    if (mine != NULL && begin(kc, &mine->call, JT_VERB_RESEAL, &mark)) {
        jt_open_request_encode(items, n, &kc->out);
        end(kc, &mine->call, mark);
    }
}

void jt_keyclient_match(struct jt_keyclient *kc, const struct jt_match_item *items, size_t n,
                        jt_match_fn *done, void *arg)
{
    size_t mark;
    struct match_call *mine = new_match(n, done, arg);
    if (mine != NULL && begin(kc, &mine->call, JT_VERB_MATCH, &mark)) {
        jt_match_request_encode(items, n, &kc->out);
        end(kc, &mine->call, mark);
    }
}

void jt_keyclient_identify(struct jt_keyclient *kc, const struct jt_identify_item *items, size_t n,
                           jt_identify_fn *done, void *arg)
{
    size_t mark;
    struct identify_call *mine = new_identify(n, done, arg);
    if (mine != NULL && begin(kc, &mine->call, JT_VERB_IDENTIFY, &mark)) {
        jt_identify_request_encode(items, n, &kc->out);
        end(kc, &mine->call, mark);
    }
}

void jt_keyclient_once(struct jt_keyclient *kc, const struct jt_once_item *items, size_t n,
                       jt_once_fn *done, void *arg)
{
    size_t mark;
    struct once_call *mine = new_once(n, done, arg);
    if (mine != NULL && begin(kc, &mine->call, JT_VERB_ONCE, &mark)) {
        jt_once_request_encode(items, n, &kc->out);
        end(kc, &mine->call, mark);
    }
}

void jt_keyclient_guess(struct jt_keyclient *kc, const struct jt_guess_request *request,
                        jt_guess_fn *done, void *arg)
{
    size_t mark;
    struct guess_call *mine = new_guess(request->n, done, arg);
    if (mine != NULL && begin(kc, &mine->call, JT_VERB_GUESS, &mark)) {
        jt_guess_request_encode(request, &kc->out);
        end(kc, &mine->call, mark);
    }
}

void jt_keyclient_fingerprint(struct jt_keyclient *kc, const struct jt_seal_request *request,
                              jt_fingerprint_fn *done, void *arg)
{
    size_t mark;
    struct fingerprint_call *mine = new_fingerprint(request->n, done, arg);
    if (mine != NULL && begin(kc, &mine->call, JT_VERB_FINGERPRINT, &mark)) {
        jt_seal_request_encode(request, &kc->out);
        end(kc, &mine->call, mark);
    }
}

static void ask_held(struct jt_keyclient *kc, enum jt_verb verb, const struct jt_held_item *items,
                     size_t n, jt_held_fn *done, void *arg)
{
    size_t mark;
    struct held_call *mine = new_held(n, done, arg);
    if (mine != NULL && begin(kc, &mine->call, verb, &mark)) {
        jt_held_request_encode(items, n, &kc->out);
        end(kc, &mine->call, mark);
    }
}

void jt_keyclient_seal_held(struct jt_keyclient *kc, const struct jt_held_item *items, size_t n,
                            jt_held_fn *done, void *arg)
{
    ask_held(kc, JT_VERB_SEAL_HELD, items, n, done, arg);
}

void jt_keyclient_open_held(struct jt_keyclient *kc, const struct jt_held_item *items, size_t n,
                            jt_held_fn *done, void *arg)
{
    ask_held(kc, JT_VERB_OPEN_HELD, items, n, done, arg);
}

void jt_keyclient_reseal_held(struct jt_keyclient *kc, const struct jt_held_item *items, size_t n,
                              jt_held_fn *done, void *arg)
{
    ask_held(kc, JT_VERB_RESEAL_HELD, items, n, done, arg);
}
void jt_keyclient_audit_link(struct jt_keyclient *kc, const struct jt_audit_link *link,
                             jt_audit_link_fn *done, void *arg)
{
    size_t mark;
    struct audit_link_call *mine = new_audit_link(1, done, arg);
    if (mine != NULL && begin(kc, &mine->call, JT_VERB_AUDIT_LINK, &mark)) {
        jt_audit_link_encode(link, &kc->out);
        end(kc, &mine->call, mark);
    }
}

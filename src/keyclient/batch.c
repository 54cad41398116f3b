/* SPDX-License-Identifier: Apache-2.0 */
/* The asynchronous stubs: how each batch verb is asked and answered. */
#include "keyclient/internal.h"

/* Ends the request begun at `mark`, within what this keeper takes. */
static enum jt_err end_request(struct jt_keyclient *kc, size_t mark)
{
    enum jt_err err = jt_frame_end(&kc->out, mark);
    if (err == JT_OK && kc->out.len - mark - JT_FRAME_LENGTH_BYTES > kc->max_frame) {
        jt_frame_cancel(&kc->out, mark);
        err = JT_ERR_LIMIT;
    }
    return err;
}

void jt_keyclient_seal(struct jt_keyclient *kc, const struct jt_seal_request *request,
                       jt_seal_fn *done, void *arg)
{
    struct jt_kc_call *call =
        jt_kc_call_new(JT_VERB_SEAL, request->n, sizeof(struct jt_seal_result), arg);
    if (call == NULL) {
        done(arg, JT_ERR_NOMEM, NULL);
        return;
    }
    call->done.seal = done;
    enum jt_err err = jt_kc_may_send(kc, request->n);
    if (err == JT_OK) {
        size_t mark = jt_frame_begin_request(&kc->out, JT_VERB_SEAL);
        jt_seal_request_encode(request, &kc->out);
        err = end_request(kc, mark);
    }
    jt_kc_call_queue(kc, call, err);
}

void jt_keyclient_open_items(struct jt_keyclient *kc, const struct jt_open_item *items, size_t n,
                             jt_open_fn *done, void *arg)
{
    struct jt_kc_call *call = jt_kc_call_new(JT_VERB_OPEN, n, sizeof(struct jt_open_result), arg);
    if (call == NULL) {
        done(arg, JT_ERR_NOMEM, NULL);
        return;
    }
    call->done.open = done;
    enum jt_err err = jt_kc_may_send(kc, n);
    if (err == JT_OK) {
        size_t mark = jt_frame_begin_request(&kc->out, JT_VERB_OPEN);
        jt_open_request_encode(items, n, &kc->out);
        err = end_request(kc, mark);
    }
    jt_kc_call_queue(kc, call, err);
}

void jt_keyclient_reseal(struct jt_keyclient *kc, const struct jt_open_item *items, size_t n,
                         jt_reseal_fn *done, void *arg)
{
    struct jt_kc_call *call =
        jt_kc_call_new(JT_VERB_RESEAL, n, sizeof(struct jt_reseal_result), arg);
    if (call == NULL) {
        done(arg, JT_ERR_NOMEM, NULL);
        return;
    }
    call->done.reseal = done;
    enum jt_err err = jt_kc_may_send(kc, n);
    if (err == JT_OK) {
        size_t mark = jt_frame_begin_request(&kc->out, JT_VERB_RESEAL);
        jt_open_request_encode(items, n, &kc->out);
        err = end_request(kc, mark);
    }
    jt_kc_call_queue(kc, call, err);
}

void jt_keyclient_match(struct jt_keyclient *kc, const struct jt_match_item *items, size_t n,
                        jt_match_fn *done, void *arg)
{
    struct jt_kc_call *call = jt_kc_call_new(JT_VERB_MATCH, n, sizeof(struct jt_match_result), arg);
    if (call == NULL) {
        done(arg, JT_ERR_NOMEM, NULL);
        return;
    }
    call->done.match = done;
    enum jt_err err = jt_kc_may_send(kc, n);
    if (err == JT_OK) {
        size_t mark = jt_frame_begin_request(&kc->out, JT_VERB_MATCH);
        jt_match_request_encode(items, n, &kc->out);
        err = end_request(kc, mark);
    }
    jt_kc_call_queue(kc, call, err);
}

void jt_keyclient_identify(struct jt_keyclient *kc, const struct jt_identify_item *items, size_t n,
                           jt_identify_fn *done, void *arg)
{
    struct jt_kc_call *call =
        jt_kc_call_new(JT_VERB_IDENTIFY, n, sizeof(struct jt_identify_result), arg);
    if (call == NULL) {
        done(arg, JT_ERR_NOMEM, NULL);
        return;
    }
    call->done.identify = done;
    enum jt_err err = jt_kc_may_send(kc, n);
    if (err == JT_OK) {
        size_t mark = jt_frame_begin_request(&kc->out, JT_VERB_IDENTIFY);
        jt_identify_request_encode(items, n, &kc->out);
        err = end_request(kc, mark);
    }
    jt_kc_call_queue(kc, call, err);
}

static enum jt_err answer_seal(struct jt_kc_call *call, enum jt_err err, struct jt_reader *payload)
{
    struct jt_seal_reply reply = { .results = call->results };
    if (err == JT_OK) {
        err = jt_seal_reply_decode(payload, call->n, &reply);
    }
    call->done.seal(call->arg, err, err == JT_OK ? &reply : NULL);
    return err;
}

static enum jt_err answer_open(struct jt_kc_call *call, enum jt_err err, struct jt_reader *payload)
{
    struct jt_open_reply reply = { .results = call->results };
    if (err == JT_OK) {
        err = jt_open_reply_decode(payload, call->n, &reply);
    }
    call->done.open(call->arg, err, err == JT_OK ? &reply : NULL);
    return err;
}

static enum jt_err answer_reseal(struct jt_kc_call *call, enum jt_err err,
                                 struct jt_reader *payload)
{
    struct jt_reseal_reply reply = { .results = call->results };
    if (err == JT_OK) {
        err = jt_reseal_reply_decode(payload, call->n, &reply);
    }
    call->done.reseal(call->arg, err, err == JT_OK ? &reply : NULL);
    return err;
}

static enum jt_err answer_match(struct jt_kc_call *call, enum jt_err err, struct jt_reader *payload)
{
    struct jt_match_reply reply = { .results = call->results };
    if (err == JT_OK) {
        err = jt_match_reply_decode(payload, call->n, &reply);
    }
    call->done.match(call->arg, err, err == JT_OK ? &reply : NULL);
    return err;
}

static enum jt_err answer_identify(struct jt_kc_call *call, enum jt_err err,
                                   struct jt_reader *payload)
{
    struct jt_identify_reply reply = { .results = call->results };
    if (err == JT_OK) {
        err = jt_identify_reply_decode(payload, call->n, &reply);
    }
    call->done.identify(call->arg, err, err == JT_OK ? &reply : NULL);
    return err;
}

enum jt_err jt_kc_call_answer(struct jt_kc_call *call, enum jt_err err, struct jt_reader *payload)
{
    enum jt_err answered = JT_ERR_PROTOCOL;
    switch (call->verb) {
    case JT_VERB_SEAL: answered = answer_seal(call, err, payload); break;
    case JT_VERB_OPEN: answered = answer_open(call, err, payload); break;
    case JT_VERB_RESEAL: answered = answer_reseal(call, err, payload); break;
    case JT_VERB_MATCH: answered = answer_match(call, err, payload); break;
    case JT_VERB_IDENTIFY: answered = answer_identify(call, err, payload); break;
    }
    return err == JT_OK ? answered : JT_OK;
}

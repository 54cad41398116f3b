/* SPDX-License-Identifier: Apache-2.0 */
/* Portions: the reply laid over the values that were asked about. */
#include "cli/backoff.h"
#include "cli/portion.h"
#include "pan/pan.h"

#include <jansson.h>
#include <string.h>

/* Whether its token is new. False: the service did not say what it was asked. */
static bool take_news(const struct jt_portion *b, struct jt_portion_value *v, const json_t *result)
{
    const json_t *is_new = json_object_get(result, "new");
    enum jt_tally_news news = b->rules->news[v->field];
    v->told = news != JT_NEWS_NONE;
    v->is_new = news == JT_NEWS_EACH || json_is_true(is_new);
    return news != JT_NEWS_ASKED || json_is_boolean(is_new);
}

/* Takes what the service answered of a value as its new one. */
static enum jt_err take_result(struct jt_portion *b, struct jt_portion_value *v,
                               const json_t *result)
{
    const struct jt_direction *direction = b->rules->direction;
    const json_t *value = json_object_get(result, direction->member_out);
    if (value == NULL && json_object_get(result, jt_direction_mask.member_out) != NULL) {
        b->masked_only = true;
        return JT_ERR_PROTOCOL;
    }
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);
    if (text == NULL || !direction->result_ok(text, len) || !take_news(b, v, result)) {
        return JT_ERR_PROTOCOL;
    }
    v->result_at = (uint32_t)b->results.len;
    v->result_len = (uint16_t)len;
    jt_buf_put(&b->results, text, len);
    v->state = JT_VALUE_DONE;
    return jt_buf_status(&b->results);
}

/* Whether what is no card could be a token in digits. */
static bool may_be_token(const struct jt_portion *b, const struct jt_portion_value *v)
{
    const uint8_t *text = b->texts.data + v->text_at;
    for (size_t i = 0; i < v->text_len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
    }
    return v->text_len >= JT_PAN_MIN_DIGITS && v->text_len <= JT_PAN_MAX_DIGITS;
}

/* The service refused a value. */
static void take_refusal(struct jt_portion *b, struct jt_portion_value *v, long status,
                         const char *problem)
{
    enum jt_message reason = jt_tally_reason(problem == NULL ? "" : problem);
    if (!jt_portion_asks(b) && b->rules->tokens_pass && status == 422 && may_be_token(b, v)) {
        v->state = JT_VALUE_ASK;
        v->reason = (uint16_t)reason; /* if it is no token either */
        return;
    }
    bool no_token = status == 404 || status == 422;
    if (!no_token || v->reason == JT_MSG_NONE) {
        v->reason = (uint16_t)reason;
    }
    v->state = JT_VALUE_REJECTED;
}

static enum jt_err apply_one(struct jt_portion *b, struct jt_portion_value *v, const json_t *result)
{
    const json_t *status = json_object_get(result, "status");
    json_int_t code = json_integer_value(status);
    if (!json_is_integer(status) || code < 200 || code > 599) {
        return JT_ERR_PROTOCOL;
    }
    if (v->state != (jt_portion_asks(b) ? JT_VALUE_ASK : JT_VALUE_READY)) {
        return JT_OK; /* it was answered before, and the request was repeated for others */
    }
    if (code == 200 && jt_portion_asks(b)) {
        v->state = JT_VALUE_TOKEN;
        b->n_pending--;
        return JT_OK;
    }
    if (code == 200) {
        enum jt_err err = take_result(b, v, result);
        b->n_pending -= err == JT_OK;
        return err;
    }
    const char *type = json_string_value(json_object_get(result, "type"));
    const char *colon = type == NULL ? NULL : strrchr(type, ':');
    const char *problem = colon == NULL ? NULL : colon + 1;
    if (!jt_item_is_passing((long)code, problem)) {
        take_refusal(b, v, (long)code, problem);
        b->n_pending--;
    }
    return JT_OK;
}

enum jt_err jt_portion_apply(struct jt_portion *b, const struct jt_buf *reply)
{
    json_t *root = reply->len == 0 ? NULL
                                   : json_loadb((const char *)reply->data, reply->len,
                                                JSON_REJECT_DUPLICATES, NULL);
    const json_t *results = json_object_get(root, "results");
    enum jt_err err =
        json_is_array(results) && json_array_size(results) == b->n_asked ? JT_OK : JT_ERR_PROTOCOL;
    size_t at = 0;
    for (size_t i = 0; i < b->n_values && err == JT_OK; i++) {
        if (b->values[i].asked) {
            err = apply_one(b, &b->values[i], json_array_get(results, at++));
        }
    }
    json_decref(root);
    return err;
}

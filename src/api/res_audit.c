/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/audit/search: who was given the card of a token, and when. */
#include "api/operation.h"
#include "base/hex.h"
#include "vault/inspect.h"

#define MAX_READINGS  1000
#define TIME_TEXT_MAX 40

struct search {
    char field[JT_FIELD_NAME_MAX + 1], since[TIME_TEXT_MAX], until[TIME_TEXT_MAX];
    uint8_t token[JT_TOKEN_LEN];
    json_t *readings;
};

static const struct jt_member members[] = {
    { "field", &jt_member_text, JT_MEMBER_AT(struct search, field), .required = true,
      .must = "the name of a field" },
    { "token", &jt_member_token, JT_MEMBER_AT(struct search, token), .required = true,
      .must = "a text: jtk_ and 26 characters of lower-case base32, or 12 to 19 digits" },
    { "since", &jt_member_text, JT_MEMBER_AT(struct search, since),
      .valid = jt_text_is_time_or_empty, .must = JT_TIME_MUST },
    { "until", &jt_member_text, JT_MEMBER_AT(struct search, until),
      .valid = jt_text_is_time_or_empty, .must = JT_TIME_MUST },
};

static void add_to_list(void *arg, const struct jt_audit_reading *r)
{
    char request[JT_REQUEST_ID_TEXT];
    jt_hex_encode(r->request, sizeof r->request, request);
    (void)json_array_append_new(arg, json_pack("{ss,ss,ss,ss}", "at", r->at, "client", r->client,
                                               "node", r->node, "request", request));
}

/* One more than is answered, so that it is seen when there are more. */
static enum jt_err search(const struct jt_call *call, void *state, struct jt_work_ctx *ctx)
{
    (void)call;
    struct search *s = state;
    const struct jt_readings_query query = { .field = s->field,
                                             .token = s->token,
                                             .since = s->since,
                                             .until = s->until,
                                             .max = MAX_READINGS + 1 };
    s->readings = json_array();
    return jt_inspect_readings(ctx, &query, add_to_list, s->readings);
}

static json_t *answer(const struct jt_api *api, void *state)
{
    (void)api;
    const struct search *s = state;
    bool more = json_array_size(s->readings) > MAX_READINGS;
    if (more) {
        (void)json_array_remove(s->readings, MAX_READINGS);
    }
    return json_pack("{sO,sb}", "readings", s->readings, "more", (int)more);
}

static void clear(void *state)
{
    json_decref(((struct search *)state)->readings);
}

const struct jt_operation jt_operation_audit_search = {
    .once = JT_ONCE_IGNORED,
    .members = JT_MEMBERS(members),
    .state_size = sizeof(struct search),
    .act = search,
    .status = 200,
    .answer = answer,
    .clear = clear,
};

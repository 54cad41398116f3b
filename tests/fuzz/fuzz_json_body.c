/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of a request, from its bytes to the answer: JSON, members, items. The handlers' ends are
 * made here: cards are parsed as tokenize does, and every good one gets the same token.
 *
 * A body that was taken is the same when it is written out and read again. Each item gets an answer
 * in its place; the answer is JSON, and holds nothing of what was sent: no run of digits as long as
 * a card number.
 */
#include "fuzz.h"

#include "base/secmem.h"
#include "api/api.h"
#include "api/dates.h"
#include "api/items.h"
#include "api/operation.h"
#include "base/jsonw.h"

#include <ctype.h>

#define MAX_ITEMS 20
#define MAX_BODY  16384

struct words {
    char reason[64], other[32];
    bool flag;
};

static const struct jt_member word_members[] = {
    { "reason", &jt_member_text, JT_MEMBER_AT(struct words, reason), .required = true,
      .valid = jt_text_is_reason, .must = "a text of 1 to 63 printable characters" },
    { "since", &jt_member_text, JT_MEMBER_AT(struct words, other),
      .valid = jt_text_is_time_or_empty, .must = JT_TIME_MUST },
    { "dedup", &jt_member_flag, JT_MEMBER_AT(struct words, flag), .fallback = true,
      .must = "true or false" },
};
static const struct jt_members words = JT_MEMBERS(word_members);

static const struct jt_member item_members[] = { { .name = "pan" }, { .name = "items" } };
static const struct jt_operation of_items = { .members = JT_MEMBERS(item_members), .one_of = true };
static const struct jt_route route = { .operation = &of_items };

#define NOW_US UINT64_C(1800000000000000)

static enum jt_problem_type take_pan(struct jt_items *items, size_t at, json_t *value)
{
    struct jt_pan pan;
    MUST(at == items->n_good);
    if (items->beside != NULL) {
        uint64_t us;
        enum jt_problem_type problem = jt_date_take(items->beside, NOW_US, 0, &us);
        MUST(problem != JT_PROBLEM_NONE || (us > NOW_US && us <= JT_LIFETIME_LAST_US));
        items->beside_faulty = problem != JT_PROBLEM_NONE;
        if (problem != JT_PROBLEM_NONE) {
            return problem;
        }
    }
    if (!json_is_string(value)) {
        return JT_PROBLEM_PAN_NOT_A_STRING;
    }
    return jt_problem_of_pan(
        jt_pan_parse(json_string_value(value), json_string_length(value), true, &pan));
}

/* The third good item of five fails, so that answers are mixed. */
static enum jt_problem_type outcome(const struct jt_items *items, size_t at)
{
    MUST(at < items->n_good);
    return at % 5 == 2 ? JT_PROBLEM_UNAVAILABLE : JT_PROBLEM_NONE;
}

static void write_token(const struct jt_items *items, size_t at, struct jt_buf *out)
{
    MUST(at < items->n_good);
    jt_jsonw_text(out, "token", "jtk_0123");
}

static const struct jt_items_kind kind = { "pan", take_pan, outcome, write_token, "expires_at" };

/* The answer parsed, after what every answer must be. */
static json_t *check_answer(const struct jt_request *r)
{
    size_t run = 0;
    MUST(r->http.answer.status >= 200 && jt_buf_status(&r->http.answer.body) == JT_OK);
    for (size_t i = 0; i < r->http.answer.body.len; i++) {
        run = isdigit(r->http.answer.body.data[i]) ? run + 1 : 0;
        MUST(run < JT_PAN_MIN_DIGITS);
    }
    enum jt_problem_type problem;
    json_t *answer =
        jt_json_parse_object(r->http.answer.body.data, r->http.answer.body.len, &problem);
    MUST(answer != NULL);
    return answer;
}

static struct jt_conf conf = { .front_max_items = MAX_ITEMS };
static struct jt_vault vault = { .conf = &conf };
static struct jt_api api = { .vault = &vault };

static void begin(struct jt_request *r, json_t *body)
{
    *r = (struct jt_request){ .api = &api, .route = &route, .json = json_incref(body) };
    jt_buf_init(&r->http.answer.body, 1u << 20);
}

static void end(struct jt_request *r)
{
    json_decref(r->json);
    jt_buf_clear(&r->http.answer.body);
}

static void check_items(json_t *body)
{
    struct jt_request r;
    struct jt_items items;
    begin(&r, body);
    json_t *many = json_object_get(body, "items");
    if (jt_items_init(&items, &r, &kind)) {
        MUST(r.http.answer.status == 0 && items.single == (many == NULL));
        MUST(items.n == (many == NULL ? 1 : json_array_size(many)) && items.n <= MAX_ITEMS);
        jt_items_take(&items);
        MUST(r.json == NULL && items.n_good <= items.n);
        jt_items_answer(&items);
    }
    json_t *answer = check_answer(&r);
    json_t *results = json_object_get(answer, "results");
    if (r.http.answer.status == 200 && !items.single) {
        MUST(json_array_size(results) == items.n && json_object_size(answer) == 1);
        for (size_t i = 0; i < items.n; i++) {
            json_int_t status =
                json_integer_value(json_object_get(json_array_get(results, i), "status"));
            MUST(status >= 200 && status < 600);
        }
    } else {
        MUST(results == NULL);
    }
    json_decref(answer);
    jt_items_clear(&items);
    end(&r);
}

/* As for an operator: read by a table of members, one of them needed. */
static void check_members(json_t *body)
{
    struct jt_request r;
    struct words taken = { .flag = false };
    begin(&r, body);
    if (jt_members_read(&r, &words, &taken)) {
        json_t *reason = json_object_get(body, "reason"), *since = json_object_get(body, "since"),
               *dedup = json_object_get(body, "dedup");
        size_t n = 1 + (since != NULL) + (dedup != NULL), len = strlen(taken.reason);
        MUST(r.http.answer.status == 0 && json_object_size(body) == n);
        MUST(len > 0 && len == json_string_length(reason));
        MUST(memcmp(taken.reason, json_string_value(reason), len) == 0);
        MUST(since == NULL || strcmp(taken.other, json_string_value(since)) == 0);
        MUST(taken.flag == (dedup == NULL || json_is_true(dedup)));
    } else {
        json_decref(check_answer(&r));
    }
    end(&r);
}

static void check_again(json_t *body)
{
    enum jt_problem_type problem;
    char *text = json_dumps(body, JSON_COMPACT);
    if (text == NULL) {
        return; /* a member's name with a NUL in it */
    }
    json_t *again = jt_json_parse_object(text, strlen(text), &problem);
    MUST(again != NULL && json_equal(body, again));
    json_decref(again);
    jt_wipe_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static bool ready;
    if (!ready) {
        jt_json_init();
        ready = true;
    }
    if (len > MAX_BODY) {
        return -1;
    }
    enum jt_problem_type problem = JT_PROBLEM_NONE;
    uint8_t *copy = fuzz_copy(data, len);
    json_t *body = jt_json_parse_object(copy, len, &problem);
    free(copy);
    MUST(body != NULL || problem == JT_PROBLEM_MALFORMED_JSON);
    if (body != NULL) {
        check_again(body);
        check_items(body);
        check_members(body);
        json_decref(body);
    }
    return 0;
}

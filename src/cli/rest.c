/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/rest.h"

#include "base/clock.h"
#include "base/secmem.h"
#include "cli/backoff.h"
#include "cli/cardlike.h"
#include "cli/exit.h"

#include <stdlib.h>
#include <string.h>

#define BODY_MAX        65536
#define LINE_BODY_MAX   (8u << 20)
#define LONGEST_WAIT_MS 200 /* how late an interruption may be heard */

static int exit_code_of(long status)
{
    switch (status) {
    case 401:
    case 403: return JT_EXIT_DENIED;
    case 503: return JT_EXIT_UNAVAILABLE;
    default: return JT_EXIT_REFUSED;
    }
}

const char *jt_reply_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL && *text != '\0' ? text : "-";
}

long long jt_reply_integer(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

bool jt_reply_true(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

/* Of a list of names: "a, b"; empty where there is none. */
static void join_names(const json_t *list, char *out, size_t size)
{
    size_t i, used = 0;
    json_t *name;
    out[0] = '\0';
    json_array_foreach(list, i, name)
    {
        const char *text = json_string_value(name);
        int n = snprintf(out + used, size - used, "%s%.63s", i == 0 ? "" : ", ",
                         text == NULL ? "?" : text);
        used = n > 0 && used + (size_t)n < size ? used + (size_t)n : used;
    }
}

/* A text of the answer's; NULL: there is none. What stands in between may send back what it got. */
static const char *shown(const json_t *problem, const char *name)
{
    const char *text = json_string_value(json_object_get(problem, name));
    return text == NULL ? NULL : jt_cardlike_shown(text);
}

static const char *shown_or_dash(const json_t *problem, const char *name)
{
    return jt_cardlike_shown(jt_reply_text(problem, name));
}

static int complain(long status, const json_t *problem)
{
    char names[600];
    join_names(json_object_get(problem, "missing_nodes"), names, sizeof names);
    if (json_is_string(json_object_get(problem, "title"))) {
        const char *subject = shown(problem, "subject"), *reason = shown(problem, "reason");
        jt_complain("%.100s%s%.200s: %.200s%s%s%s%.1000s (%.200s)", subject == NULL ? "" : subject,
                    subject == NULL ? "" : ": ", shown_or_dash(problem, "title"),
                    reason == NULL ? "" : reason, names[0] == '\0' ? "" : ": ", names,
                    reason == NULL ? "" : ". ", shown_or_dash(problem, "detail"),
                    shown_or_dash(problem, "type"));
    } else {
        jt_complain("the server answered with status %ld and without a problem body", status);
    }
    return exit_code_of(status);
}

int jt_answer_complain(const struct jt_answer *answer)
{
    return complain(answer->status, answer->json);
}

int jt_problem_complain(long status, const void *body, size_t len)
{
    json_t *problem = len == 0 ? NULL : json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL);
    int code = complain(status, problem);
    json_decref(problem);
    return code;
}

static bool is_done_once(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "POST") == 0;
}

/* Whether repeating can help and can do no harm. */
static bool is_worth_repeating(CURLcode result, const struct jt_reply *reply, const char *method)
{
    if (result == CURLE_OK) {
        /* the first of it is under way still, of which there was no answer */
        bool in_use = reply->status == 409 && reply->retry_after_s >= 0;
        return in_use || jt_reply_is_passing(reply);
    }
    return jt_transfer_may_recover(result) &&
           (is_done_once(method) || !jt_transfer_may_have_arrived(result));
}

static int complain_of_transfer(const struct jt_endpoint *endpoint, CURLcode result,
                                const char *method)
{
    bool unknown = strcmp(method, "GET") != 0 && jt_transfer_may_have_arrived(result);
    jt_complain("%s: %s%s", endpoint->url, curl_easy_strerror(result),
                unknown ? "; whether it was done is unknown" : "");
    return JT_EXIT_UNAVAILABLE;
}

static bool is_interrupted(const struct jt_cli *cli)
{
    return cli->interrupted != NULL && *cli->interrupted != 0;
}

/* Until that time, or a signal: one that came just before a wait does not end it by itself. */
static void wait_until(const struct jt_cli *cli, int64_t at_ms)
{
    for (int64_t left = at_ms - jt_clock_ms(); left > 0 && !is_interrupted(cli);
         left = at_ms - jt_clock_ms()) {
        jt_clock_pause(left < LONGEST_WAIT_MS ? (int)left : LONGEST_WAIT_MS);
    }
}

static int perform(const struct jt_cli *cli, long retry_for_s, const struct jt_endpoint *endpoint,
                   CURL *handle, struct jt_reply *reply, const char *method, const char *path,
                   const struct jt_buf *body)
{
    struct jt_backoff backoff;
    jt_backoff_init(&backoff, retry_for_s);
    for (;;) {
        if (!jt_endpoint_prepare(endpoint, handle, reply, method, path, body)) {
            jt_complain("%s%s: cannot be asked", endpoint->url, path);
            return JT_EXIT_FAILED;
        }
        CURLcode result = curl_easy_perform(handle);
        jt_endpoint_finish(handle, reply);
        int64_t at_ms;
        bool again = !is_interrupted(cli) && is_worth_repeating(result, reply, method) &&
                     jt_backoff_next(&backoff, reply->retry_after_s, jt_clock_ms(), &at_ms);
        if (!again) {
            return result == CURLE_OK ? JT_EXIT_OK : complain_of_transfer(endpoint, result, method);
        }
        wait_until(cli, at_ms);
    }
}

static int to_answer(const struct jt_reply *reply, struct jt_answer *out)
{
    out->status = reply->status;
    out->text = reply->status == 0 ? NULL : calloc(1, reply->body.len + 1);
    if (out->text == NULL) {
        jt_complain("%s: the server's answer is lost; whether it was done is unknown",
                    reply->status == 0 ? "libcurl" : "out of memory");
        return JT_EXIT_FAILED;
    }
    if (reply->body.len > 0) {
        memcpy(out->text, reply->body.data, reply->body.len);
        out->json = json_loadb(out->text, reply->body.len, JSON_REJECT_DUPLICATES, NULL);
    }
    if (!json_is_object(out->json)) {
        json_decref(out->json);
        out->json = NULL;
    }
    return JT_EXIT_OK;
}

int jt_rest_ask(const struct jt_cli *cli, const char *method, const char *path, json_t *body,
                struct jt_answer *out)
{
    *out = (struct jt_answer){ 0 };
    struct jt_endpoint endpoint = { 0 };
    struct jt_reply reply;
    struct jt_buf body_text;
    CURL *handle = NULL;
    jt_reply_init(&reply);
    jt_buf_init(&body_text, BODY_MAX);
    char *dumped = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    if (dumped != NULL) {
        jt_buf_put(&body_text, dumped, strlen(dumped));
    }
    int code = jt_endpoint_open(cli, &endpoint);
    if (code != JT_EXIT_OK) {
        goto out;
    }
    if (strcmp(method, "POST") == 0) {
        code = jt_endpoint_name(&endpoint);
        if (code != JT_EXIT_OK) {
            goto out;
        }
    }
    handle = jt_endpoint_handle(&endpoint, &reply);
    if (handle == NULL || (body != NULL && dumped == NULL) || jt_buf_status(&body_text) != JT_OK) {
        jt_complain("out of memory");
        code = JT_EXIT_FAILED;
        goto out;
    }
    code = perform(cli, cli->retry_for_s >= 0 ? cli->retry_for_s : JT_REST_RETRY_FOR_S, &endpoint,
                   handle, &reply, method, path, &body_text);
    if (code == JT_EXIT_OK) {
        code = to_answer(&reply, out);
    }
out:
    curl_easy_cleanup(handle);
    jt_endpoint_clear(&endpoint);
    jt_reply_clear(&reply);
    jt_buf_clear(&body_text);
    free(dumped);
    return code;
}

/* Only a 2xx with an object in it will do; all else is told. */
static int demand_success(struct jt_answer *out)
{
    int code = JT_EXIT_OK;
    if (out->status < 200 || out->status > 299) {
        code = jt_answer_complain(out);
    } else if (out->json == NULL) {
        jt_complain("the server's answer is not a JSON object");
        code = JT_EXIT_FAILED;
    }
    if (code != JT_EXIT_OK) {
        long status = out->status;
        jt_answer_clear(out);
        out->status = status;
    }
    return code;
}

int jt_rest_call(const struct jt_cli *cli, const char *method, const char *path, json_t *body,
                 struct jt_answer *out)
{
    int code = jt_rest_ask(cli, method, path, body, out);
    return code == JT_EXIT_OK ? demand_success(out) : code;
}

int jt_rest_line_open(const struct jt_cli *cli, long retry_for_s, struct jt_rest_line *out)
{
    *out = (struct jt_rest_line){ .cli = cli,
                                  .retry_for_s =
                                      cli->retry_for_s >= 0 ? cli->retry_for_s : retry_for_s };
    jt_reply_init(&out->reply);
    int code = jt_endpoint_open(cli, &out->endpoint);
    if (code == JT_EXIT_OK) {
        out->handle = jt_endpoint_handle(&out->endpoint, &out->reply);
    }
    if (code == JT_EXIT_OK && out->handle == NULL) {
        jt_complain("out of memory");
        code = JT_EXIT_FAILED;
    }
    return code;
}

int jt_rest_line_call(struct jt_rest_line *line, const char *method, const char *path, json_t *body,
                      struct jt_answer *out)
{
    *out = (struct jt_answer){ 0 };
    struct jt_buf text;
    jt_buf_init(&text, LINE_BODY_MAX);
    char *dumped = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    if (dumped != NULL) {
        jt_buf_put(&text, dumped, strlen(dumped));
    }
    jt_wipe_free(dumped);
    int code = JT_EXIT_OK;
    if ((body != NULL && text.len == 0) || jt_buf_status(&text) != JT_OK) {
        jt_complain("out of memory");
        code = JT_EXIT_FAILED;
    }
    if (code == JT_EXIT_OK) {
        code = perform(line->cli, line->retry_for_s, &line->endpoint, line->handle, &line->reply,
                       method, path, &text);
    }
    if (code == JT_EXIT_OK) {
        code = to_answer(&line->reply, out);
    }
    jt_buf_clear(&text);
    return code == JT_EXIT_OK ? demand_success(out) : code;
}

void jt_rest_line_close(struct jt_rest_line *line)
{
    curl_easy_cleanup(line->handle);
    jt_endpoint_clear(&line->endpoint);
    jt_reply_clear(&line->reply);
}

int jt_rest_show(const struct jt_cli *cli, const char *method, const char *path, json_t *body,
                 void (*print)(const json_t *reply))
{
    struct jt_answer answer;
    int code = jt_rest_call(cli, method, path, body, &answer);
    if (code == JT_EXIT_OK && cli->json) {
        printf("%s\n", answer.text);
    } else if (code == JT_EXIT_OK) {
        print(answer.json);
    }
    jt_answer_clear(&answer);
    return code;
}

void jt_answer_clear(struct jt_answer *answer)
{
    json_decref(answer->json);
    jt_wipe_free(answer->text);
    *answer = (struct jt_answer){ 0 };
}

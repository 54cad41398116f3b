/* SPDX-License-Identifier: Apache-2.0 */
/* One request, repeated while that may help. */
#include "client/internal.h"

#include <jansson.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define BROKEN_MS  200 /* before a connection is tried again */
#define PASSING_MS 1000

static const char problem_prefix[] = "urn:jeton:problem:";

int64_t jeton_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool jeton_wait(int64_t ms, int64_t end_ms)
{
    if (jeton_now_ms() + ms > end_ms) {
        return false;
    }
    struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &t) == EINTR) {
    }
    return true;
}

bool jeton_is_passing(long status)
{
    return status == 429 || status == 502 || status == 503 || status == 504;
}

void jeton_problem_name(const char *type, char *out)
{
    size_t prefix = sizeof problem_prefix - 1;
    bool ours = type != NULL && strncmp(type, problem_prefix, prefix) == 0;
    snprintf(out, JETON_PROBLEM_MAX, "%s", ours ? type + prefix : "");
}

/* A body makes it a POST. */
static bool set_body(struct jeton_client *c)
{
    return curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, c->request.data) == CURLE_OK &&
           curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE, (long)c->request.len) == CURLE_OK;
}

/* Sends it once. False: no answer came; the error text is set. */
static bool send_once(struct jeton_client *c, const char *path)
{
    char url[2000];
    int n = snprintf(url, sizeof url, "%s%s", c->url, path);
    curl_off_t retry_after = 0;
    jeton_buffer_reset(&c->reply);
    c->http_status = 0;
    c->retry_after_ms = -1;
    if (n < 0 || (size_t)n >= sizeof url ||
        curl_easy_setopt(c->curl, CURLOPT_URL, url) != CURLE_OK || !set_body(c)) {
        (void)jeton_fail(c, JETON_FAILED, "the request cannot be made");
        return false;
    }
    CURLcode result = curl_easy_perform(c->curl);
    if (result != CURLE_OK) {
        (void)jeton_fail(c, JETON_UNAVAILABLE, curl_easy_strerror(result));
        return false;
    }
    (void)curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &c->http_status);
    if (curl_easy_getinfo(c->curl, CURLINFO_RETRY_AFTER, &retry_after) == CURLE_OK &&
        retry_after > 0) {
        c->retry_after_ms = (int64_t)(retry_after > 3600 ? 3600 : retry_after) * 1000;
    }
    return true;
}

/* Notes the problem of the reply as the error text; whether it is one of Jeton's. */
static bool note_problem(struct jeton_client *c)
{
    json_t *body = json_loadb(c->reply.data == NULL ? "" : c->reply.data, c->reply.len, 0, NULL);
    const char *title = json_string_value(json_object_get(body, "title"));
    jeton_problem_name(json_string_value(json_object_get(body, "type")), c->problem);
    snprintf(c->error, sizeof c->error, "%s (%s, status %ld)",
             title == NULL ? "The server refused" : title,
             c->problem[0] == '\0' ? "no problem" : c->problem, c->http_status);
    json_decref(body);
    return c->problem[0] != '\0';
}

static enum jeton_status status_of(long http_status)
{
    return http_status == 401 || http_status == 403 ? JETON_DENIED
           : jeton_is_passing(http_status)          ? JETON_UNAVAILABLE
           : http_status >= 500                     ? JETON_FAILED
                                                    : JETON_REFUSED;
}

enum jeton_status jeton_post(struct jeton_client *c, const char *path, int64_t end_ms)
{
    if (c->request.failed) {
        return jeton_fail(c, JETON_FAILED, "out of memory");
    }
    for (;;) {
        int64_t pause_ms = BROKEN_MS;
        c->error[0] = c->problem[0] = '\0';
        if (send_once(c, path)) {
            if (c->http_status == 200) {
                return JETON_OK;
            }
            bool ours = note_problem(c);
            /* 503 without Retry-After does not pass by itself: an operator must look */
            bool passing = jeton_is_passing(c->http_status) &&
                           !(c->http_status == 503 && ours && c->retry_after_ms < 0);
            /* the one before is under way still, of which there was no answer */
            passing |= c->http_status == 409 && c->retry_after_ms >= 0;
            if (!passing) {
                return status_of(c->http_status);
            }
            pause_ms = c->retry_after_ms < 0 ? PASSING_MS : c->retry_after_ms;
        }
        if (!jeton_wait(pause_ms, end_ms)) {
            return JETON_UNAVAILABLE;
        }
    }
}

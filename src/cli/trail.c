/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/trail.h"

#include "cli/exit.h"
#include "cli/rest.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define PATH_LEN 1200
#define PAGE     1000

static void add(char *path, const char *name, const char *value)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
    size_t n = strlen(path);
    if (value == NULL || *value == '\0') {
        return;
    }
    n += (size_t)snprintf(path + n, PATH_LEN - n, "%c%s=", strchr(path, '?') == NULL ? '?' : '&',
                          name);
    for (; *value != '\0' && n + 4 < PATH_LEN; value++) {
        bool keep = strchr(plain, *value) != NULL;
        n +=
            (size_t)snprintf(path + n, PATH_LEN - n, keep ? "%c" : "%%%02X", (unsigned char)*value);
    }
}

static void make_path(const struct jt_trail_query *q, const char *cursor, long limit,
                      char path[static PATH_LEN])
{
    char number[24];
    (void)snprintf(path, PATH_LEN, "/v1/audit");
    (void)snprintf(number, sizeof number, "%ld", limit);
    add(path, "since", q->since);
    add(path, "until", q->until);
    add(path, "client", q->client);
    add(path, "action", q->action);
    add(path, "field", q->field);
    add(path, "request", q->request);
    add(path, "ids", q->ids ? "true" : NULL);
    add(path, "cursor", cursor);
    add(path, "limit", number);
}

static int each_of(const json_t *list, jt_trail_fn *each, void *arg)
{
    size_t i;
    const json_t *item;
    int code = JT_EXIT_OK;
    json_array_foreach(list, i, item)
    {
        code = code == JT_EXIT_OK ? each(arg, item) : code;
    }
    return code;
}

int jt_trail_starts(const struct jt_cli *cli, jt_trail_fn *each_start, jt_trail_fn *each_close,
                    void *arg)
{
    struct jt_answer answer;
    int code = jt_rest_call(cli, "GET", "/v1/audit/starts", NULL, &answer);
    if (code == JT_EXIT_OK) {
        code = each_of(json_object_get(answer.json, "starts"), each_start, arg);
    }
    if (code == JT_EXIT_OK) {
        code = each_of(json_object_get(answer.json, "closes"), each_close, arg);
    }
    jt_answer_clear(&answer);
    return code;
}

int jt_trail_stable(const struct jt_cli *cli, char out[JT_TRAIL_TIME_TEXT])
{
    struct jt_answer answer;
    int code = jt_rest_call(cli, "GET", "/v1/audit?limit=1", NULL, &answer);
    (void)snprintf(out, JT_TRAIL_TIME_TEXT, "%s",
                   code == JT_EXIT_OK ? jt_reply_text(answer.json, "stable_until") : "");
    jt_answer_clear(&answer);
    return code;
}

int jt_trail_rows(const struct jt_cli *cli, const struct jt_trail_query *query, jt_trail_fn *each,
                  void *arg)
{
    char cursor[128], path[PATH_LEN];
    long left = query->max;
    (void)snprintf(cursor, sizeof cursor, "%s", query->cursor == NULL ? "" : query->cursor);
    for (bool more = true; more;) {
        struct jt_answer answer;
        long limit = left > 0 && left < PAGE ? left : PAGE;
        make_path(query, cursor, limit, path);
        int code = jt_rest_call(cli, "GET", path, NULL, &answer);
        const json_t *next = json_object_get(answer.json, "next");
        if (code == JT_EXIT_OK) {
            code = each_of(json_object_get(answer.json, "rows"), each, arg);
        }
        left -= (long)json_array_size(json_object_get(answer.json, "rows"));
        more = code == JT_EXIT_OK && json_is_string(next) && (query->max == 0 || left > 0);
        if (more) {
            (void)snprintf(cursor, sizeof cursor, "%s", json_string_value(next));
        }
        jt_answer_clear(&answer);
        if (code != JT_EXIT_OK) {
            return code;
        }
    }
    return JT_EXIT_OK;
}

uint64_t jt_trail_time_us(const char *text)
{
    struct tm tm = { .tm_isdst = 0 };
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    unsigned us = 0;
    if (rest == NULL || (*rest == '.' && sscanf(rest, ".%6u", &us) != 1)) {
        return 0;
    }
    return (uint64_t)timegm(&tm) * 1000000 + us;
}

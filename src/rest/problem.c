/* SPDX-License-Identifier: Apache-2.0 */
#include "rest/problem.h"

#include <stdio.h>
#include <string.h>

struct text {
    const char *name;
    int status;
    const char *title, *detail;
};

static const struct text texts[] = {
    { "none", 200, "", "" },
#define JT_PROBLEM(id, name, status, title, detail) { name, status, title, detail },
#include "rest/problems.def"
#undef JT_PROBLEM
};

int jt_problem_status(enum jt_problem_type problem)
{
    return texts[problem].status;
}

const char *jt_problem_name(enum jt_problem_type problem)
{
    return texts[problem].name;
}

const char *jt_problem_title(enum jt_problem_type problem)
{
    return texts[problem].title;
}

const char *jt_problem_detail(enum jt_problem_type problem)
{
    return texts[problem].detail;
}

enum jt_problem_type jt_problem_of_pan(enum jt_pan_fault fault)
{
    switch (fault) {
    case JT_PAN_GOOD: return JT_PROBLEM_NONE;
    case JT_PAN_EMPTY: return JT_PROBLEM_PAN_EMPTY;
    case JT_PAN_NOT_DIGITS: return JT_PROBLEM_PAN_NOT_DIGITS;
    case JT_PAN_TOO_SHORT: return JT_PROBLEM_PAN_TOO_SHORT;
    case JT_PAN_TOO_LONG: return JT_PROBLEM_PAN_TOO_LONG;
    case JT_PAN_BAD_LUHN: return JT_PROBLEM_PAN_BAD_LUHN;
    }
    return JT_PROBLEM_INTERNAL;
}

enum jt_problem_type jt_problem_of_err(enum jt_err err)
{
    switch (err) {
    case JT_OK: return JT_PROBLEM_NONE;
    /* handlers have judged the input: somebody behind them refuses it */
    case JT_ERR_INVALID: return JT_PROBLEM_BACKEND_FAULT;
    case JT_ERR_NOT_FOUND: return JT_PROBLEM_NOT_FOUND;
    case JT_ERR_CONFLICT: return JT_PROBLEM_CONFLICT;
    case JT_ERR_DENIED: return JT_PROBLEM_FORBIDDEN;
    case JT_ERR_DECRYPT: return JT_PROBLEM_UNDECRYPTABLE;
    case JT_ERR_LIMIT:
    case JT_ERR_CRYPTO: return JT_PROBLEM_INTERNAL;
    case JT_ERR_NOMEM:
    case JT_ERR_STALE:
    case JT_ERR_UNAVAILABLE:
    case JT_ERR_IO: return JT_PROBLEM_UNAVAILABLE;
    case JT_ERR_PROTOCOL: return JT_PROBLEM_BACKEND_FAULT;
    }
    return JT_PROBLEM_INTERNAL;
}

/* The texts hold nothing that JSON escapes, so that they can be written as they stand. */
void jt_problem_write(enum jt_problem_type problem, struct jt_buf *out)
{
    char body[600];
    const struct text *t = &texts[problem];
    int n = snprintf(body, sizeof body,
                     "{\"type\":\"" JT_PROBLEM_PREFIX
                     "%s\",\"title\":\"%s\",\"status\":%d,\"detail\":\"%s\"}",
                     t->name, t->title, t->status, t->detail);
    jt_buf_put(out, body, (size_t)n);
}

static void put_text(struct jt_buf *out, const char *text)
{
    jt_buf_put(out, text, strlen(text));
}

static void put_escaped(struct jt_buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        char escaped[8];
        if (c == '"' || c == '\\') {
            jt_buf_u8(out, '\\');
            jt_buf_u8(out, c);
        } else if (c < ' ') {
            (void)snprintf(escaped, sizeof escaped, "\\u%04x", (unsigned)c);
            put_text(out, escaped);
        } else {
            jt_buf_u8(out, c);
        }
    }
}

void jt_problem_write_detail(enum jt_problem_type problem, const char *detail, struct jt_buf *out)
{
    char head[300];
    const struct text *t = &texts[problem];
    (void)snprintf(head, sizeof head,
                   "{\"type\":\"" JT_PROBLEM_PREFIX
                   "%s\",\"title\":\"%s\",\"status\":%d,\"detail\":\"",
                   t->name, t->title, t->status);
    put_text(out, head);
    put_escaped(out, detail);
    put_text(out, "\"}");
}

void jt_problem_write_item(enum jt_problem_type problem, struct jt_buf *out)
{
    char body[300];
    const struct text *t = &texts[problem];
    int n = snprintf(body, sizeof body,
                     "{\"status\":%d,\"type\":\"" JT_PROBLEM_PREFIX "%s\",\"title\":\"%s\"}",
                     t->status, t->name, t->title);
    jt_buf_put(out, body, (size_t)n);
}

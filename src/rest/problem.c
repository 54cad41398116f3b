/* SPDX-License-Identifier: Apache-2.0 */
#include "rest/problem.h"

#include "base/jsonw.h"

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
    static const uint8_t problems[JT_ERR_MAX + 1] = {
#define JT_REASON(number, id, class, problem, text) [number] = JT_PROBLEM_##problem,
#include "base/reasons.def"
#undef JT_REASON
    };
    bool known = (unsigned)err <= JT_ERR_MAX && (err == JT_OK || problems[err] != 0);
    return known ? problems[err] : JT_PROBLEM_INTERNAL;
}

static void begin_body(const struct text *t, const char *detail, struct jt_buf *out)
{
    jt_jsonw_open(out);
    jt_jsonw_text2(out, "type", JT_PROBLEM_PREFIX, t->name);
    jt_jsonw_text(out, "title", t->title);
    jt_jsonw_int(out, "status", t->status);
    jt_jsonw_text(out, "detail", detail);
}

void jt_problem_write_with(enum jt_problem_type problem,
                           void (*members)(const void *arg, struct jt_buf *out), const void *arg,
                           struct jt_buf *out)
{
    begin_body(&texts[problem], texts[problem].detail, out);
    if (members != NULL) {
        members(arg, out);
    }
    jt_jsonw_close(out);
}

void jt_problem_write(enum jt_problem_type problem, struct jt_buf *out)
{
    jt_problem_write_with(problem, NULL, NULL, out);
}

void jt_problem_write_detail(enum jt_problem_type problem, const char *detail, struct jt_buf *out)
{
    begin_body(&texts[problem], detail, out);
    jt_jsonw_close(out);
}

static void write_subject(const void *subject, struct jt_buf *out)
{
    jt_jsonw_text(out, "subject", subject);
}

void jt_problem_write_about(enum jt_problem_type problem, const char *subject, struct jt_buf *out)
{
    jt_problem_write_with(problem, subject[0] == '\0' ? NULL : write_subject, subject, out);
}

void jt_problem_write_item(enum jt_problem_type problem, struct jt_buf *out)
{
    const struct text *t = &texts[problem];
    jt_jsonw_open(out);
    jt_jsonw_int(out, "status", t->status);
    jt_jsonw_text2(out, "type", JT_PROBLEM_PREFIX, t->name);
    jt_jsonw_text(out, "title", t->title);
    jt_jsonw_close(out);
}

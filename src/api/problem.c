/* SPDX-License-Identifier: Apache-2.0 */
#include "api/problem.h"

#include "base/jsonw.h"

/* The column `head` of problems.def: a field that goes with the answer. */
enum head { HEAD_NONE, HEAD_RETRY, HEAD_BEARER, HEAD_IDENTITY };

static const struct {
    const char *name, *value;
} heads[] = {
    [HEAD_RETRY] = { "Retry-After", "1" },
    [HEAD_BEARER] = { "WWW-Authenticate", "Bearer" },
    [HEAD_IDENTITY] = { "Accept-Encoding", "identity" }, /* RFC 9110 section 12.5.3 */
};

struct text {
    const char *name;
    int status;
    enum head head;
    const char *title, *detail;
};

static const struct text texts[] = {
    { "none", 200, HEAD_NONE, "", "" },
#define JT_PROBLEM(id, name, status, head, title, detail) \
    { name, status, HEAD_##head, title, detail },
#include "api/problems.def"
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
    static const enum jt_problem_type problems[] = {
        [JT_PAN_GOOD] = JT_PROBLEM_NONE,
        [JT_PAN_EMPTY] = JT_PROBLEM_PAN_EMPTY,
        [JT_PAN_NOT_DIGITS] = JT_PROBLEM_PAN_NOT_DIGITS,
        [JT_PAN_TOO_SHORT] = JT_PROBLEM_PAN_TOO_SHORT,
        [JT_PAN_TOO_LONG] = JT_PROBLEM_PAN_TOO_LONG,
        [JT_PAN_BAD_LUHN] = JT_PROBLEM_PAN_BAD_LUHN,
        [JT_PAN_ALL_ZEROS] = JT_PROBLEM_PAN_ALL_ZEROS,
        [JT_PAN_LEADING_ZEROS] = JT_PROBLEM_PAN_LEADING_ZEROS,
        [JT_PAN_LENGTH_REFUSED] = JT_PROBLEM_PAN_LENGTH_REFUSED,
        [JT_PAN_TEST_CARD] = JT_PROBLEM_PAN_TEST_CARD,
    };
    return problems[fault];
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

void jt_problem_head(enum jt_problem_type problem, struct jt_http_answer *out)
{
    const struct text *t = &texts[problem];
    out->status = t->status;
    out->media_type = "application/problem+json";
    out->name = heads[t->head].name;
    out->value = heads[t->head].value;
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

static void write_errors(const char *detail, const char *pointer, struct jt_buf *out)
{
    jt_jsonw_array(out, "errors");
    jt_jsonw_open(out);
    jt_jsonw_text(out, "pointer", pointer);
    jt_jsonw_text(out, "detail", detail);
    jt_jsonw_close(out);
    jt_jsonw_array_end(out);
}

void jt_problem_write_at(enum jt_problem_type problem, const char *detail, const char *pointer,
                         struct jt_buf *out)
{
    begin_body(&texts[problem], detail, out);
    write_errors(detail, pointer, out);
    jt_jsonw_close(out);
}

struct about {
    enum jt_err err;
    const char *subject;
    void (*members)(const void *arg, struct jt_buf *out);
    const void *arg;
};

static void write_about(const void *arg, struct jt_buf *out)
{
    const struct about *a = arg;
    if (a->subject[0] != '\0') {
        jt_jsonw_text(out, "subject", a->subject);
    }
    if (jt_problem_status(jt_problem_of_err(a->err)) < 500) {
        jt_jsonw_text(out, "reason", jt_err_str(a->err));
    }
    if (a->members != NULL) {
        a->members(a->arg, out);
    }
}

void jt_problem_write_about_with(enum jt_err err, const char *subject,
                                 void (*members)(const void *arg, struct jt_buf *out),
                                 const void *arg, struct jt_buf *out)
{
    const struct about about = { .err = err, .subject = subject, .members = members, .arg = arg };
    jt_problem_write_with(jt_problem_of_err(err), write_about, &about, out);
}

void jt_problem_write_about(enum jt_err err, const char *subject, struct jt_buf *out)
{
    jt_problem_write_about_with(err, subject, NULL, NULL, out);
}

static void begin_item(const struct text *t, struct jt_buf *out)
{
    jt_jsonw_open(out);
    jt_jsonw_int(out, "status", t->status);
    jt_jsonw_text2(out, "type", JT_PROBLEM_PREFIX, t->name);
    jt_jsonw_text(out, "title", t->title);
}

void jt_problem_write_item(enum jt_problem_type problem, struct jt_buf *out)
{
    begin_item(&texts[problem], out);
    jt_jsonw_close(out);
}

void jt_problem_write_item_at(enum jt_problem_type problem, const char *pointer, struct jt_buf *out)
{
    begin_item(&texts[problem], out);
    write_errors(texts[problem].detail, pointer, out);
    jt_jsonw_close(out);
}

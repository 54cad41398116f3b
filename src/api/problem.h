/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Problems: every error that a caller can meet, as RFC 9457 problem details of type
 * urn:jeton:problem:NAME. One list gives name, status, title and what to do about it. A problem
 * never echoes input: texts are fixed, or put together from this program's own words.
 */
#ifndef JETON_API_PROBLEM_H
#define JETON_API_PROBLEM_H

#include "base/buf.h"
#include "http/answer.h"
#include "pan/pan.h"

#define JT_PROBLEM_PREFIX "urn:jeton:problem:"

enum jt_problem_type {
    JT_PROBLEM_NONE = 0,
#define JT_PROBLEM(id, name, status, head, title, detail) JT_PROBLEM_##id,
#include "api/problems.def"
#undef JT_PROBLEM
};

int jt_problem_status(enum jt_problem_type problem);
/* The name after JT_PROBLEM_PREFIX; static storage, as are the other texts. */
const char *jt_problem_name(enum jt_problem_type problem);
const char *jt_problem_title(enum jt_problem_type problem);
const char *jt_problem_detail(enum jt_problem_type problem);

/* The problem of a text that is no card number; JT_PROBLEM_NONE for JT_PAN_GOOD. */
enum jt_problem_type jt_problem_of_pan(enum jt_pan_fault fault);

/* The problem that an error of a lower layer is to the caller. */
enum jt_problem_type jt_problem_of_err(enum jt_err err);

/* Status, media type and the field of the head; the body is written by one of the next. */
void jt_problem_head(enum jt_problem_type problem, struct jt_http_answer *out);

/* Writes the whole problem body. */
void jt_problem_write(enum jt_problem_type problem, struct jt_buf *out);

/*
 * The same with a detail of its own, which is escaped; valid UTF-8 of at most JT_PROBLEM_DETAIL_MAX
 * bytes.
 */
#define JT_PROBLEM_DETAIL_MAX 500
void jt_problem_write_detail(enum jt_problem_type problem, const char *detail, struct jt_buf *out);

/*
 * The same, with what is at fault as the one entry of the member `errors`: `pointer`, a JSON
 * pointer as a URI fragment (RFC 6901 section 6; "#" is the whole body), and `detail`.
 */
void jt_problem_write_at(enum jt_problem_type problem, const char *detail, const char *pointer,
                         struct jt_buf *out);

/* The same with more members, which `members` (NULL: none) writes by base/jsonw.h. */
void jt_problem_write_with(enum jt_problem_type problem,
                           void (*members)(const void *arg, struct jt_buf *out), const void *arg,
                           struct jt_buf *out);

/*
 * The problem of a failure, with what it is about as a member `subject` (empty: without). Below
 * status 500, where it is for the caller to know what is in the way, with that as a member
 * `reason`.
 */
void jt_problem_write_about(enum jt_err err, const char *subject, struct jt_buf *out);
/* The same with more members, which `members` (NULL: none) writes. */
void jt_problem_write_about_with(enum jt_err err, const char *subject,
                                 void (*members)(const void *arg, struct jt_buf *out),
                                 const void *arg, struct jt_buf *out);

/* Writes the members of a failed item of a batch: {"status":422,"type":"urn:…","title":"…"}. */
void jt_problem_write_item(enum jt_problem_type problem, struct jt_buf *out);
/* The same of one whose text is at fault, with `errors` as above. */
void jt_problem_write_item_at(enum jt_problem_type problem, const char *pointer,
                              struct jt_buf *out);

#endif

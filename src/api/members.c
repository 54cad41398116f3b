/* SPDX-License-Identifier: Apache-2.0 */
#include "api/members.h"

#include "api/request.h"
#include "pan/numeric.h"
#include "pan/token.h"

#include <stdio.h>
#include <string.h>

/* --- kinds --- */

static bool take_text(const struct jt_member *member, json_t *value, void *at)
{
    const char *text = jt_json_text(value);
    if (text == NULL || strlen(text) >= member->size ||
        (member->valid != NULL && !member->valid(text))) {
        return false;
    }
    memcpy(at, text, strlen(text) + 1);
    return true;
}

static bool take_flag(const struct jt_member *member, json_t *value, void *at)
{
    (void)member;
    bool *out = at;
    *out = json_is_true(value);
    return json_is_boolean(value);
}

static bool take_token(const struct jt_member *member, json_t *value, void *at)
{
    (void)member;
    return json_is_string(value) &&
           (jt_token_parse(json_string_value(value), json_string_length(value), at) == JT_OK ||
            jt_numeric_token_parse(json_string_value(value), json_string_length(value), at) ==
                JT_OK);
}

static bool take_field_kind(const struct jt_member *member, json_t *value, void *at)
{
    (void)member;
    const char *text = jt_json_text(value);
    uint8_t *out = at;
    for (uint8_t kind = JT_FIELD_PAN; text != NULL && kind <= JT_FIELD_BYTES; kind++) {
        if (strcmp(text, jt_field_kind_name((enum jt_field_kind)kind)) == 0) {
            *out = kind;
            return true;
        }
    }
    return false;
}

static bool take_mask_digits(const struct jt_member *member, json_t *value, void *at)
{
    (void)member;
    bool *eight = at;
    *eight = json_integer_value(value) == 8;
    return *eight || json_integer_value(value) == 6;
}

/* What is in it is read as a body is. */
static bool take_object(const struct jt_member *member, json_t *value, void *at)
{
    (void)member;
    (void)at;
    return json_is_object(value);
}

static bool take_limit(const struct jt_member *member, json_t *value, void *at)
{
    (void)member;
    const char *text = jt_json_text(value);
    size_t len = text == NULL ? 0 : strlen(text);
    if (len == 0 || len > 4 || strspn(text, "0123456789") != len || text[0] == '0') {
        return false;
    }
    *(uint32_t *)at = (uint32_t)strtoul(text, NULL, 10);
    return *(uint32_t *)at <= JT_LIST_LIMIT;
}

const struct jt_member_kind jt_member_text = { "string", take_text },
                            jt_member_flag = { "boolean", take_flag },
                            jt_member_token = { "string", take_token },
                            jt_member_field_kind = { "string", take_field_kind },
                            jt_member_mask_digits = { "integer", take_mask_digits },
                            jt_member_object = { "object", take_object },
                            jt_member_limit = { "integer", take_limit };

/* --- texts --- */

bool jt_text_is_reason(const char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) {
            return false;
        }
    }
    return len > 0;
}

/* `n` digits, of which the number is within bounds; moves on behind them. */
static bool number(const char **text, int n, int low, int high, int *out)
{
    *out = 0;
    for (int i = 0; i < n; i++) {
        if (**text < '0' || **text > '9') {
            return false;
        }
        *out = *out * 10 + (*(*text)++ - '0');
    }
    return *out >= low && *out <= high;
}

static bool passed(const char **text, char expected)
{
    bool there = **text == expected;
    *text += there;
    return there;
}

static bool date(const char **text)
{
    static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int year, month, day;
    if (!number(text, 4, 1, 9999, &year) || !passed(text, '-') || !number(text, 2, 1, 12, &month) ||
        !passed(text, '-') || !number(text, 2, 1, days[month - 1], &day)) {
        return false;
    }
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return leap || month != 2 || day < 29;
}

static bool time_of_day(const char **text)
{
    int ignored;
    if (!number(text, 2, 0, 23, &ignored) || !passed(text, ':') ||
        !number(text, 2, 0, 59, &ignored) || !passed(text, ':') ||
        !number(text, 2, 0, 60, &ignored)) {
        return false;
    }
    if (passed(text, '.')) {
        size_t digits = strspn(*text, "0123456789");
        *text += digits;
        return digits > 0;
    }
    return true;
}

static bool zone(const char **text)
{
    int ignored;
    if (passed(text, 'Z')) {
        return true;
    }
    /* no clock is farther off, and PostgreSQL takes none that is */
    return (passed(text, '+') || passed(text, '-')) && number(text, 2, 0, 15, &ignored) &&
           passed(text, ':') && number(text, 2, 0, 59, &ignored);
}

bool jt_text_is_time_or_empty(const char *text)
{
    return *text == '\0' || (date(&text) && passed(&text, 'T') && time_of_day(&text) &&
                             zone(&text) && *text == '\0');
}

/* --- bodies --- */

static bool is_among(const char *key, const struct jt_members *members)
{
    size_t i = 0;
    while (i < members->n && strcmp(members->all[i].name, key) != 0) {
        i++;
    }
    return i < members->n;
}

static void say(struct jt_buf *out, const char *text)
{
    jt_buf_put(out, text, strlen(text));
}

static void refuse_unknown(struct jt_request *r, const struct jt_members *members,
                           const char *pointer)
{
    struct jt_buf detail;
    jt_buf_init(&detail, JT_PROBLEM_DETAIL_MAX);
    say(&detail, pointer[1] == '\0' ? "The body" : "An object in the body");
    say(&detail, " has a member that this operation does not take. It takes");
    for (size_t i = 0; i < members->n; i++) {
        say(&detail, i == 0 ? ": " : ", ");
        say(&detail, members->all[i].name);
    }
    say(&detail, members->n == 0 ? " none." : ".");
    jt_buf_u8(&detail, '\0');
    if (jt_buf_status(&detail) == JT_OK) {
        jt_request_answer_at(r, JT_PROBLEM_UNKNOWN_MEMBER, (const char *)detail.data, pointer);
    } else {
        jt_request_answer_problem(r, JT_PROBLEM_UNKNOWN_MEMBER);
    }
    jt_buf_clear(&detail);
}

/* `pointer` is that of the object: "#", or "#/name" of one within the body. */
static bool has_only(struct jt_request *r, json_t *object, const struct jt_members *members,
                     const char *pointer)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        if (!is_among(key, members)) {
            refuse_unknown(r, members, pointer);
            return false;
        }
    }
    return true;
}

bool jt_members_only(struct jt_request *r, const struct jt_members *members)
{
    return has_only(r, r->json, members, "#");
}

/* Names of members need no escape in a pointer. */
static void refuse_at(struct jt_request *r, enum jt_problem_type problem, const char *detail,
                      const char *object, const struct jt_member *member)
{
    char pointer[80];
    (void)snprintf(pointer, sizeof pointer, "%s/%s", object, member->name);
    jt_request_answer_at(r, problem, detail, pointer);
}

static bool has_required(struct jt_request *r, json_t *object, const struct jt_members *members,
                         const char *pointer)
{
    for (size_t i = 0; i < members->n; i++) {
        if (members->all[i].required && json_object_get(object, members->all[i].name) == NULL) {
            char detail[JT_PROBLEM_DETAIL_MAX];
            (void)snprintf(detail, sizeof detail, "The body lacks the member %s.",
                           members->all[i].name);
            refuse_at(r, JT_PROBLEM_MISSING_MEMBER, detail, pointer, &members->all[i]);
            return false;
        }
    }
    return true;
}

static bool read_object(struct jt_request *r, json_t *object, const struct jt_members *members,
                        const char *pointer, void *out);

static bool take(struct jt_request *r, json_t *object, const struct jt_member *member,
                 const char *pointer, void *at)
{
    json_t *value = json_object_get(object, member->name);
    if (value == NULL) {
        if (member->kind == &jt_member_flag) {
            *(bool *)at = member->fallback;
        }
        return true;
    }
    if (!member->kind->take(member, value, at)) {
        char detail[JT_PROBLEM_DETAIL_MAX];
        (void)snprintf(detail, sizeof detail, "The member %s must be %s.", member->name,
                       member->must);
        refuse_at(r, JT_PROBLEM_INVALID_VALUE, detail, pointer, member);
        return false;
    }
    if (member->within == NULL) {
        return true;
    }
    char inner[80];
    (void)snprintf(inner, sizeof inner, "%s/%s", pointer, member->name);
    return read_object(r, value, member->within, inner, at);
}

static bool read_object(struct jt_request *r, json_t *object, const struct jt_members *members,
                        const char *pointer, void *out)
{
    bool good = has_only(r, object, members, pointer) && has_required(r, object, members, pointer);
    for (size_t i = 0; i < members->n && good; i++) {
        good = take(r, object, &members->all[i], pointer, (char *)out + members->all[i].offset);
    }
    return good;
}

bool jt_members_read(struct jt_request *r, const struct jt_members *members, void *out)
{
    return read_object(r, r->json, members, "#", out);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of a request's body, declared as a table: name, kind, bounds, whether it must be
 * there, and what it is without. The table is read here into a plain struct, and compared with
 * docs/openapi.json by a test.
 *
 * A refusal says which member it is about and what it must be. Names and rules are this program's
 * own; what the client sent is never repeated, since a member's name can be a card number as well.
 */
#ifndef JETON_API_MEMBERS_H
#define JETON_API_MEMBERS_H

#include <jansson.h>

#include <stdbool.h>
#include <stddef.h>

struct jt_member;
struct jt_request;

struct jt_member_kind {
    const char *schema; /* its type in OpenAPI */
    /* Takes the value to where the member stands; false: it is none. */
    bool (*take)(const struct jt_member *member, json_t *value, void *at);
};

extern const struct jt_member_kind jt_member_text;        /* char[size], with its NUL */
extern const struct jt_member_kind jt_member_flag;        /* bool */
extern const struct jt_member_kind jt_member_token;       /* uint8_t[JT_TOKEN_LEN], of any field */
extern const struct jt_member_kind jt_member_field_kind;  /* uint8_t: enum jt_field_kind */
extern const struct jt_member_kind jt_member_mask_digits; /* bool: 8, not 6 */
extern const struct jt_member_kind jt_member_object;      /* a struct */
/* uint32_t: of a query, how many of a list. */
extern const struct jt_member_kind jt_member_limit;
#define JT_LIST_LIMIT 1000
#define JT_LIMIT_MUST "a whole number from 1 to 1000"

struct jt_member {
    const char *name;
    const struct jt_member_kind *kind;
    size_t offset, size; /* in the struct: JT_MEMBER_AT */
    bool required;
    bool beside;   /* of an operation that takes one of several forms: it goes with each */
    bool fallback; /* of a flag that is absent; anything else is left as it is, zeroes */
    bool (*valid)(const char *text); /* of texts; NULL: any that has room */
    const char *must;                /* "The member x must be ...", without full stop */
    const struct jt_members *within; /* of jt_member_object: its own, read to where it stands */
};

struct jt_members {
    const struct jt_member *all;
    size_t n;
};

#define JT_MEMBERS(array)                           \
    {                                               \
        (array), sizeof(array) / sizeof((array)[0]) \
    }
#define JT_MEMBER_AT(type, member) \
    .offset = offsetof(type, member), .size = sizeof(((type *)0)->member)

/* For texts: a reason that is recorded for assessors, 1 byte or more without control characters. */
bool jt_text_is_reason(const char *text);
#define JT_REASON_MUST "a text of 1 to 127 bytes without control characters"

/* RFC 3339 section 5.6, a date that there is; or nothing. */
bool jt_text_is_time_or_empty(const char *text);
#define JT_TIME_MUST "a time as in 2026-11-01T00:00:00Z"

/*
 * Reads r->json (NULL: no body) into the struct `out`. False: something is wrong with it, and the
 * request is answered.
 */
bool jt_members_read(struct jt_request *r, const struct jt_members *members, void *out);

/* The first step of it alone: whether there are no members but these. */
bool jt_members_only(struct jt_request *r, const struct jt_members *members);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of a request's body: each refusal says which member it is about and what it must be.
 * Names and rules are this program's own; what the client sent is never repeated, since a member's
 * name can be a card number as well.
 *
 * Each function that finds something wrong answers the request.
 */
#ifndef JETON_API_MEMBERS_H
#define JETON_API_MEMBERS_H

#include "api/request.h"

/* Whether the body (which may be absent) has no members but the NULL-terminated `names`. */
bool jt_members_only(struct jt_request *r, const char *const *names);

/* The member `name`; NULL: it is not there. */
json_t *jt_members_need(struct jt_request *r, const char *name);

/* Refuses a value: `must` says what it must be, as in "a text of 1 to 127 printable characters". */
void jt_members_refuse(struct jt_request *r, const char *name, const char *must);

#endif

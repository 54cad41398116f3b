/* SPDX-License-Identifier: Apache-2.0 */
#include "client/cobolcards.h"

#include "client/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HTTP_FINE 200

/* The entries of one request. */
struct slice {
    size_t size;
    struct jeton_item *items;
    char (*values)[JETON_AREA_VALUE + 1];
};

/* What JETON itself finds wrong, and the words for it. */
static const struct {
    const char *reason, *message;
} words[] = {
    { "call-area", "The parameter is shorter than an area of JETON.cpy." },
    { "call-version", "The area does not begin as JETON.cpy has it. Was it initialized since?" },
    { "call-capacity", "The capacity is not the number of entries that the area has." },
    { "call-count", "The count is negative, or greater than the capacity." },
    { "call-function", "The function is none of OPEN, TOKN, DETK, MASK and CLOS." },
    { "call-field", "The name of the field is blank, or cannot be one." },
    { "call-length", "The length of a value is negative, or greater than 32." },
    { "config-url", "JETON_URL must be https, or http to a loopback address." },
    { "config-key", "JETON_KEY_FILE must name a file that is private and holds an API key." },
    { "config-retry", "JETON_RETRY_FOR must be a number of seconds, 86400 at most." },
    { "bad-answer", "What answers at JETON_URL is not Jeton." },
    { "not-in-time", "The server did not take all entries in time. Repeat the call." },
    { "out-of-memory", "This process has no memory left." },
};

void jeton_outcome_fail(struct jeton_outcome *o, int code, const char *reason)
{
    o->code = code;
    o->status = 0;
    snprintf(o->reason, sizeof o->reason, "%s", reason);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i].reason, reason) == 0) {
            snprintf(o->message, sizeof o->message, "%s", words[i].message);
        }
    }
}

/* A name of a problem comes from the server, and goes into the area: only what can be one does. */
static const char *problem_name(const char *problem)
{
    bool good =
        problem[0] != '\0' && strspn(problem, "abcdefghijklmnopqrstuvwxyz-") == strlen(problem);
    return good ? problem : "no-problem";
}

/* Why the client's call failed as a whole. */
static void explain(struct jeton_outcome *o, const struct jeton_client *c, enum jeton_status status)
{
    if (status == JETON_INVALID) {
        jeton_outcome_fail(o, JETON_AREA_CALL, "call-field");
        return;
    }
    bool refused = status == JETON_DENIED || status == JETON_REFUSED;
    if (c->http_status == 0) {
        jeton_outcome_fail(o, JETON_AREA_AWAY, "no-answer");
        snprintf(o->message, sizeof o->message, "No answer from the server: %.52s", c->error);
    } else if (c->http_status == HTTP_FINE) {
        jeton_outcome_fail(o, JETON_AREA_AWAY,
                           status == JETON_UNAVAILABLE ? "not-in-time" : "bad-answer");
    } else if (c->problem[0] == '\0' && status == JETON_UNAVAILABLE) {
        jeton_outcome_fail(o, JETON_AREA_AWAY, "no-answer");
        snprintf(o->message, sizeof o->message,
                 "No answer from the server; what stands before it says %ld", c->http_status);
    } else if (c->problem[0] == '\0') {
        jeton_outcome_fail(o, JETON_AREA_AWAY, "bad-answer");
    } else {
        jeton_outcome_fail(o, refused ? JETON_AREA_DENIED : JETON_AREA_AWAY,
                           problem_name(c->problem));
        snprintf(o->message, sizeof o->message, "The server refused the request: %s, status %ld",
                 o->reason, c->http_status);
    }
    o->status = (int)c->http_status;
}

/* Entries that have no outcome of their own have that of the call. */
void jeton_outcome_spread(const struct jeton_outcome *o, const struct jeton_area *area, size_t from,
                          size_t to)
{
    for (size_t i = from; i < to; i++) {
        jeton_area_outcome(area, i, o->code, o->status, o->reason);
    }
}

static void note_refusal(struct jeton_outcome *o, const struct jeton_area *area, size_t i,
                         const char *reason)
{
    if (o->refused++ > 0) {
        return;
    }
    o->first = i + 1;
    o->code = JETON_AREA_ITEMS;
    snprintf(o->reason, sizeof o->reason, "%s", reason);
    if (area->capacity == 1) {
        snprintf(o->message, sizeof o->message, "The server refused the value: %s", reason);
    }
}

/* False: the server gave what is no token, card number or masked one. */
static bool lay_down(const struct jeton_area *area, size_t i, const struct jeton_item *item,
                     struct jeton_outcome *o)
{
    if (item->status == HTTP_FINE) {
        bool good = jeton_area_result(area, i, item->out);
        jeton_area_outcome(area, i, JETON_AREA_GOOD, item->status, "");
        return good;
    }
    const char *reason = problem_name(item->problem);
    jeton_area_outcome(area, i, JETON_AREA_ITEMS, item->status, reason);
    note_refusal(o, area, i, reason);
    if (o->first == i + 1) {
        o->status = item->status;
    }
    return true;
}

/* One request, or several where the server is asked again. False: the call ends here. */
static bool do_slice(struct jeton_client *c, const struct jeton_area *area, const char *field,
                     jeton_verb verb, struct slice *s, size_t from, struct jeton_outcome *o)
{
    size_t n = area->count - from < JETON_COBOL_SLICE ? area->count - from : JETON_COBOL_SLICE;
    for (size_t i = 0; i < n; i++) {
        (void)jeton_area_value(area, from + i, s->values[i]);
        s->items[i].in = s->values[i];
    }
    enum jeton_status status = verb(c, field, s->items, n);
    struct jeton_outcome failed = { 0 };
    if (status != JETON_OK) {
        explain(&failed, c, status);
        jeton_outcome_spread(&failed, area, from, area->count);
    }
    for (size_t i = 0; i < n; i++) {
        if (s->items[i].status > 0 && !lay_down(area, from + i, &s->items[i], o)) {
            jeton_outcome_fail(&failed, JETON_AREA_AWAY, "bad-answer");
            jeton_outcome_spread(&failed, area, from + i, area->count);
            break;
        }
    }
    if (failed.code == JETON_AREA_GOOD) {
        return true;
    }
    failed.first = o->first;
    failed.refused = o->refused;
    *o = failed;
    return false;
}

static bool slice_init(struct slice *s, size_t count)
{
    s->size = count < JETON_COBOL_SLICE ? count : JETON_COBOL_SLICE;
    s->items = calloc(s->size, sizeof *s->items);
    s->values = calloc(s->size, sizeof *s->values);
    return s->items != NULL && s->values != NULL;
}

static void slice_clear(struct slice *s)
{
    if (s->items != NULL) {
        explicit_bzero(s->items, s->size * sizeof *s->items);
    }
    if (s->values != NULL) {
        explicit_bzero(s->values, s->size * sizeof *s->values);
    }
    free(s->items);
    free(s->values);
}

void jeton_cobol_cards(struct jeton_client *c, const struct jeton_area *area, jeton_verb verb,
                       struct jeton_outcome *o)
{
    char field[JETON_AREA_FIELD + 1];
    struct slice s = { 0 };
    jeton_area_field(area, field);
    if (area->count == 0) {
        return;
    }
    if (slice_init(&s, area->count)) {
        for (size_t from = 0; from < area->count; from += s.size) {
            if (!do_slice(c, area, field, verb, &s, from, o)) {
                break;
            }
        }
    } else {
        jeton_outcome_fail(o, JETON_AREA_AWAY, "out-of-memory");
        jeton_outcome_spread(o, area, 0, area->count);
    }
    slice_clear(&s);
    if (o->code == JETON_AREA_ITEMS && area->capacity > 1) {
        snprintf(o->message, sizeof o->message,
                 "%zu of %zu entries refused, of which the first is %zu", o->refused, area->count,
                 o->first);
    }
}

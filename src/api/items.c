/* SPDX-License-Identifier: Apache-2.0 */
#include "api/items.h"

#include "api/api.h"
#include "api/metrics.h"
#include "api/operation.h"
#include "base/jsonw.h"
#include "vault/brakes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct jt_item_slot {
    enum jt_problem_type problem; /* of the item's text; NONE: the good item `at` */
    uint32_t at;
    bool beside; /* `problem` is about the member beside */
};

/* One item or many, never both, never neither. */
static bool has_one_of(struct jt_request *r, const char *member)
{
    bool many = json_object_get(r->json, "items") != NULL;
    bool one = member != NULL ? json_object_get(r->json, member) != NULL
                              : json_object_size(r->json) > (size_t)many;
    if (one == many) {
        char detail[200];
        snprintf(detail, sizeof detail,
                 one ? "The body has both %s and items, of which it takes one."
                     : "The body lacks a member: it needs %s or items.",
                 member != NULL ? member : "the members of one item");
        jt_request_answer_at(r, JT_PROBLEM_MISSING_MEMBER, detail, "#");
    }
    return one != many;
}

bool jt_items_init(struct jt_items *items, struct jt_request *r, const struct jt_items_kind *kind)
{
    *items = (struct jt_items){ .request = r, .kind = kind };
    if (!jt_members_only(r, &r->route->operation->members) || !has_one_of(r, kind->member)) {
        return false;
    }
    json_t *many = json_object_get(r->json, "items");
    long max = r->api->vault->conf->front_max_items;
    items->single = many == NULL;
    items->n = many == NULL ? 1 : json_array_size(many); /* 0 for what is no array */
    if (items->n == 0 || items->n > (size_t)max) {
        char detail[200];
        snprintf(detail, sizeof detail, "The member items must be an array of 1 to %ld objects.",
                 max);
        jt_request_answer_at(r,
                             items->n == 0 ? JT_PROBLEM_INVALID_VALUE : JT_PROBLEM_TOO_MANY_ITEMS,
                             detail, "#/items");
        return false;
    }
    items->slots = calloc(items->n, sizeof *items->slots);
    if (items->slots == NULL) {
        jt_request_answer_err(r, JT_ERR_NOMEM);
    }
    return items->slots != NULL;
}

bool jt_items_flag(const struct jt_items *items, const char *name, bool *flag)
{
    const json_t *value = json_object_get(items->request->json, name);
    char detail[80], pointer[40];
    *flag = json_is_true(value);
    if (value == NULL || json_is_boolean(value)) {
        return true;
    }
    (void)snprintf(detail, sizeof detail, "The member %s must be true or false.", name);
    (void)snprintf(pointer, sizeof pointer, "#/%s", name);
    jt_request_answer_at(items->request, JT_PROBLEM_INVALID_VALUE, detail, pointer);
    return false;
}

void jt_items_clear(struct jt_items *items)
{
    free(items->slots);
    items->slots = NULL;
}

static void take(struct jt_items *items, struct jt_item_slot *slot, json_t *value)
{
    items->beside_faulty = false;
    slot->problem = items->kind->take(items, items->n_good, value);
    slot->beside = items->beside_faulty;
    if (slot->problem == JT_PROBLEM_NONE) {
        slot->at = (uint32_t)items->n_good++;
    }
}

/* What take() gets of an item; NULL when the item is not an object of the right form. */
static json_t *value_of(struct jt_items *items, json_t *item)
{
    const char *member = items->kind->member, *beside = items->kind->beside;
    items->beside = beside == NULL ? NULL : json_object_get(item, beside);
    if (member == NULL) {
        return json_is_object(item) ? item : NULL;
    }
    return json_object_size(item) == 1u + (items->beside != NULL) ? json_object_get(item, member)
                                                                  : NULL;
}

void jt_items_take(struct jt_items *items)
{
    struct jt_request *r = items->request;
    json_t *many = json_object_get(r->json, "items");
    if (items->single) {
        take(items, &items->slots[0],
             items->kind->member == NULL ? r->json : json_object_get(r->json, items->kind->member));
    }
    for (size_t i = 0; i < items->n && !items->single; i++) {
        items->place = i;
        json_t *value = value_of(items, json_array_get(many, i));
        if (value == NULL) {
            items->slots[i].problem = JT_PROBLEM_MALFORMED_ITEM;
        } else {
            take(items, &items->slots[i], value);
        }
    }
    json_decref(r->json);
    r->json = NULL;
}

static enum jt_problem_type outcome(const struct jt_items *items, const struct jt_item_slot *slot)
{
    return slot->problem != JT_PROBLEM_NONE ? slot->problem : items->kind->outcome(items, slot->at);
}

/*
 * When every good item failed for one reason with status 503, the whole answer is that problem,
 * with its Retry-After if it has one: the client has one thing to do.
 */
static enum jt_problem_type common_failure(const struct jt_items *items)
{
    enum jt_problem_type first =
        items->n_good == 0 ? JT_PROBLEM_NONE : items->kind->outcome(items, 0);
    if (jt_problem_status(first) != 503) {
        return JT_PROBLEM_NONE;
    }
    for (size_t i = 1; i < items->n_good; i++) {
        if (items->kind->outcome(items, i) != first) {
            return JT_PROBLEM_NONE;
        }
    }
    return first;
}

/* An item whose text is at fault: which, and which member of it. */
static void write_bad(const struct jt_items *items, size_t i, struct jt_buf *out)
{
    char pointer[80];
    enum jt_problem_type problem = items->slots[i].problem;
    if (problem == JT_PROBLEM_MALFORMED_ITEM || items->kind->member == NULL) {
        (void)snprintf(pointer, sizeof pointer, "#/items/%zu", i);
    } else {
        (void)snprintf(pointer, sizeof pointer, "#/items/%zu/%s", i,
                       items->slots[i].beside ? items->kind->beside : items->kind->member);
    }
    jt_problem_write_item_at(problem, pointer, out);
}

static void answer_single(struct jt_items *items)
{
    struct jt_request *r = items->request;
    enum jt_problem_type problem = outcome(items, &items->slots[0]);
    if (items->slots[0].problem != JT_PROBLEM_NONE) {
        char pointer[40];
        (void)snprintf(pointer, sizeof pointer, items->kind->member == NULL ? "#%s" : "#/%s",
                       items->kind->member == NULL ? "" : items->kind->member);
        jt_request_answer_at(r, problem, jt_problem_detail(problem), pointer);
        return;
    }
    if (problem != JT_PROBLEM_NONE) {
        jt_request_answer_problem(r, problem);
        if (problem == JT_PROBLEM_GUESS_BRAKE) {
            jt_request_retry_after(r, jt_brakes_day_left_s());
        }
        return;
    }
    struct jt_buf *out = &r->http.answer.body;
    jt_jsonw_open(out);
    items->kind->write(items, 0, out);
    jt_jsonw_close(out);
    jt_request_answer_reply(r, 200);
}

static void count_items(const struct jt_items *items)
{
    const struct jt_request *r = items->request;
    if (!jt_request_wanted(r)) {
        return; /* some may not even have been begun */
    }
    for (size_t i = 0; i < items->n; i++) {
        jt_metrics_item(r->api->metrics, r->route, outcome(items, &items->slots[i]));
    }
}

void jt_items_answer(struct jt_items *items)
{
    struct jt_request *r = items->request;
    count_items(items);
    enum jt_problem_type failure = common_failure(items);
    if (failure != JT_PROBLEM_NONE) {
        jt_request_answer_problem(r, failure);
        return;
    }
    if (items->single) {
        answer_single(items);
        return;
    }
    /* Not a tree of Jansson's: these are the busiest lines of the product. */
    struct jt_buf *out = &r->http.answer.body;
    jt_jsonw_open(out);
    jt_jsonw_array(out, "results");
    for (size_t i = 0; i < items->n; i++) {
        const struct jt_item_slot *slot = &items->slots[i];
        enum jt_problem_type problem = outcome(items, slot);
        if (slot->problem != JT_PROBLEM_NONE) {
            write_bad(items, i, out);
        } else if (problem == JT_PROBLEM_NONE) {
            jt_jsonw_open(out);
            jt_jsonw_int(out, "status", 200);
            items->kind->write(items, slot->at, out);
            jt_jsonw_close(out);
        } else {
            jt_problem_write_item(problem, out);
        }
    }
    jt_jsonw_array_end(out);
    jt_jsonw_close(out);
    jt_request_answer_reply(r, 200);
}

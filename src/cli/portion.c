/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/portion.h"

#include "pan/pan.h"

#include <stdlib.h>
#include <string.h>

#define MAX_RAW     (4u << 20) /* bytes of records in one portion, one record more */
#define MAX_VALUE   100        /* longer values are refused here: no card number or token is */
#define MAX_TEXTS   (1u << 20) /* bytes of values in one portion, those of one record more */
#define MAX_RESULTS (2u << 20)
#define MAX_OTHER   64    /* headers and blank lines in one portion */
#define MAX_ITEMS   10000 /* that a server takes in a request, by itself */

enum jt_err jt_portion_init(struct jt_portion *b, const struct jt_portion_rules *rules)
{
    size_t max_values = rules->max_records * JT_RECORD_MAX_VALUES;
    *b = (struct jt_portion){ .rules = rules };
    b->max_values = max_values < MAX_ITEMS ? max_values : MAX_ITEMS;
    jt_buf_init(&b->raw, MAX_RAW + JT_RECORD_MAX);
    jt_buf_init(&b->texts, MAX_TEXTS + JT_RECORD_MAX_VALUES * MAX_VALUE);
    jt_buf_init(&b->results, MAX_RESULTS);
    jt_buf_init(&b->request, MAX_RESULTS);
    b->records = calloc(rules->max_records + MAX_OTHER, sizeof *b->records);
    b->values = calloc(b->max_values, sizeof *b->values);
    return b->records == NULL || b->values == NULL ? JT_ERR_NOMEM : JT_OK;
}

void jt_portion_clear(struct jt_portion *b)
{
    jt_buf_clear(&b->raw);
    jt_buf_clear(&b->texts);
    jt_buf_clear(&b->results);
    jt_buf_clear(&b->request);
    free(b->records);
    free(b->values);
    *b = (struct jt_portion){ 0 };
}

void jt_portion_reset(struct jt_portion *b)
{
    jt_buf_reset(&b->raw);
    jt_buf_reset(&b->texts);
    jt_buf_reset(&b->results);
    jt_buf_reset(&b->request);
    b->n_records = 0;
    b->n_counted = 0;
    b->n_values = 0;
    b->n_pending = 0;
    b->spills = false;
}

bool jt_portion_has_room(const struct jt_portion *b)
{
    return b->n_counted < b->rules->max_records &&
           b->n_records < b->rules->max_records + MAX_OTHER && b->raw.len < MAX_RAW &&
           b->texts.len < MAX_TEXTS && b->n_values + JT_RECORD_MAX_VALUES <= b->max_values;
}

/* Whether a value can be put into a JSON string after escaping quote and backslash. */
static bool is_plain(const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (value[i] < 0x20 || value[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

static void reject(struct jt_portion_value *v, enum jt_message reason)
{
    v->state = JT_VALUE_REJECTED;
    v->reason = (uint16_t)reason;
}

/* What becomes of a value before the server is asked. */
static void look_at(struct jt_portion *b, struct jt_portion_value *v,
                    const struct jt_record_value *from)
{
    const struct jt_portion_rules *rules = b->rules;
    const struct jt_direction *direction = rules->direction;
    if (from->fault != JT_MSG_NONE) {
        reject(v, from->fault);
    } else if (from->text_len == 0) {
        v->state = JT_VALUE_BLANK;
        if (!rules->blank_passes) {
            reject(v, JT_MSG_BLANK);
        }
    } else if (from->text_len > MAX_VALUE || !is_plain(from->text, from->text_len)) {
        reject(v, direction->fault(from->text, from->text_len));
    } else if (direction->make != NULL) {
        char made[JT_PAN_MAX_DIGITS + 1];
        size_t made_len = 0;
        enum jt_message fault = direction->make(from->text, from->text_len, made, &made_len);
        v->state = JT_VALUE_DONE;
        v->result_at = (uint32_t)b->results.len;
        v->result_len = (uint16_t)made_len;
        jt_buf_put(&b->results, made, made_len);
        if (fault != JT_MSG_NONE) {
            reject(v, fault);
        }
    } else if (rules->tokens_pass && jt_tally_is_opaque(from->text, from->text_len)) {
        v->state = JT_VALUE_ASK;
    } else {
        v->state = JT_VALUE_READY;
        v->main = true;
    }
}

static void add_value(struct jt_portion *b, const struct jt_record_value *from, size_t raw_at)
{
    struct jt_portion_value *v = &b->values[b->n_values++];
    *v = (struct jt_portion_value){ .at = (uint32_t)(raw_at + from->at),
                                    .len = (uint32_t)from->len,
                                    .text_at = (uint32_t)b->texts.len,
                                    .place = from->place,
                                    .field = b->rules->field_of_place[from->place] };
    if (from->fault == JT_MSG_NONE && from->text_len > 0) {
        v->weight = jt_tally_weight(from->text, from->text_len);
    }
    look_at(b, v, from);
    if (v->state == JT_VALUE_READY || v->state == JT_VALUE_ASK) {
        v->text_len = (uint32_t)from->text_len;
        jt_buf_put(&b->texts, from->text, from->text_len);
    }
}

enum jt_err jt_portion_add(struct jt_portion *b, const struct jt_record *record)
{
    struct jt_portion_record *r = &b->records[b->n_records++];
    *r = (struct jt_portion_record){ .number = record->number,
                                     .raw_at = (uint32_t)b->raw.len,
                                     .raw_len = (uint32_t)record->raw_len,
                                     .first_value = (uint32_t)b->n_values,
                                     .passed = record->kind == JT_RECORD_PASSED };
    b->n_counted += record->number != 0;
    b->end = record->end;
    if (record->kind == JT_RECORD_TOO_LONG) {
        r->raw_len = 0;
        r->fault = (uint16_t)record->fault;
        b->spills = true;
        return JT_OK;
    }
    jt_buf_put(&b->raw, record->raw, record->raw_len);
    if (record->kind == JT_RECORD_FAULTY) {
        r->fault = (uint16_t)record->fault;
    } else if (record->kind == JT_RECORD_DATA) {
        for (size_t i = 0; i < record->n_values; i++) {
            add_value(b, &record->values[i], r->raw_at);
        }
        r->n_values = (uint32_t)record->n_values;
    }
    enum jt_err err[] = { jt_buf_status(&b->raw), jt_buf_status(&b->texts),
                          jt_buf_status(&b->results) };
    return err[0] != JT_OK ? err[0] : err[1] != JT_OK ? err[1] : err[2];
}

/* --- steps --- */

size_t jt_portion_field(const struct jt_portion *b)
{
    return b->step / 2;
}

bool jt_portion_asks(const struct jt_portion *b)
{
    return b->step % 2 == 1;
}

/* Whether the value has no answer in the present step. */
static bool is_pending(const struct jt_portion *b, const struct jt_portion_value *v)
{
    return v->field == jt_portion_field(b) &&
           v->state == (jt_portion_asks(b) ? JT_VALUE_ASK : JT_VALUE_READY);
}

static bool find_step(struct jt_portion *b)
{
    for (; b->step < 2 * b->rules->n_fields; b->step++) {
        b->n_pending = 0;
        for (size_t i = 0; i < b->n_values; i++) {
            b->n_pending += is_pending(b, &b->values[i]);
        }
        if (b->n_pending > 0) {
            return true;
        }
    }
    return false;
}

bool jt_portion_begin(struct jt_portion *b)
{
    b->step = 0;
    return find_step(b);
}

bool jt_portion_advance(struct jt_portion *b)
{
    b->step++;
    return find_step(b);
}

static void put_text(struct jt_buf *out, const char *text)
{
    jt_buf_put(out, text, strlen(text));
}

static void put_value(struct jt_buf *out, const uint8_t *value, size_t len)
{
    if (memchr(value, '"', len) == NULL && memchr(value, '\\', len) == NULL) {
        jt_buf_put(out, value, len);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        if (value[i] == '"' || value[i] == '\\') {
            jt_buf_u8(out, '\\');
        }
        jt_buf_u8(out, value[i]);
    }
}

/*
 * Of what stores cards the same values are sent each time; of what reads only those that have no
 * answer yet.
 */
static bool is_to_be_asked(const struct jt_portion *b, const struct jt_portion_value *v)
{
    bool same_again = b->rules->direction->stores && !jt_portion_asks(b);
    return same_again ? v->main && v->field == jt_portion_field(b) : is_pending(b, v);
}

/* What stands before the items. Whether a value is a token is told with masked numbers as well. */
static void put_head(struct jt_buf *out, const struct jt_portion_rules *rules, size_t field,
                     bool asks)
{
    put_text(out, "{");
    if (rules->news[field] == JT_NEWS_ASKED && !asks) {
        put_text(out, "\"tell_new\":true,");
    }
    if (asks || rules->direction->masked) {
        put_text(out, "\"masked\":true,");
    }
    if (rules->expires_at != NULL && !asks) {
        put_text(out, "\"expires_at\":\"");
        put_text(out, rules->expires_at);
        put_text(out, "\",");
    }
    put_text(out, "\"items\":[");
}

enum jt_err jt_portion_make_request(struct jt_portion *b)
{
    bool asks = jt_portion_asks(b);
    const char *member = asks ? jt_direction_detokenize.member_in : b->rules->direction->member_in;
    struct jt_buf *out = &b->request;
    jt_buf_reset(out);
    put_head(out, b->rules, jt_portion_field(b), asks);
    b->n_asked = 0;
    for (size_t i = 0; i < b->n_values; i++) {
        struct jt_portion_value *v = &b->values[i];
        v->asked = is_to_be_asked(b, v);
        if (!v->asked) {
            continue;
        }
        put_text(out, b->n_asked++ == 0 ? "{\"" : ",{\"");
        put_text(out, member);
        put_text(out, "\":\"");
        put_value(out, b->texts.data + v->text_at, v->text_len);
        put_text(out, "\"}");
    }
    put_text(out, "]}");
    return jt_buf_status(out);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Portions: the digest of what was read, and the records written out again. */
#include "base/secmem.h"
#include "cli/portion.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Headers and blank lines are no records. */
static bool is_counted(const struct jt_portion_record *r)
{
    return r->number != 0 || r->fault != JT_MSG_NONE;
}

enum jt_err jt_portion_digest(const struct jt_portion *b, struct jt_prefix *prefix,
                              struct jt_tally *tally)
{
    for (size_t i = 0; i < b->n_records; i++) {
        const struct jt_portion_record *r = &b->records[i];
        if (r->fault != JT_MSG_NONE) {
            jt_prefix_put(prefix, NULL, r->raw_len);
        }
        size_t at = r->raw_at;
        for (size_t j = r->first_value; j < r->first_value + r->n_values; j++) {
            const struct jt_portion_value *v = &b->values[j];
            jt_prefix_put(prefix, b->raw.data + at, v->at - at);
            jt_prefix_value(prefix, v->len, v->weight);
            jt_tally_add(&tally->fields[v->field].total_in, v->weight);
            at = v->at + v->len;
        }
        if (r->fault == JT_MSG_NONE) {
            jt_prefix_put(prefix, b->raw.data + at, r->raw_at + r->raw_len - at);
        }
        tally->n_read += is_counted(r);
    }
    return JT_OK;
}

void jt_portion_trailer(enum jt_message reason, uint64_t record, char out[static JT_TRAILER_LEN])
{
    char line[JT_TRAILER_LEN + 1];
    uint64_t ten_digits = UINT64_C(10000000000);
    snprintf(line, sizeof line, "%s %10" PRIu64 " %-60.60s", jt_message_id(reason),
             record % ten_digits, jt_message_text(reason));
    memcpy(out, line, JT_TRAILER_LEN);
}

/* Puts the record together; the reason why it cannot be, or JT_MSG_NONE. */
static enum jt_message put_record(const struct jt_portion *b, const struct jt_portion_record *r,
                                  struct jt_buf *out)
{
    const uint8_t *raw = b->raw.data;
    size_t at = r->raw_at;
    for (size_t i = r->first_value; i < r->first_value + r->n_values; i++) {
        const struct jt_portion_value *v = &b->values[i];
        if (v->state == JT_VALUE_REJECTED) {
            return (enum jt_message)v->reason;
        }
        if (v->state != JT_VALUE_DONE) {
            continue;
        }
        jt_buf_put(out, raw + at, v->at - at);
        enum jt_err err =
            jt_format_put(b->rules->format, v->place, raw + v->at, v->len,
                          (const char *)b->results.data + v->result_at, v->result_len, out);
        if (err != JT_OK) {
            return err == JT_ERR_NOMEM   ? JT_MSG_NO_MEMORY
                   : err == JT_ERR_LIMIT ? JT_MSG_TOO_WIDE
                                         : JT_MSG_WRONG_CLASS;
        }
        at = v->at + v->len;
    }
    jt_buf_put(out, raw + at, r->raw_at + r->raw_len - at);
    return JT_MSG_NONE;
}

static void count_values(const struct jt_portion *b, const struct jt_portion_record *r,
                         bool rejected, struct jt_tally *tally)
{
    for (size_t i = r->first_value; i < r->first_value + r->n_values; i++) {
        const struct jt_portion_value *v = &b->values[i];
        struct jt_tally_field *field = &tally->fields[v->field];
        jt_tally_add(rejected ? &field->total_rejected : &field->total_kept, v->weight);
        if (rejected) {
            field->n_new_rejected += v->told && v->is_new;
            continue;
        }
        field->n_new += v->told && v->is_new;
        field->n_known += v->told && !v->is_new;
        field->n_replaced += v->state == JT_VALUE_DONE;
        field->n_blank += v->state == JT_VALUE_BLANK;
        field->n_tokens += v->state == JT_VALUE_TOKEN;
        const char *result = (const char *)b->results.data + v->result_at;
        jt_tally_add(&field->total_out, v->state == JT_VALUE_DONE
                                            ? jt_tally_weight(result, v->result_len)
                                            : v->weight);
    }
}

/* Whether a value of the record was replaced. */
static bool is_changed(const struct jt_portion *b, const struct jt_portion_record *r)
{
    for (size_t i = r->first_value; i < r->first_value + r->n_values; i++) {
        if (b->values[i].state == JT_VALUE_DONE) {
            return true;
        }
    }
    return false;
}

static enum jt_err write_one(const struct jt_portion *b, const struct jt_portion_record *r,
                             struct jt_buf *out, struct jt_buf *rejects, struct jt_tally *tally)
{
    size_t before = out->len;
    enum jt_message reason = (enum jt_message)r->fault;
    if (reason == JT_MSG_NONE) {
        reason = put_record(b, r, out);
    }
    if (reason == JT_MSG_NO_MEMORY) {
        return JT_ERR_NOMEM;
    }
    count_values(b, r, reason != JT_MSG_NONE, tally);
    if (reason == JT_MSG_NONE) {
        bool changed = is_changed(b, r);
        tally->n_other += !is_counted(r);
        tally->n_written += is_counted(r) && changed;
        tally->n_passed += is_counted(r) && !changed;
        return jt_buf_status(out);
    }
    char trailer[JT_TRAILER_LEN];
    if (out->len > before) { /* what was put together of it */
        jt_wipe(out->data + before, out->len - before);
        out->len = before;
    }
    tally->n_rejected++;
    tally->reasons[reason]++;
    if (b->spills && r == &b->records[b->n_records - 1]) {
        return JT_OK; /* its bytes are in the source yet */
    }
    jt_portion_trailer(reason, r->number, trailer);
    return jt_format_put_reject(b->rules->format, b->raw.data + r->raw_at, r->raw_len, trailer,
                                rejects);
}

enum jt_err jt_portion_write(struct jt_portion *b, struct jt_buf *out, struct jt_buf *rejects,
                             struct jt_tally *tally)
{
    enum jt_err err = JT_OK;
    for (size_t i = 0; i < b->n_records && err == JT_OK; i++) {
        err = write_one(b, &b->records[i], out, rejects, tally);
    }
    if (err == JT_OK) {
        err = jt_buf_status(out) != JT_OK ? jt_buf_status(out) : jt_buf_status(rejects);
    }
    return err;
}

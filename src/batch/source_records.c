/* SPDX-License-Identifier: Apache-2.0 */
/* Records of fixed form: all of one length, or behind a record descriptor word each. */
#include "batch/source_parts.h"

#include "batch/plan.h"
#include "batch/trouble.h"

/* That `len` bytes are in the window. JT_ERR_NO_RECORD: the input ends where the record begins. */
static enum jt_err need(struct jt_record_source *s, size_t len, struct jt_trouble *trouble)
{
    while (jt_inlet_left(&s->in) < len) {
        size_t left = jt_inlet_left(&s->in);
        if (s->in.end_of_file) {
            return left == 0 ? JT_ERR_NO_RECORD
                             : jt_trouble_set(trouble, JT_MSG_RECORD_PART, 0, 0,
                                              "record %llu, at byte %llu: %zu bytes of %zu",
                                              (unsigned long long)s->number + 1,
                                              (unsigned long long)s->consumed, left, len);
        }
        enum jt_err err = jt_inlet_more(&s->in, trouble);
        if (err != JT_OK) {
            return err;
        }
    }
    return JT_OK;
}

static enum jt_err bad_rdw(const struct jt_record_source *s, const char *what, unsigned length,
                           struct jt_trouble *trouble)
{
    return jt_trouble_set(
        trouble, JT_MSG_RDW_BAD, 0, 0, "record %llu, at byte %llu: its length of %u %s",
        (unsigned long long)s->number + 1, (unsigned long long)s->consumed, length, what);
}

/*
 * The length in a record descriptor word, which counts itself (z/OS DFSMS Using Data Sets,
 * "Variable-Length Record Formats"). The two bytes behind it are those of spanned records.
 */
static enum jt_err rdw_length(struct jt_record_source *s, size_t *out, struct jt_trouble *trouble)
{
    enum jt_err err = need(s, JT_RDW_LEN, trouble);
    if (err != JT_OK) {
        return err;
    }
    const uint8_t *p = (const uint8_t *)jt_inlet_text(&s->in);
    unsigned length = (unsigned)p[0] << 8 | p[1];
    if (p[2] != 0 || p[3] != 0) {
        return bad_rdw(s, "is of a spanned record, or of no record", length, trouble);
    }
    if (length < JT_RDW_LEN) {
        return bad_rdw(s, "is less than its own four bytes", length, trouble);
    }
    if (length > s->format->records->lrecl) {
        return bad_rdw(s, "is more than LRECL", length, trouble);
    }
    *out = length;
    return JT_OK;
}

static void read_spots(struct jt_record_source *s, struct jt_record *out,
                       const struct jt_spot *spots, size_t n, size_t head)
{
    const struct jt_record_plan *plan = s->format->records;
    for (size_t i = 0; i < n; i++) {
        const struct jt_datum *datum = spots[i].datum;
        struct jt_record_value *value = &out->values[i];
        if (datum->len > out->raw_len - head || spots[i].at > out->raw_len - head - datum->len) {
            out->kind = JT_RECORD_FAULTY;
            out->fault = JT_MSG_RECORD_SHORT;
            return;
        }
        size_t before = s->decoded.len;
        value->at = head + spots[i].at;
        value->len = datum->len;
        value->place = spots[i].place;
        value->fault = jt_datum_read(datum, &plan->codepage, out->raw + value->at, &s->decoded);
        value->text = (const char *)s->decoded.data + before;
        value->text_len = s->decoded.len - before;
    }
    out->n_values = n;
}

/* Where conditions choose, or tables move what stands behind them. */
static void read_chosen(struct jt_record_source *s, struct jt_record *out, size_t head)
{
    struct jt_spot spots[JT_RECORD_MAX_VALUES];
    size_t n;
    bool chosen;
    out->fault =
        jt_plan_spots(s->format->records, out->raw + head, out->raw_len - head, spots, &n, &chosen);
    if (out->fault != JT_MSG_NONE) {
        out->kind = JT_RECORD_FAULTY;
    } else if (!chosen) {
        out->kind = JT_RECORD_PASSED;
    } else {
        read_spots(s, out, spots, n, head);
    }
}

enum jt_err jt_source_records_next(struct jt_record_source *s, struct jt_record *out,
                                   struct jt_trouble *trouble)
{
    const struct jt_record_plan *plan = s->format->records;
    size_t head = plan->recfm == JT_RECFM_VB ? JT_RDW_LEN : 0, len = plan->lrecl;
    enum jt_err err = head == 0 ? JT_OK : rdw_length(s, &len, trouble);
    if (err == JT_OK) {
        err = need(s, len, trouble);
    }
    if (err == JT_OK) {
        /* Pointers into it must stay where they are. */
        err = jt_buf_reserve(&s->decoded, 3 * len + JT_RECORD_MAX_VALUES * 32);
    }
    if (err != JT_OK) {
        return err;
    }
    out->kind = JT_RECORD_DATA;
    out->fault = JT_MSG_NONE;
    out->raw = (const uint8_t *)jt_inlet_text(&s->in);
    out->raw_len = len;
    out->n_values = 0;
    if (plan->n_conditions == 0 && !plan->varies) {
        read_spots(s, out, plan->spots, plan->n_spots, head);
    } else {
        read_chosen(s, out, head);
    }
    s->in.at += len;
    s->consumed += len;
    out->number = out->line = ++s->number;
    out->end = s->consumed;
    return JT_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/ring.h"

#include "wire/frame.h"
#include "wire/text.h"

#include <string.h>

#define RING_FORMAT 2

enum { COMPROMISED = 1 << 0 };

/* of the reply to RING_ACCEPT */
enum { JOINED = 1 << 0 };

void jt_ring_encode(const struct jt_ring *ring, struct jt_buf *out)
{
    jt_buf_u8(out, RING_FORMAT);
    jt_buf_u8(out, ring->development ? JT_ENVIRONMENT_DEVELOPMENT : JT_ENVIRONMENT_PRODUCTION);
    jt_buf_u64(out, ring->epoch);
    jt_buf_u64(out, ring->highest);
    jt_buf_put(out, ring->root_check_value, sizeof ring->root_check_value);
    jt_buf_u16(out, ring->n);
    for (size_t i = 0; i < ring->n; i++) {
        const struct jt_ring_entry *e = &ring->entries[i];
        jt_buf_u64(out, e->number);
        jt_buf_u8(out, e->key_id);
        jt_buf_u8(out, e->state);
        jt_buf_u8(out, e->compromised ? COMPROMISED : 0);
        jt_buf_put(out, e->check_value, sizeof e->check_value);
    }
}

static bool decode(struct jt_reader *in, struct jt_ring *out)
{
    uint8_t format = jt_reader_u8(in);
    uint8_t environment = jt_reader_u8(in);
    out->development = environment == JT_ENVIRONMENT_DEVELOPMENT;
    out->epoch = jt_reader_u64(in);
    out->highest = jt_reader_u64(in);
    jt_reader_copy(in, out->root_check_value, sizeof out->root_check_value);
    out->n = jt_reader_u16(in);
    if (format != RING_FORMAT || (!out->development && environment != JT_ENVIRONMENT_PRODUCTION) ||
        out->n > JT_RING_MAX) {
        return false;
    }
    for (size_t i = 0; i < out->n; i++) {
        struct jt_ring_entry *e = &out->entries[i];
        e->number = jt_reader_u64(in);
        e->key_id = jt_reader_u8(in);
        e->state = jt_reader_u8(in);
        uint8_t flags = jt_reader_u8(in);
        e->compromised = (flags & COMPROMISED) != 0;
        jt_reader_copy(in, e->check_value, sizeof e->check_value);
        if (in->bad || (flags & ~COMPROMISED) != 0) {
            return false;
        }
    }
    return jt_reader_done(in) && jt_ring_valid(out);
}

enum jt_err jt_ring_decode(const void *body, size_t len, struct jt_ring *out)
{
    *out = (struct jt_ring){ 0 };
    struct jt_reader in = jt_reader_init(body, len);
    if (!decode(&in, out)) {
        *out = (struct jt_ring){ 0 };
        return JT_ERR_INVALID;
    }
    return JT_OK;
}

void jt_ring_row_encode(const struct jt_ring_row *row, struct jt_buf *out)
{
    if (row->body_len > JT_RING_BODY_MAX) {
        out->err = JT_ERR_LIMIT;
        return;
    }
    jt_buf_u64(out, row->epoch);
    jt_buf_u16(out, (uint16_t)row->body_len);
    jt_buf_put(out, row->body, row->body_len);
    jt_buf_put(out, row->mac, sizeof row->mac);
}

enum jt_err jt_ring_row_decode(struct jt_reader *in, struct jt_ring_row *row)
{
    *row = (struct jt_ring_row){ .epoch = jt_reader_u64(in) };
    size_t len = jt_reader_u16(in);
    if (len > JT_RING_BODY_MAX) {
        in->bad = true;
        return JT_ERR_PROTOCOL;
    }
    jt_reader_copy(in, row->body, len);
    jt_reader_copy(in, row->mac, sizeof row->mac);
    row->body_len = in->bad ? 0 : len;
    return in->bad ? JT_ERR_PROTOCOL : JT_OK;
}

void jt_ring_propose_encode(const struct jt_ring_propose *propose, struct jt_buf *out)
{
    jt_ring_row_encode(&propose->current, out);
    jt_generation_row_encode(&propose->generation, out);
    jt_buf_u8(out, propose->step);
    if (propose->step == JT_RING_DESTROY) {
        jt_buf_u64(out, propose->system_identifier);
        jt_buf_u32(out, propose->timeline);
    }
}

enum jt_err jt_ring_propose_decode(struct jt_reader *in, struct jt_ring_propose *propose)
{
    enum jt_err err = jt_ring_row_decode(in, &propose->current);
    if (err == JT_OK) {
        err = jt_generation_row_decode(in, &propose->generation);
    }
    propose->step = jt_reader_u8(in);
    propose->system_identifier = 0;
    propose->timeline = 0;
    if (propose->step == JT_RING_DESTROY) {
        propose->system_identifier = jt_reader_u64(in);
        propose->timeline = jt_reader_u32(in);
    }
    return err == JT_OK ? jt_wire_end(in) : err;
}

void jt_ring_proposal_encode(const struct jt_ring_proposal *proposal, struct jt_buf *out)
{
    jt_ring_row_encode(&proposal->next, out);
    jt_buf_u8(out, (uint8_t)proposal->n_rows);
    for (size_t i = 0; i < proposal->n_rows && i < 2; i++) {
        jt_generation_row_encode(&proposal->rows[i], out);
    }
}

enum jt_err jt_ring_proposal_decode(struct jt_reader *in, struct jt_ring_proposal *proposal)
{
    enum jt_err err = jt_ring_row_decode(in, &proposal->next);
    proposal->n_rows = jt_reader_u8(in);
    if (err != JT_OK || proposal->n_rows < 1 || proposal->n_rows > 2) {
        proposal->n_rows = 0;
        return JT_ERR_PROTOCOL;
    }
    for (size_t i = 0; i < proposal->n_rows && err == JT_OK; i++) {
        err = jt_generation_row_decode(in, &proposal->rows[i]);
    }
    return err == JT_OK ? jt_wire_end(in) : err;
}

void jt_ring_shown_encode(const struct jt_ring_shown *shown, struct jt_buf *out)
{
    jt_ring_row_encode(&shown->row, out);
    if (shown->has_course) {
        jt_course_encode(&shown->course, out);
    }
}

enum jt_err jt_ring_shown_decode(struct jt_reader *in, struct jt_ring_shown *shown)
{
    memset(shown, 0, sizeof *shown);
    enum jt_err err = jt_ring_row_decode(in, &shown->row);
    shown->has_course = err == JT_OK && in->left > 0;
    if (shown->has_course) {
        err = jt_course_decode(in, &shown->course);
    }
    return err == JT_OK ? jt_wire_end(in) : err;
}

void jt_ring_accepted_encode(bool joined, struct jt_buf *out)
{
    jt_buf_u8(out, joined ? JOINED : 0);
}

enum jt_err jt_ring_accepted_decode(struct jt_reader *in, bool *joined)
{
    *joined = (jt_wire_flags_decode(in, JOINED) & JOINED) != 0;
    return jt_wire_end(in);
}

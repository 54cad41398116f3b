/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/audit.h"

#include "wire/text.h"

#include <string.h>

void jt_audit_link_pack(const struct jt_audit_link *link, uint8_t out[static JT_AUDIT_LINK_LEN])
{
    jt_put_u32(out, link->start);
    jt_put_u16(out + 4, link->connection);
    jt_put_u64(out + 6, link->number);
    memcpy(out + 14, link->previous, sizeof link->previous);
    memcpy(out + 14 + sizeof link->previous, link->digest, sizeof link->digest);
}

void jt_audit_ends_encode(const struct jt_audit_end *ends, size_t n, struct jt_buf *out)
{
    jt_buf_u16(out, (uint16_t)n);
    for (size_t i = 0; i < n; i++) {
        uint8_t *p = jt_buf_append(out, JT_AUDIT_END_LEN);
        if (p != NULL) {
            jt_audit_end_pack(&ends[i], p);
        }
    }
}

enum jt_err jt_audit_ends_decode(struct jt_reader *in, struct jt_audit_end *ends, size_t *n)
{
    *n = jt_reader_u16(in);
    if (*n > JT_AUDIT_ENDS_MAX) {
        *n = 0;
        return JT_ERR_PROTOCOL;
    }
    for (size_t i = 0; i < *n; i++) {
        ends[i].connection = jt_reader_u16(in);
        ends[i].number = jt_reader_u64(in);
        jt_reader_copy(in, ends[i].head, sizeof ends[i].head);
        in->bad |= i > 0 && ends[i].connection <= ends[i - 1].connection;
    }
    return in->bad ? JT_ERR_PROTOCOL : JT_OK;
}

void jt_audit_start_encode(const struct jt_audit_start *start, struct jt_buf *out)
{
    jt_buf_u32(out, start->id);
    jt_wire_text_encode(start->node, JT_NODE_NAME_MAX, out);
    jt_buf_put(out, start->incarnation, sizeof start->incarnation);
    jt_buf_u64(out, start->at_us);
    jt_buf_u32(out, start->predecessor);
    jt_audit_ends_encode(start->ends, start->n_ends, out);
}

enum jt_err jt_audit_start_decode(struct jt_reader *in, struct jt_audit_start *start)
{
    start->id = jt_reader_u32(in);
    jt_wire_text_decode(in, JT_NODE_NAME_MAX, start->node);
    jt_reader_copy(in, start->incarnation, sizeof start->incarnation);
    start->at_us = jt_reader_u64(in);
    start->predecessor = jt_reader_u32(in);
    enum jt_err err = jt_audit_ends_decode(in, start->ends, &start->n_ends);
    return err == JT_OK && jt_reader_done(in) ? JT_OK : JT_ERR_PROTOCOL;
}

void jt_audit_link_encode(const struct jt_audit_link *link, struct jt_buf *out)
{
    uint8_t *p = jt_buf_append(out, JT_AUDIT_LINK_LEN);
    if (p != NULL) {
        jt_audit_link_pack(link, p);
    }
}

static void link_decode(struct jt_reader *in, struct jt_audit_link *link)
{
    link->start = jt_reader_u32(in);
    link->connection = jt_reader_u16(in);
    link->number = jt_reader_u64(in);
    jt_reader_copy(in, link->previous, sizeof link->previous);
    jt_reader_copy(in, link->digest, sizeof link->digest);
}

enum jt_err jt_audit_link_decode(struct jt_reader *in, struct jt_audit_link *link)
{
    link_decode(in, link);
    return jt_reader_done(in) ? JT_OK : JT_ERR_PROTOCOL;
}

void jt_audit_close_encode(const struct jt_audit_close *close, struct jt_buf *out)
{
    jt_buf_u32(out, close->start);
    jt_buf_u16(out, close->connection);
    jt_buf_u64(out, close->number);
    jt_buf_put(out, close->head, sizeof close->head);
    jt_buf_u64(out, close->before_us);
}

enum jt_err jt_audit_close_decode(struct jt_reader *in, struct jt_audit_close *close)
{
    close->start = jt_reader_u32(in);
    close->connection = jt_reader_u16(in);
    close->number = jt_reader_u64(in);
    jt_reader_copy(in, close->head, sizeof close->head);
    close->before_us = jt_reader_u64(in);
    return jt_reader_done(in) ? JT_OK : JT_ERR_PROTOCOL;
}

enum jt_err jt_audit_link_result_decode(struct jt_reader *in, struct jt_audit_link_result *out)
{
    jt_reader_copy(in, out->head, sizeof out->head);
    return in->bad ? JT_ERR_PROTOCOL : JT_OK;
}

enum jt_err jt_audit_link_reply_decode(struct jt_reader *in, size_t n,
                                       struct jt_audit_link_reply *reply)
{
    return n == 1 ? jt_audit_link_result_decode(in, &reply->results[0]) : JT_ERR_PROTOCOL;
}

void jt_audit_check_encode(const struct jt_audit_claim *claims, size_t n, struct jt_buf *out)
{
    jt_buf_u16(out, (uint16_t)n);
    for (size_t i = 0; i < n; i++) {
        jt_audit_link_encode(&claims[i].link, out);
        jt_buf_put(out, claims[i].head, sizeof claims[i].head);
    }
}

enum jt_err jt_audit_check_decode(struct jt_reader *in, struct jt_audit_claim *claims, size_t *n)
{
    *n = jt_reader_u16(in);
    if (*n > JT_WIRE_MAX_AUDIT) {
        return JT_ERR_PROTOCOL;
    }
    for (size_t i = 0; i < *n; i++) {
        link_decode(in, &claims[i].link);
        jt_reader_copy(in, claims[i].head, sizeof claims[i].head);
    }
    return jt_reader_done(in) ? JT_OK : JT_ERR_PROTOCOL;
}

void jt_audit_check_reply_encode(const bool *good, size_t n, struct jt_buf *out)
{
    jt_buf_u16(out, (uint16_t)n);
    for (size_t i = 0; i < n; i++) {
        jt_buf_u8(out, good[i]);
    }
}

enum jt_err jt_audit_check_reply_decode(struct jt_reader *in, size_t n, bool *good)
{
    bool as_many = jt_reader_u16(in) == n;
    for (size_t i = 0; i < n && as_many; i++) {
        good[i] = jt_wire_flags_decode(in, 1) == 1;
    }
    return as_many && !in->bad ? JT_OK : JT_ERR_PROTOCOL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/destruction.h"

#include "wire/certificate.h"
#include "wire/custodian.h"
#include "wire/frame.h"
#include "wire/text.h"

#include <string.h>

enum { CERTIFIED = 1 << 0 };

void jt_destruction_body_encode(const struct jt_destruction_request *request, struct jt_buf *out)
{
    jt_buf_u64(out, request->generation);
    jt_buf_u8(out, request->key_id);
    jt_buf_put(out, request->check_value, sizeof request->check_value);
    jt_buf_u64(out, request->system_identifier);
    jt_buf_u32(out, request->timeline);
    jt_buf_u32(out, (uint32_t)request->text_len);
    jt_buf_put(out, request->text, request->text_len);
}

enum jt_err jt_destruction_body_decode(struct jt_reader *in, struct jt_destruction_request *request)
{
    memset(request, 0, sizeof *request);
    request->generation = jt_reader_u64(in);
    request->key_id = jt_reader_u8(in);
    jt_reader_copy(in, request->check_value, sizeof request->check_value);
    request->system_identifier = jt_reader_u64(in);
    request->timeline = jt_reader_u32(in);
    size_t len = jt_reader_u32(in);
    const uint8_t *text = len <= JT_DESTRUCTION_TEXT_MAX ? jt_reader_bytes(in, len) : NULL;
    if (text == NULL || memchr(text, '\0', len) != NULL) {
        in->bad = true;
        return JT_ERR_PROTOCOL;
    }
    memcpy(request->text, text, len);
    request->text_len = len;
    return JT_OK;
}

void jt_destruction_request_encode(const struct jt_destruction_request *request, struct jt_buf *out)
{
    jt_destruction_body_encode(request, out);
    jt_buf_put(out, request->mac, sizeof request->mac);
}

enum jt_err jt_destruction_request_decode(struct jt_reader *in,
                                          struct jt_destruction_request *request)
{
    enum jt_err err = jt_destruction_body_decode(in, request);
    jt_reader_copy(in, request->mac, sizeof request->mac);
    return err == JT_OK && in->bad ? JT_ERR_PROTOCOL : err;
}

void jt_destruction_open_encode(const struct jt_destruction_open *open, struct jt_buf *out)
{
    jt_generation_row_encode(&open->generation, out);
    jt_certificate_encode(&open->certificate, out);
    jt_buf_u64(out, open->system_identifier);
    jt_buf_u32(out, open->timeline);
    jt_buf_u16(out, (uint16_t)open->n_held);
    for (size_t i = 0; i < open->n_held; i++) {
        jt_wire_text_encode(open->held[i].field, JT_FIELD_NAME_MAX, out);
        jt_wire_text_encode(open->held[i].sealed_at, JT_TIME_LEN - 1, out);
        jt_wire_text_encode(open->held[i].opened_at, JT_TIME_LEN - 1, out);
    }
}

enum jt_err jt_destruction_open_decode(struct jt_reader *in, struct jt_destruction_held *held,
                                       struct jt_destruction_open *open)
{
    memset(open, 0, sizeof *open);
    open->held = held;
    enum jt_err err = jt_generation_row_decode(in, &open->generation);
    if (err == JT_OK) {
        err = jt_certificate_decode(in, &open->certificate);
    }
    open->system_identifier = jt_reader_u64(in);
    open->timeline = jt_reader_u32(in);
    open->n_held = jt_reader_u16(in);
    if (err != JT_OK || open->n_held > JT_DESTRUCTION_HELD_MAX) {
        open->n_held = 0;
        return JT_ERR_PROTOCOL;
    }
    for (size_t i = 0; i < open->n_held; i++) {
        jt_wire_text_decode(in, JT_FIELD_NAME_MAX, held[i].field);
        jt_wire_text_decode(in, JT_TIME_LEN - 1, held[i].sealed_at);
        jt_wire_text_decode(in, JT_TIME_LEN - 1, held[i].opened_at);
    }
    return jt_wire_end(in);
}

static void erased_encode(const struct jt_erased *erased, struct jt_buf *out)
{
    jt_wire_text_encode(erased->node, JT_NODE_NAME_MAX, out);
    jt_buf_put(out, erased->incarnation, sizeof erased->incarnation);
    jt_buf_put(out, erased->mac, sizeof erased->mac);
}

static void erased_decode(struct jt_reader *in, struct jt_erased *erased)
{
    jt_wire_text_decode(in, JT_NODE_NAME_MAX, erased->node);
    jt_reader_copy(in, erased->incarnation, sizeof erased->incarnation);
    jt_reader_copy(in, erased->mac, sizeof erased->mac);
}

void jt_destruction_show_encode(const struct jt_destruction_show *show, struct jt_buf *out)
{
    jt_destruction_request_encode(&show->request, out);
    jt_approvals_encode(&show->approvals, out);
    jt_wire_text_encode(show->node, JT_NODE_NAME_MAX, out);
    jt_buf_u8(out, show->certified ? CERTIFIED : 0);
    if (show->certified) {
        jt_certificate_encode(&show->certificate, out);
    }
}

enum jt_err jt_destruction_show_decode(struct jt_reader *in, struct jt_destruction_show *show)
{
    memset(show, 0, sizeof *show);
    enum jt_err err = jt_destruction_request_decode(in, &show->request);
    if (err == JT_OK) {
        err = jt_approvals_decode(in, &show->approvals);
    }
    jt_wire_text_decode(in, JT_NODE_NAME_MAX, show->node);
    show->certified = (jt_wire_flags_decode(in, CERTIFIED) & CERTIFIED) != 0;
    if (err == JT_OK && show->certified) {
        err = jt_certificate_decode(in, &show->certificate);
    }
    return err == JT_OK ? jt_wire_end(in) : err;
}

void jt_destruction_shown_encode(const struct jt_destruction_shown *shown, struct jt_buf *out)
{
    jt_buf_u8(out, shown->view);
    jt_buf_u8(out, shown->n_approved);
    jt_buf_u64(out, shown->left_s);
    jt_buf_u64(out, shown->n_tried);
    if (shown->view == JT_DESTRUCTION_ERASED) {
        erased_encode(&shown->erased, out);
    }
}

enum jt_err jt_destruction_shown_decode(struct jt_reader *in, struct jt_destruction_shown *shown)
{
    *shown = (struct jt_destruction_shown){ .view = jt_reader_u8(in) };
    shown->n_approved = jt_reader_u8(in);
    shown->left_s = jt_reader_u64(in);
    shown->n_tried = jt_reader_u64(in);
    if (shown->view < JT_DESTRUCTION_WAITING || shown->view > JT_DESTRUCTION_ERASED) {
        return JT_ERR_PROTOCOL;
    }
    if (shown->view == JT_DESTRUCTION_ERASED) {
        erased_decode(in, &shown->erased);
    }
    return jt_wire_end(in);
}

void jt_destruction_certify_encode(const struct jt_destruction_certify *certify, struct jt_buf *out)
{
    jt_destruction_request_encode(&certify->request, out);
    jt_approvals_encode(&certify->approvals, out);
    jt_buf_u8(out, (uint8_t)certify->n);
    for (size_t i = 0; i < certify->n; i++) {
        erased_encode(&certify->nodes[i], out);
    }
    jt_buf_u8(out, (uint8_t)certify->n_backups);
    for (size_t i = 0; i < certify->n_backups; i++) {
        jt_buf_put(out, certify->backups[i], sizeof certify->backups[i]);
    }
    jt_buf_u32(out, certify->n_more_backups);
    jt_wire_text_encode(certify->requested_at, JT_TIME_LEN - 1, out);
    jt_wire_text_encode(certify->destroyed_at, JT_TIME_LEN - 1, out);
    jt_wire_text_encode(certify->certified_at, JT_TIME_LEN - 1, out);
    jt_wire_text_encode(certify->actor, JT_ACTOR_MAX, out);
}

enum jt_err jt_destruction_certify_decode(struct jt_reader *in,
                                          struct jt_destruction_certify *certify)
{
    memset(certify, 0, sizeof *certify);
    enum jt_err err = jt_destruction_request_decode(in, &certify->request);
    if (err == JT_OK) {
        err = jt_approvals_decode(in, &certify->approvals);
    }
    certify->n = jt_reader_u8(in);
    for (size_t i = 0; i < certify->n; i++) {
        erased_decode(in, &certify->nodes[i]);
    }
    certify->n_backups = jt_reader_u8(in);
    if (certify->n_backups > JT_DESTRUCTION_BACKUPS_MAX) {
        certify->n_backups = 0;
        return JT_ERR_PROTOCOL;
    }
    for (size_t i = 0; i < certify->n_backups; i++) {
        jt_reader_copy(in, certify->backups[i], sizeof certify->backups[i]);
    }
    certify->n_more_backups = jt_reader_u32(in);
    jt_wire_text_decode(in, JT_TIME_LEN - 1, certify->requested_at);
    jt_wire_text_decode(in, JT_TIME_LEN - 1, certify->destroyed_at);
    jt_wire_text_decode(in, JT_TIME_LEN - 1, certify->certified_at);
    jt_wire_text_decode(in, JT_ACTOR_MAX, certify->actor);
    return err == JT_OK ? jt_wire_end(in) : err;
}

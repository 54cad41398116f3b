/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/certificate.h"

#include "wire/frame.h"
#include "wire/text.h"
#include "wire/writeoff.h"

#include <string.h>

void jt_retirement_facts_encode(const struct jt_retirement_facts *facts, struct jt_buf *out)
{
    jt_buf_u64(out, facts->generation);
    jt_buf_u64(out, facts->rows_written);
    jt_buf_u64(out, facts->rows_moved_in);
    jt_buf_u64(out, facts->rows_moved_out);
    jt_buf_u64(out, facts->rows_deleted);
    jt_buf_u64(out, facts->rows_written_off);
    jt_buf_u64(out, facts->rows_left);
    jt_buf_u64(out, facts->lsn);
    jt_buf_u32(out, facts->timeline);
    jt_buf_u64(out, facts->system_identifier);
    jt_buf_u64(out, facts->epoch);
    jt_wire_text_encode(facts->started_at, sizeof facts->started_at - 1, out);
    jt_wire_text_encode(facts->retired_at, sizeof facts->retired_at - 1, out);
    jt_wire_text_encode(facts->node, JT_NODE_NAME_MAX, out);
    jt_wire_text_encode(facts->actor, JT_ACTOR_MAX, out);
}

enum jt_err jt_retirement_facts_decode(struct jt_reader *in, struct jt_retirement_facts *facts)
{
    facts->generation = jt_reader_u64(in);
    facts->rows_written = jt_reader_u64(in);
    facts->rows_moved_in = jt_reader_u64(in);
    facts->rows_moved_out = jt_reader_u64(in);
    facts->rows_deleted = jt_reader_u64(in);
    facts->rows_written_off = jt_reader_u64(in);
    facts->rows_left = jt_reader_u64(in);
    facts->lsn = jt_reader_u64(in);
    facts->timeline = jt_reader_u32(in);
    facts->system_identifier = jt_reader_u64(in);
    facts->epoch = jt_reader_u64(in);
    jt_wire_text_decode(in, sizeof facts->started_at - 1, facts->started_at);
    jt_wire_text_decode(in, sizeof facts->retired_at - 1, facts->retired_at);
    jt_wire_text_decode(in, JT_NODE_NAME_MAX, facts->node);
    jt_wire_text_decode(in, JT_ACTOR_MAX, facts->actor);
    return in->bad ? JT_ERR_PROTOCOL : JT_OK;
}

void jt_certify_encode(const struct jt_certify *certify, struct jt_buf *out)
{
    jt_retirement_facts_encode(&certify->facts, out);
    jt_buf_u8(out, (uint8_t)certify->n_done);
    for (size_t i = 0; i < certify->n_done; i++) {
        jt_writeoff_warrant_encode(&certify->done[i].warrant, out);
        jt_buf_u32(out, certify->done[i].n_moved);
    }
}

enum jt_err jt_certify_decode(struct jt_reader *in, struct jt_certify *certify)
{
    memset(certify, 0, sizeof *certify);
    enum jt_err err = jt_retirement_facts_decode(in, &certify->facts);
    size_t n = jt_reader_u8(in);
    if (n > JT_WRITEOFF_MAX) {
        return JT_ERR_PROTOCOL;
    }
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        err = jt_writeoff_warrant_decode(in, &certify->done[i].warrant);
        certify->done[i].n_moved = jt_reader_u32(in);
        certify->n_done = i + 1;
    }
    return err == JT_OK ? jt_wire_end(in) : err;
}

void jt_certificate_encode(const struct jt_certificate *certificate, struct jt_buf *out)
{
    size_t len = certificate->text_len;
    if (len > JT_CERTIFICATE_TEXT_MAX) {
        out->err = JT_ERR_LIMIT;
        return;
    }
    jt_buf_u16(out, (uint16_t)len);
    jt_buf_put(out, certificate->text, len);
    jt_buf_put(out, certificate->signature, sizeof certificate->signature);
    jt_buf_put(out, certificate->public_key, sizeof certificate->public_key);
}

enum jt_err jt_certificate_decode(struct jt_reader *in, struct jt_certificate *certificate)
{
    *certificate = (struct jt_certificate){ 0 };
    size_t len = jt_reader_u16(in);
    const uint8_t *text = jt_reader_bytes(in, len);
    if (text == NULL || len > JT_CERTIFICATE_TEXT_MAX || memchr(text, '\0', len) != NULL) {
        in->bad = true;
        return JT_ERR_PROTOCOL;
    }
    memcpy(certificate->text, text, len);
    certificate->text_len = len;
    jt_reader_copy(in, certificate->signature, sizeof certificate->signature);
    jt_reader_copy(in, certificate->public_key, sizeof certificate->public_key);
    return in->bad ? JT_ERR_PROTOCOL : JT_OK;
}

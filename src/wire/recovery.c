/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/recovery.h"

#include "wire/course.h"
#include "wire/custodian.h"
#include "wire/frame.h"
#include "wire/ring.h"
#include "wire/text.h"

#include <string.h>

enum { COMPROMISED = 1 << 0, HELD = 1 << 1, POSTS = 1 << 2, LOST = 1 << 3 };

static enum jt_err status_of(const struct jt_reader *in)
{
    return in->bad ? JT_ERR_PROTOCOL : JT_OK;
}

/* At most `max`; marks `in` bad otherwise. */
static size_t count_decode(struct jt_reader *in, size_t max)
{
    size_t n = jt_reader_u16(in);
    in->bad = in->bad || n > max;
    return in->bad ? 0 : n;
}

/* --- views --- */

void jt_keeper_view_body_encode(const struct jt_keeper_view *view, struct jt_buf *out)
{
    jt_wire_text_encode(view->node, JT_NODE_NAME_MAX, out);
    jt_buf_put(out, view->incarnation, sizeof view->incarnation);
    jt_buf_u64(out, view->epoch);
    jt_buf_u64(out, view->highest_generation);
    jt_buf_u64(out, view->system_identifier);
    jt_buf_u32(out, view->timeline);
    jt_buf_u64(out, view->lsn);
    jt_buf_u64(out, view->renewals);
    jt_buf_put(out, view->key_ids, sizeof view->key_ids);
}

enum jt_err jt_keeper_view_body_decode(struct jt_reader *in, struct jt_keeper_view *view)
{
    memset(view, 0, sizeof *view);
    jt_wire_text_decode(in, JT_NODE_NAME_MAX, view->node);
    jt_reader_copy(in, view->incarnation, sizeof view->incarnation);
    view->epoch = jt_reader_u64(in);
    view->highest_generation = jt_reader_u64(in);
    view->system_identifier = jt_reader_u64(in);
    view->timeline = jt_reader_u32(in);
    view->lsn = jt_reader_u64(in);
    view->renewals = jt_reader_u64(in);
    jt_reader_copy(in, view->key_ids, sizeof view->key_ids);
    return status_of(in);
}

static void view_encode(const struct jt_keeper_view *view, struct jt_buf *out)
{
    jt_keeper_view_body_encode(view, out);
    jt_buf_put(out, view->mac, sizeof view->mac);
}

static void view_decode(struct jt_reader *in, struct jt_keeper_view *view)
{
    enum jt_err err = jt_keeper_view_body_decode(in, view);
    if (err != JT_OK) {
        in->bad = true;
    }
    jt_reader_copy(in, view->mac, sizeof view->mac);
}

void jt_keeper_view_ask_encode(const struct jt_keeper_view_ask *ask, struct jt_buf *out)
{
    jt_wire_text_encode(ask->node, JT_NODE_NAME_MAX, out);
}

enum jt_err jt_keeper_view_ask_decode(struct jt_reader *in, struct jt_keeper_view_ask *ask)
{
    jt_wire_text_decode(in, JT_NODE_NAME_MAX, ask->node);
    return jt_wire_end(in);
}

void jt_keeper_view_encode(const struct jt_keeper_view *view, struct jt_buf *out)
{
    view_encode(view, out);
}

enum jt_err jt_keeper_view_decode(struct jt_reader *in, struct jt_keeper_view *view)
{
    view_decode(in, view);
    return jt_wire_end(in);
}

/* --- the database --- */

void jt_recovery_database_encode(const struct jt_recovery_database *db, struct jt_buf *out)
{
    jt_course_encode(&db->course, out);
    jt_ring_row_encode(&db->ring, out);
    jt_buf_u16(out, (uint16_t)db->n_found);
    for (size_t i = 0; i < db->n_found; i++) {
        jt_generation_row_encode(&db->found[i].row, out);
        jt_buf_u64(out, db->found[i].n_cards);
    }
    jt_buf_u16(out, (uint16_t)db->n_views);
    for (size_t i = 0; i < db->n_views; i++) {
        view_encode(&db->views[i], out);
    }
}

static enum jt_err found_decode(struct jt_reader *in, struct jt_recovery_database *db)
{
    enum jt_err err = JT_OK;
    db->n_found = count_decode(in, JT_RECOVERY_FOUND_MAX);
    for (size_t i = 0; i < db->n_found && err == JT_OK; i++) {
        err = jt_generation_row_decode(in, &db->found[i].row);
        db->found[i].n_cards = jt_reader_u64(in);
    }
    return err;
}

enum jt_err jt_recovery_database_decode(struct jt_reader *in, struct jt_recovery_database *db)
{
    memset(db, 0, sizeof *db);
    enum jt_err err = jt_course_decode(in, &db->course);
    if (err == JT_OK) {
        err = jt_ring_row_decode(in, &db->ring);
    }
    if (err == JT_OK) {
        err = found_decode(in, db);
    }
    if (err != JT_OK) {
        return err;
    }
    db->n_views = count_decode(in, JT_RECOVERY_VIEWS_MAX);
    for (size_t i = 0; i < db->n_views; i++) {
        view_decode(in, &db->views[i]);
    }
    return status_of(in);
}

/* --- the request --- */

void jt_recovery_body_encode(const struct jt_recovery_request *request, struct jt_buf *out)
{
    jt_wire_text_encode(request->node, JT_NODE_NAME_MAX, out);
    jt_buf_u64(out, request->epoch);
    jt_buf_u64(out, request->floor_ms);
    jt_buf_put(out, request->keeper, sizeof request->keeper);
    jt_buf_put(out, request->database, sizeof request->database);
    jt_buf_put(out, request->plan, sizeof request->plan);
    jt_buf_u32(out, (uint32_t)request->text_len);
    jt_buf_put(out, request->text, request->text_len);
}

enum jt_err jt_recovery_body_decode(struct jt_reader *in, struct jt_recovery_request *request)
{
    memset(request, 0, sizeof *request);
    jt_wire_text_decode(in, JT_NODE_NAME_MAX, request->node);
    request->epoch = jt_reader_u64(in);
    request->floor_ms = jt_reader_u64(in);
    jt_reader_copy(in, request->keeper, sizeof request->keeper);
    jt_reader_copy(in, request->database, sizeof request->database);
    jt_reader_copy(in, request->plan, sizeof request->plan);
    size_t len = jt_reader_u32(in);
    const uint8_t *text = len <= JT_RECOVERY_TEXT_MAX ? jt_reader_bytes(in, len) : NULL;
    if (text == NULL || memchr(text, '\0', len) != NULL) {
        in->bad = true;
        return JT_ERR_PROTOCOL;
    }
    memcpy(request->text, text, len);
    request->text_len = len;
    return status_of(in);
}

static void request_encode(const struct jt_recovery_request *request, struct jt_buf *out)
{
    jt_recovery_body_encode(request, out);
    jt_buf_put(out, request->mac, sizeof request->mac);
}

static enum jt_err request_decode(struct jt_reader *in, struct jt_recovery_request *request)
{
    enum jt_err err = jt_recovery_body_decode(in, request);
    jt_reader_copy(in, request->mac, sizeof request->mac);
    return err == JT_OK ? status_of(in) : err;
}

static void change_encode(const struct jt_recovery_change *c, struct jt_buf *out)
{
    jt_buf_u64(out, c->number);
    jt_buf_u8(out, c->key_id);
    jt_buf_put(out, c->check_value, sizeof c->check_value);
    jt_buf_u8(out, c->keeper_state);
    jt_buf_u8(out, c->database_state);
    jt_buf_u8(out, c->after);
    jt_buf_u8(out, (uint8_t)((c->compromised ? COMPROMISED : 0) | (c->held ? HELD : 0) |
                             (c->posts ? POSTS : 0) | (c->lost ? LOST : 0)));
    jt_buf_u64(out, c->n_cards);
}

static void change_decode(struct jt_reader *in, struct jt_recovery_change *c)
{
    c->number = jt_reader_u64(in);
    c->key_id = jt_reader_u8(in);
    jt_reader_copy(in, c->check_value, sizeof c->check_value);
    c->keeper_state = jt_reader_u8(in);
    c->database_state = jt_reader_u8(in);
    c->after = jt_reader_u8(in);
    uint8_t flags = jt_wire_flags_decode(in, COMPROMISED | HELD | POSTS | LOST);
    c->compromised = (flags & COMPROMISED) != 0;
    c->held = (flags & HELD) != 0;
    c->posts = (flags & POSTS) != 0;
    c->lost = (flags & LOST) != 0;
    c->n_cards = jt_reader_u64(in);
}

void jt_recovery_open_encode(const struct jt_recovery_open *open, struct jt_buf *out)
{
    jt_wire_text_encode(open->node, JT_NODE_NAME_MAX, out);
    jt_buf_u64(out, open->floor_ms);
    jt_recovery_database_encode(&open->database, out);
}

enum jt_err jt_recovery_open_decode(struct jt_reader *in, struct jt_recovery_open *open)
{
    jt_wire_text_decode(in, JT_NODE_NAME_MAX, open->node);
    open->floor_ms = jt_reader_u64(in);
    enum jt_err err = jt_recovery_database_decode(in, &open->database);
    return err == JT_OK ? jt_wire_end(in) : err;
}

void jt_recovery_opened_encode(const struct jt_recovery_opened *opened, struct jt_buf *out)
{
    request_encode(&opened->request, out);
    jt_buf_u16(out, (uint16_t)opened->plan.n);
    for (size_t i = 0; i < opened->plan.n; i++) {
        change_encode(&opened->plan.all[i], out);
    }
}

enum jt_err jt_recovery_opened_decode(struct jt_reader *in, struct jt_recovery_opened *opened)
{
    enum jt_err err = request_decode(in, &opened->request);
    opened->plan.n = err == JT_OK ? count_decode(in, JT_RECOVERY_CHANGES_MAX) : 0;
    for (size_t i = 0; i < opened->plan.n; i++) {
        change_decode(in, &opened->plan.all[i]);
    }
    return err == JT_OK ? jt_wire_end(in) : err;
}

/* --- the word --- */

void jt_recovery_word_body_encode(const struct jt_recovery_word *word, struct jt_buf *out)
{
    jt_buf_u64(out, word->epoch);
    jt_buf_put(out, word->ring, sizeof word->ring);
    jt_course_encode(&word->base, out);
    jt_buf_u64(out, word->floor_ms);
    jt_buf_u64(out, word->highest_generation);
    jt_buf_put(out, word->request, sizeof word->request);
}

enum jt_err jt_recovery_word_body_decode(struct jt_reader *in, struct jt_recovery_word *word)
{
    memset(word, 0, sizeof *word);
    word->epoch = jt_reader_u64(in);
    jt_reader_copy(in, word->ring, sizeof word->ring);
    enum jt_err err = jt_course_decode(in, &word->base);
    word->floor_ms = jt_reader_u64(in);
    word->highest_generation = jt_reader_u64(in);
    jt_reader_copy(in, word->request, sizeof word->request);
    return err == JT_OK ? status_of(in) : err;
}

static void word_encode(const struct jt_recovery_word *word, struct jt_buf *out)
{
    jt_recovery_word_body_encode(word, out);
    jt_buf_put(out, word->mac, sizeof word->mac);
}

static enum jt_err word_decode(struct jt_reader *in, struct jt_recovery_word *word)
{
    enum jt_err err = jt_recovery_word_body_decode(in, word);
    jt_reader_copy(in, word->mac, sizeof word->mac);
    return err == JT_OK ? status_of(in) : err;
}

void jt_recovery_show_encode(const struct jt_recovery_show *show, struct jt_buf *out)
{
    request_encode(&show->request, out);
    jt_approvals_encode(&show->approvals, out);
    jt_recovery_database_encode(&show->database, out);
}

enum jt_err jt_recovery_show_decode(struct jt_reader *in, struct jt_recovery_show *show)
{
    enum jt_err err = request_decode(in, &show->request);
    if (err == JT_OK) {
        err = jt_approvals_decode(in, &show->approvals);
    }
    if (err == JT_OK) {
        err = jt_recovery_database_decode(in, &show->database);
    }
    return err == JT_OK ? jt_wire_end(in) : err;
}

void jt_recovery_shown_encode(const struct jt_recovery_shown *shown, struct jt_buf *out)
{
    jt_buf_u8(out, shown->n_approved);
    jt_buf_u8(out, shown->standing);
    if (shown->standing != JT_RECOVERY_DUE) {
        return;
    }
    jt_ring_row_encode(&shown->ring, out);
    word_encode(&shown->word, out);
    jt_buf_u16(out, (uint16_t)shown->n);
    for (size_t i = 0; i < shown->n; i++) {
        jt_generation_row_encode(&shown->rows[i], out);
    }
}

static enum jt_err due_decode(struct jt_reader *in, struct jt_recovery_shown *shown)
{
    enum jt_err err = jt_ring_row_decode(in, &shown->ring);
    if (err == JT_OK) {
        err = word_decode(in, &shown->word);
    }
    shown->n = err == JT_OK ? count_decode(in, JT_RECOVERY_CHANGES_MAX) : 0;
    for (size_t i = 0; i < shown->n && err == JT_OK; i++) {
        err = jt_generation_row_decode(in, &shown->rows[i]);
    }
    return err;
}

enum jt_err jt_recovery_shown_decode(struct jt_reader *in, struct jt_recovery_shown *shown)
{
    memset(shown, 0, sizeof *shown);
    shown->n_approved = jt_reader_u8(in);
    shown->standing = jt_reader_u8(in);
    if (shown->standing < JT_RECOVERY_WAITING || shown->standing > JT_RECOVERY_STALE) {
        return JT_ERR_PROTOCOL;
    }
    enum jt_err err = shown->standing == JT_RECOVERY_DUE ? due_decode(in, shown) : JT_OK;
    return err == JT_OK ? jt_wire_end(in) : err;
}

void jt_recovery_accept_encode(const struct jt_recovery_accept *accept, struct jt_buf *out)
{
    word_encode(&accept->word, out);
    jt_ring_row_encode(&accept->ring, out);
}

enum jt_err jt_recovery_accept_decode(struct jt_reader *in, struct jt_recovery_accept *accept)
{
    enum jt_err err = word_decode(in, &accept->word);
    if (err == JT_OK) {
        err = jt_ring_row_decode(in, &accept->ring);
    }
    return err == JT_OK ? jt_wire_end(in) : err;
}

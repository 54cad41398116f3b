/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/writeoff.h"

#include "wire/custodian.h"
#include "wire/items.h"
#include "wire/text.h"

#include <string.h>

enum { FOLLOWS = 1 << 0 };

_Static_assert(JT_WRITEOFF_CARDS_MAX <= JT_WIRE_MAX_ITEMS, "one frame");

/* --- the list --- */

void jt_writeoff_list_encode(const struct jt_writeoff_item *items, size_t n, struct jt_buf *out)
{
    bool good = jt_wire_n_encode(n, JT_WRITEOFF_CARDS_MAX, out);
    for (size_t i = 0; i < n && good; i++) {
        jt_buf_u8(out, items[i].cause);
        jt_buf_u8(out, items[i].bucket);
        jt_open_item_encode(&items[i].card, out);
    }
}

/* An envelope of table card, whatever its bytes are. */
static void item_decode(struct jt_reader *in, const void *arg, void *decoded)
{
    struct jt_writeoff_item *item = decoded;
    item->cause = jt_reader_u8(in);
    item->bucket = jt_reader_u8(in);
    jt_open_item_decode(in, arg, &item->card);
    in->bad = in->bad || item->cause >= JT_N_STUCK_CAUSES ||
              item->card.envelope_len < JT_CARD_ENVELOPE_MIN ||
              item->card.envelope_len > JT_CARD_ENVELOPE_MAX;
}

enum jt_err jt_writeoff_list_decode(struct jt_reader *in, struct jt_writeoff_item *items, size_t *n)
{
    const struct jt_wire_list list = { items, sizeof items[0], item_decode, NULL };
    return jt_wire_items_decode(in, &list, JT_WRITEOFF_CARDS_MAX, n);
}

/* --- request and warrant --- */

void jt_writeoff_body_encode(const struct jt_writeoff_request *request, struct jt_buf *out)
{
    jt_buf_u64(out, request->generation);
    jt_buf_u8(out, request->key_id);
    jt_buf_put(out, request->check_value, sizeof request->check_value);
    jt_buf_u32(out, request->number);
    jt_buf_u32(out, request->n_cards);
    jt_buf_put(out, request->digest, sizeof request->digest);
    jt_buf_u16(out, request->text_len);
    jt_buf_put(out, request->text, request->text_len);
}

void jt_writeoff_request_encode(const struct jt_writeoff_request *request, struct jt_buf *out)
{
    jt_writeoff_body_encode(request, out);
    jt_buf_put(out, request->mac, sizeof request->mac);
}

enum jt_err jt_writeoff_request_decode(struct jt_reader *in, struct jt_writeoff_request *request)
{
    memset(request, 0, sizeof *request);
    request->generation = jt_reader_u64(in);
    request->key_id = jt_reader_u8(in);
    jt_reader_copy(in, request->check_value, sizeof request->check_value);
    request->number = jt_reader_u32(in);
    request->n_cards = jt_reader_u32(in);
    jt_reader_copy(in, request->digest, sizeof request->digest);
    uint16_t len = jt_reader_u16(in);
    const uint8_t *text = len <= JT_WRITEOFF_TEXT_MAX ? jt_reader_bytes(in, len) : NULL;
    if (text == NULL || memchr(text, '\0', len) != NULL) {
        in->bad = true;
        return JT_ERR_PROTOCOL;
    }
    memcpy(request->text, text, len);
    request->text_len = len;
    jt_reader_copy(in, request->mac, sizeof request->mac);
    return in->bad ? JT_ERR_PROTOCOL : JT_OK;
}

void jt_writeoff_warrant_body_encode(const struct jt_writeoff_warrant *warrant, struct jt_buf *out)
{
    jt_buf_u64(out, warrant->generation);
    jt_buf_put(out, warrant->check_value, sizeof warrant->check_value);
    jt_buf_u32(out, warrant->number);
    jt_buf_u32(out, warrant->n_cards);
    jt_buf_put(out, warrant->digest, sizeof warrant->digest);
    jt_buf_u8(out, warrant->n_by);
    for (size_t i = 0; i < warrant->n_by && i < JT_CUSTODIANS_MAX; i++) {
        jt_wire_text_encode(warrant->by[i].name, JT_CUSTODIAN_NAME_MAX, out);
        jt_buf_put(out, warrant->by[i].key, sizeof warrant->by[i].key);
    }
}

void jt_writeoff_warrant_encode(const struct jt_writeoff_warrant *warrant, struct jt_buf *out)
{
    jt_writeoff_warrant_body_encode(warrant, out);
    jt_buf_put(out, warrant->mac, sizeof warrant->mac);
}

enum jt_err jt_writeoff_warrant_decode(struct jt_reader *in, struct jt_writeoff_warrant *warrant)
{
    memset(warrant, 0, sizeof *warrant);
    warrant->generation = jt_reader_u64(in);
    jt_reader_copy(in, warrant->check_value, sizeof warrant->check_value);
    warrant->number = jt_reader_u32(in);
    warrant->n_cards = jt_reader_u32(in);
    jt_reader_copy(in, warrant->digest, sizeof warrant->digest);
    uint8_t n = jt_reader_u8(in);
    if (n > JT_CUSTODIANS_MAX) {
        in->bad = true;
        return JT_ERR_PROTOCOL;
    }
    for (warrant->n_by = 0; warrant->n_by < n; warrant->n_by++) {
        struct jt_custodian *c = &warrant->by[warrant->n_by];
        jt_wire_text_decode(in, JT_CUSTODIAN_NAME_MAX, c->name);
        jt_reader_copy(in, c->key, sizeof c->key);
    }
    jt_reader_copy(in, warrant->mac, sizeof warrant->mac);
    return in->bad ? JT_ERR_PROTOCOL : JT_OK;
}

/* --- WRITEOFF_OPEN --- */

void jt_writeoff_open_encode(const struct jt_writeoff_open *open, struct jt_buf *out)
{
    jt_generation_row_encode(&open->generation, out);
    jt_buf_u32(out, open->number);
    jt_writeoff_list_encode(open->items, open->n, out);
}

enum jt_err jt_writeoff_open_decode(struct jt_reader *in, struct jt_writeoff_item *items,
                                    struct jt_writeoff_open *open)
{
    memset(open, 0, sizeof *open);
    open->items = items;
    enum jt_err err = jt_generation_row_decode(in, &open->generation);
    open->number = jt_reader_u32(in);
    return err == JT_OK ? jt_writeoff_list_decode(in, items, &open->n) : err;
}

void jt_writeoff_opened_encode(const struct jt_writeoff_opened *opened, struct jt_buf *out)
{
    if (jt_wire_n_encode(opened->n, JT_WRITEOFF_CARDS_MAX, out)) {
        jt_buf_put(out, opened->causes, opened->n);
    }
    jt_buf_u8(out, opened->any ? FOLLOWS : 0);
    if (opened->any) {
        jt_writeoff_request_encode(&opened->request, out);
    }
}

enum jt_err jt_writeoff_opened_decode(struct jt_reader *in, struct jt_writeoff_opened *opened)
{
    memset(opened, 0, sizeof *opened);
    size_t n = jt_reader_u16(in);
    if (n > JT_WRITEOFF_CARDS_MAX) {
        return JT_ERR_PROTOCOL;
    }
    opened->n = n;
    jt_reader_copy(in, opened->causes, n);
    for (size_t i = 0; i < n; i++) {
        in->bad = in->bad || opened->causes[i] >= JT_N_STUCK_CAUSES;
    }
    opened->any = (jt_wire_flags_decode(in, FOLLOWS) & FOLLOWS) != 0;
    enum jt_err err = opened->any ? jt_writeoff_request_decode(in, &opened->request) : JT_OK;
    return err == JT_OK ? jt_wire_end(in) : err;
}

/* --- WRITEOFF_SHOW --- */

void jt_writeoff_show_encode(const struct jt_writeoff_show *show, struct jt_buf *out)
{
    jt_writeoff_request_encode(&show->request, out);
    jt_approvals_encode(&show->approvals, out);
    jt_buf_u32(out, (uint32_t)show->list_len);
    if (show->list_len > 0) {
        jt_buf_put(out, show->list, show->list_len);
    }
}

enum jt_err jt_writeoff_show_decode(struct jt_reader *in, struct jt_writeoff_show *show)
{
    memset(show, 0, sizeof *show);
    enum jt_err err = jt_writeoff_request_decode(in, &show->request);
    if (err == JT_OK) {
        err = jt_approvals_decode(in, &show->approvals);
    }
    size_t len = jt_reader_u32(in);
    if (err != JT_OK || len > JT_WRITEOFF_LIST_MAX) {
        return JT_ERR_PROTOCOL;
    }
    show->list = jt_reader_bytes(in, len);
    show->list_len = show->list == NULL ? 0 : len;
    return jt_wire_end(in);
}

void jt_writeoff_shown_encode(const struct jt_writeoff_shown *shown, struct jt_buf *out)
{
    jt_buf_u64(out, shown->epoch);
    jt_buf_u8(out, shown->n_approved);
    jt_buf_u8(out, shown->warranted ? FOLLOWS : 0);
    if (shown->warranted) {
        jt_writeoff_warrant_encode(&shown->warrant, out);
    }
}

enum jt_err jt_writeoff_shown_decode(struct jt_reader *in, struct jt_writeoff_shown *shown)
{
    memset(shown, 0, sizeof *shown);
    shown->epoch = jt_reader_u64(in);
    shown->n_approved = jt_reader_u8(in);
    shown->warranted = (jt_wire_flags_decode(in, FOLLOWS) & FOLLOWS) != 0;
    enum jt_err err = shown->warranted ? jt_writeoff_warrant_decode(in, &shown->warrant) : JT_OK;
    return err == JT_OK ? jt_wire_end(in) : err;
}

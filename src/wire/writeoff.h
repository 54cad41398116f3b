/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verbs WRITEOFF_OPEN and WRITEOFF_SHOW, and the list of cards that a request is about: u16 n, then
 * n times u8 cause, u8 bucket, and the row as in OPEN. The list is stored as these bytes, and its
 * SHA-256 stands in what custodians sign.
 *
 * The body of a request, which a keeper MACs: u64 generation, u8 key id, 8 check value, u32 number,
 * u32 cards, 32 digest, u16 length of the text, text. That of a warrant: u64 generation, 8 check
 * value, u32 number, u32 cards, 32 digest, u8 n, then n times text name, 32 public key.
 */
#ifndef JETON_WIRE_WRITEOFF_H
#define JETON_WIRE_WRITEOFF_H

#include "model/retirement.h"
#include "model/writeoff.h"
#include "wire/generation.h"
#include "wire/limits.h"
#include "wire/open.h"

struct jt_writeoff_item {
    uint8_t cause;  /* enum jt_stuck_cause; 0: not known */
    uint8_t bucket; /* where the row stands */
    struct jt_open_item card;
};

void jt_writeoff_list_encode(const struct jt_writeoff_item *items, size_t n, struct jt_buf *out);
/* To the end of `in`; `items` has room for JT_WRITEOFF_CARDS_MAX. */
enum jt_err jt_writeoff_list_decode(struct jt_reader *in, struct jt_writeoff_item *items,
                                    size_t *n) JT_CHECKED;

void jt_writeoff_body_encode(const struct jt_writeoff_request *request, struct jt_buf *out);
/* With the MAC behind it. Decoders of single objects leave what follows unread. */
void jt_writeoff_request_encode(const struct jt_writeoff_request *request, struct jt_buf *out);
enum jt_err jt_writeoff_request_decode(struct jt_reader *in,
                                       struct jt_writeoff_request *request) JT_CHECKED;

void jt_writeoff_warrant_body_encode(const struct jt_writeoff_warrant *warrant, struct jt_buf *out);
void jt_writeoff_warrant_encode(const struct jt_writeoff_warrant *warrant, struct jt_buf *out);
enum jt_err jt_writeoff_warrant_decode(struct jt_reader *in,
                                       struct jt_writeoff_warrant *warrant) JT_CHECKED;

struct jt_writeoff_open {
    struct jt_generation_row generation; /* draining */
    uint32_t number;
    size_t n;
    struct jt_writeoff_item *items;
};
void jt_writeoff_open_encode(const struct jt_writeoff_open *open, struct jt_buf *out);
/* `items` as in jt_writeoff_list_decode. */
enum jt_err jt_writeoff_open_decode(struct jt_reader *in, struct jt_writeoff_item *items,
                                    struct jt_writeoff_open *open) JT_CHECKED;

struct jt_writeoff_opened {
    size_t n; /* those asked */
    /* of each: why it is on the list, or 0: it opens, or can be mended, and is not */
    uint8_t causes[JT_WRITEOFF_CARDS_MAX];
    bool any; /* one is, and there is a request */
    struct jt_writeoff_request request;
};
void jt_writeoff_opened_encode(const struct jt_writeoff_opened *opened, struct jt_buf *out);
enum jt_err jt_writeoff_opened_decode(struct jt_reader *in,
                                      struct jt_writeoff_opened *opened) JT_CHECKED;

struct jt_writeoff_show {
    struct jt_writeoff_request request;
    struct jt_approvals approvals;
    size_t list_len;     /* 0: it is not shown, and there will be no warrant */
    const uint8_t *list; /* the caller's; inside the frame */
};
void jt_writeoff_show_encode(const struct jt_writeoff_show *show, struct jt_buf *out);
enum jt_err jt_writeoff_show_decode(struct jt_reader *in, struct jt_writeoff_show *show) JT_CHECKED;

struct jt_writeoff_shown {
    uint64_t epoch; /* of the keeper's ring */
    uint8_t n_approved;
    bool warranted;
    struct jt_writeoff_warrant warrant;
};
void jt_writeoff_shown_encode(const struct jt_writeoff_shown *shown, struct jt_buf *out);
enum jt_err jt_writeoff_shown_decode(struct jt_reader *in,
                                     struct jt_writeoff_shown *shown) JT_CHECKED;

#endif

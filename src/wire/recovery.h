/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verbs KEEPER_VIEW, RECOVERY_OPEN, RECOVERY_SHOW and RECOVERY_ACCEPT; and what of them is MACed
 * and stands in the database.
 *
 * The body of a view: text node, 16 incarnation, u64 highest epoch, u64 highest generation, u64
 * system identifier, u32 timeline, u64 end of the log, u64 renewals, 32 key ids.
 *
 * The body of a request: text node, u64 epoch, u64 floor, 32 digest of what the keeper remembered,
 * 32 of the database, 32 of the plan, u32 length of the text, text.
 *
 * The body of a word: u64 epoch, 32 SHA-256 of the ring's body, course, u64 floor, u64 highest
 * generation, 32 SHA-256 of the request's body.
 */
#ifndef JETON_WIRE_RECOVERY_H
#define JETON_WIRE_RECOVERY_H

#include "base/buf.h"
#include "model/custodian.h"
#include "model/recovery.h"
#include "wire/generation.h"

/* Bodies, as they are MACed. Decoders of bodies leave what follows unread. */
void jt_keeper_view_body_encode(const struct jt_keeper_view *view, struct jt_buf *out);
enum jt_err jt_keeper_view_body_decode(struct jt_reader *in,
                                       struct jt_keeper_view *view) JT_CHECKED;
void jt_recovery_body_encode(const struct jt_recovery_request *request, struct jt_buf *out);
enum jt_err jt_recovery_body_decode(struct jt_reader *in,
                                    struct jt_recovery_request *request) JT_CHECKED;
void jt_recovery_word_body_encode(const struct jt_recovery_word *word, struct jt_buf *out);
enum jt_err jt_recovery_word_body_decode(struct jt_reader *in,
                                         struct jt_recovery_word *word) JT_CHECKED;

/* KEEPER_VIEW: the node's name; the view with its MAC. */
struct jt_keeper_view_ask {
    char node[JT_NODE_NAME_MAX + 1];
};
void jt_keeper_view_ask_encode(const struct jt_keeper_view_ask *ask, struct jt_buf *out);
enum jt_err jt_keeper_view_ask_decode(struct jt_reader *in,
                                      struct jt_keeper_view_ask *ask) JT_CHECKED;
void jt_keeper_view_encode(const struct jt_keeper_view *view, struct jt_buf *out);
enum jt_err jt_keeper_view_decode(struct jt_reader *in, struct jt_keeper_view *view) JT_CHECKED;

void jt_recovery_database_encode(const struct jt_recovery_database *db, struct jt_buf *out);
enum jt_err jt_recovery_database_decode(struct jt_reader *in,
                                        struct jt_recovery_database *db) JT_CHECKED;

/* RECOVERY_OPEN. Large, as all of these: on the heap. */
struct jt_recovery_open {
    char node[JT_NODE_NAME_MAX + 1];
    uint64_t floor_ms; /* 0: the keeper's clock */
    struct jt_recovery_database database;
};
struct jt_recovery_opened {
    struct jt_recovery_request request;
    struct jt_recovery_plan plan;
};
void jt_recovery_open_encode(const struct jt_recovery_open *open, struct jt_buf *out);
enum jt_err jt_recovery_open_decode(struct jt_reader *in, struct jt_recovery_open *open) JT_CHECKED;
void jt_recovery_opened_encode(const struct jt_recovery_opened *opened, struct jt_buf *out);
enum jt_err jt_recovery_opened_decode(struct jt_reader *in,
                                      struct jt_recovery_opened *opened) JT_CHECKED;

/* RECOVERY_SHOW. */
struct jt_recovery_show {
    struct jt_recovery_request request;
    struct jt_approvals approvals;
    struct jt_recovery_database database;
};
struct jt_recovery_shown {
    uint8_t n_approved;
    uint8_t standing; /* enum jt_recovery_standing; what follows only where it is due */
    struct jt_ring_row ring;
    struct jt_recovery_word word;
    size_t n;
    struct jt_generation_row rows[JT_RECOVERY_CHANGES_MAX]; /* to be written */
};
void jt_recovery_show_encode(const struct jt_recovery_show *show, struct jt_buf *out);
enum jt_err jt_recovery_show_decode(struct jt_reader *in, struct jt_recovery_show *show) JT_CHECKED;
void jt_recovery_shown_encode(const struct jt_recovery_shown *shown, struct jt_buf *out);
enum jt_err jt_recovery_shown_decode(struct jt_reader *in,
                                     struct jt_recovery_shown *shown) JT_CHECKED;

/* RECOVERY_ACCEPT. */
struct jt_recovery_accept {
    struct jt_recovery_word word;
    struct jt_ring_row ring;
};
void jt_recovery_accept_encode(const struct jt_recovery_accept *accept, struct jt_buf *out);
enum jt_err jt_recovery_accept_decode(struct jt_reader *in,
                                      struct jt_recovery_accept *accept) JT_CHECKED;

#endif

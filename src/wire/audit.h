/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs AUDIT_START, AUDIT_LINK and AUDIT_CHECK: the MACs of the audit trail (model/audit.h). */
#ifndef JETON_WIRE_AUDIT_H
#define JETON_WIRE_AUDIT_H

#include "base/buf.h"
#include "model/audit.h"
#include "wire/limits.h"

#define JT_AUDIT_LINK_LEN  (4 + 2 + 8 + JT_ROW_MAC_LEN + JT_AUDIT_DIGEST_LEN)
#define JT_AUDIT_CLOSE_LEN (4 + 2 + 8 + JT_ROW_MAC_LEN + 8)
#define JT_WIRE_MAX_AUDIT  4096 /* links in AUDIT_CHECK */

/* The bytes of a link, which its head is over and in which it is sent. */
void jt_audit_link_pack(const struct jt_audit_link *link, uint8_t out[static JT_AUDIT_LINK_LEN]);

/*
 * The body of a start: everything but its MAC, which is over these bytes. The whole request of
 * AUDIT_START.
 */
void jt_audit_start_encode(const struct jt_audit_start *start, struct jt_buf *out);
/* Takes the whole message apart; start->ends has room for JT_AUDIT_ENDS_MAX. */
enum jt_err jt_audit_start_decode(struct jt_reader *in, struct jt_audit_start *start) JT_CHECKED;

/* The ends of chains alone, as they stand in a start and in its row. */
void jt_audit_ends_encode(const struct jt_audit_end *ends, size_t n, struct jt_buf *out);
/* JT_ERR_PROTOCOL unless they ascend and are JT_AUDIT_ENDS_MAX at most. */
enum jt_err jt_audit_ends_decode(struct jt_reader *in, struct jt_audit_end *ends,
                                 size_t *n) JT_CHECKED;

void jt_audit_link_encode(const struct jt_audit_link *link, struct jt_buf *out);
enum jt_err jt_audit_link_decode(struct jt_reader *in, struct jt_audit_link *link) JT_CHECKED;

/* Everything but its MAC, which is over these bytes. The whole request of AUDIT_CLOSE. */
void jt_audit_close_encode(const struct jt_audit_close *close, struct jt_buf *out);
enum jt_err jt_audit_close_decode(struct jt_reader *in, struct jt_audit_close *close) JT_CHECKED;

/* The reply of AUDIT_START, AUDIT_LINK and AUDIT_CLOSE. */
struct jt_audit_link_result {
    uint8_t head[JT_ROW_MAC_LEN];
};
enum jt_err jt_audit_link_result_decode(struct jt_reader *in,
                                        struct jt_audit_link_result *out) JT_CHECKED;

/* The same in the form of the batch verbs, with room for one result, which is asked for. */
struct jt_audit_link_reply {
    struct jt_audit_link_result *results;
};
enum jt_err jt_audit_link_reply_decode(struct jt_reader *in, size_t n,
                                       struct jt_audit_link_reply *reply) JT_CHECKED;

/* A link with the head that it is said to have. */
struct jt_audit_claim {
    struct jt_audit_link link;
    uint8_t head[JT_ROW_MAC_LEN];
};
void jt_audit_check_encode(const struct jt_audit_claim *claims, size_t n, struct jt_buf *out);
/* `claims` has room for JT_WIRE_MAX_AUDIT. */
enum jt_err jt_audit_check_decode(struct jt_reader *in, struct jt_audit_claim *claims,
                                  size_t *n) JT_CHECKED;
void jt_audit_check_reply_encode(const bool *good, size_t n, struct jt_buf *out);
enum jt_err jt_audit_check_reply_decode(struct jt_reader *in, size_t n, bool *good) JT_CHECKED;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verb PLAN: the MAC of a future generation's date, and of the reason for which its key may have
 * one durable holder only. So nobody who writes to the database makes a roll of his own.
 */
#ifndef JETON_WIRE_PLAN_H
#define JETON_WIRE_PLAN_H

#include "wire/generation.h"

struct jt_plan_request {
    struct jt_generation_row generation;
    struct jt_generation_plan plan; /* the MAC does not pass */
};

struct jt_plan_reply {
    uint8_t mac[JT_ROW_MAC_LEN];
};

void jt_plan_request_encode(const struct jt_plan_request *request, struct jt_buf *out);
enum jt_err jt_plan_request_decode(struct jt_reader *in,
                                   struct jt_plan_request *request) JT_CHECKED;
void jt_plan_reply_encode(const struct jt_plan_reply *reply, struct jt_buf *out);
enum jt_err jt_plan_reply_decode(struct jt_reader *in, struct jt_plan_reply *reply) JT_CHECKED;

#endif

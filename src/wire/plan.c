/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/plan.h"

#include "wire/frame.h"
#include "wire/text.h"

void jt_plan_request_encode(const struct jt_plan_request *request, struct jt_buf *out)
{
    jt_generation_row_encode(&request->generation, out);
    jt_buf_u64(out, request->plan.adopt_at_us);
    jt_wire_text_encode(request->plan.holder_override, JT_PLAN_REASON_MAX, out);
}

enum jt_err jt_plan_request_decode(struct jt_reader *in, struct jt_plan_request *request)
{
    *request = (struct jt_plan_request){ 0 };
    enum jt_err err = jt_generation_row_decode(in, &request->generation);
    request->plan.adopt_at_us = jt_reader_u64(in);
    jt_wire_text_decode(in, JT_PLAN_REASON_MAX, request->plan.holder_override);
    return err == JT_OK ? jt_wire_end(in) : err;
}

void jt_plan_reply_encode(const struct jt_plan_reply *reply, struct jt_buf *out)
{
    jt_buf_put(out, reply->mac, sizeof reply->mac);
}

enum jt_err jt_plan_reply_decode(struct jt_reader *in, struct jt_plan_reply *reply)
{
    jt_reader_copy(in, reply->mac, sizeof reply->mac);
    return jt_wire_end(in);
}

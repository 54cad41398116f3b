/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of an answer that is passed on. The first bit of an input tells whether it answers a
 * HEAD. A head is complete or not whatever follows it, and its parts lie inside it.
 */
#include "fuzz.h"

#include "http/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 1) {
        return -1;
    }
    bool to_head = (data[0] & 1) != 0;
    struct jt_reply_head reply, again;
    char *text = fuzz_copy(data + 1, len - 1);
    enum jt_err err = jt_reply_parse(text, len - 1, to_head, &reply);
    MUST((err == JT_ERR_NO_HEAD) == (memmem(text, len - 1, "\r\n\r\n", 4) == NULL));
    if (err == JT_OK) {
        MUST(reply.status >= 200 && reply.status <= 999);
        MUST(reply.line_len >= 2 && reply.line_len + 2 <= reply.head_len);
        MUST(memcmp(text + reply.line_len - 2, "\r\n", 2) == 0);
        MUST(reply.head_len <= len - 1 && memcmp(text + reply.head_len - 4, "\r\n\r\n", 4) == 0);
        MUST((!to_head && reply.status != 204) || reply.body_len == 0);

        char *alone = fuzz_copy(text, reply.head_len);
        MUST(jt_reply_parse(alone, reply.head_len, to_head, &again) == JT_OK);
        MUST(again.status == reply.status && again.body_len == reply.body_len);
        MUST(again.head_len == reply.head_len && again.close == reply.close);
        MUST(jt_reply_parse(alone, reply.head_len - 1, to_head, &again) == JT_ERR_NO_HEAD);
        free(alone);
    }
    free(text);
    return 0;
}

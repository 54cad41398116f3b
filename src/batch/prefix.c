/* SPDX-License-Identifier: Apache-2.0 */
#include "batch/prefix.h"

#include <string.h>

#define PENDING_MAX (64u << 20) /* of one portion */

enum part { PART_TEXT = 1, PART_LENGTH, PART_VALUE };

void jt_prefix_init(struct jt_prefix *p)
{
    *p = (struct jt_prefix){ 0 };
    jt_buf_init(&p->pending, PENDING_MAX);
}

void jt_prefix_clear(struct jt_prefix *p)
{
    jt_buf_clear(&p->pending);
}

/* The digest before stands at the front. */
static void begin(struct jt_prefix *p)
{
    if (p->pending.len == 0) {
        jt_buf_put(&p->pending, p->digest, sizeof p->digest);
    }
}

void jt_prefix_put(struct jt_prefix *p, const void *raw, size_t len)
{
    begin(p);
    jt_buf_u8(&p->pending, raw == NULL ? PART_LENGTH : PART_TEXT);
    jt_buf_u64(&p->pending, len);
    if (raw != NULL) {
        jt_buf_put(&p->pending, raw, len);
    }
}

void jt_prefix_value(struct jt_prefix *p, size_t len, uint64_t weight)
{
    begin(p);
    jt_buf_u8(&p->pending, PART_VALUE);
    jt_buf_u64(&p->pending, len);
    jt_buf_u64(&p->pending, weight);
}

enum jt_err jt_prefix_close(struct jt_prefix *p)
{
    begin(p);
    enum jt_err err = jt_buf_status(&p->pending);
    if (err == JT_OK) {
        err = jt_sha256(p->pending.data, p->pending.len, p->digest);
    }
    jt_buf_reset(&p->pending);
    return err;
}

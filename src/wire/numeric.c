/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/numeric.h"

#include "wire/frame.h"
#include "wire/text.h"

enum { ACCEPT = 1 << 0 };
enum { OPEN = 1 << 0 };

static void mark_encode(const struct jt_numeric_mark *mark, struct jt_buf *out)
{
    jt_buf_u64(out, mark->mark);
    jt_buf_u64(out, mark->system_identifier);
    jt_buf_u32(out, mark->timeline);
}

static void mark_decode(struct jt_reader *in, struct jt_numeric_mark *mark)
{
    mark->mark = jt_reader_u64(in);
    mark->system_identifier = jt_reader_u64(in);
    mark->timeline = jt_reader_u32(in);
}

void jt_numeric_show_encode(const struct jt_numeric_show *show, struct jt_buf *out)
{
    mark_encode(&show->now, out);
    jt_buf_u8(out, show->accept ? ACCEPT : 0);
}

enum jt_err jt_numeric_show_decode(struct jt_reader *in, struct jt_numeric_show *show)
{
    mark_decode(in, &show->now);
    show->accept = (jt_wire_flags_decode(in, ACCEPT) & ACCEPT) != 0;
    return jt_wire_end(in);
}

void jt_numeric_shown_encode(const struct jt_numeric_shown *shown, struct jt_buf *out)
{
    jt_buf_u8(out, shown->open ? OPEN : 0);
    mark_encode(&shown->seen, out);
}

enum jt_err jt_numeric_shown_decode(struct jt_reader *in, struct jt_numeric_shown *shown)
{
    shown->open = (jt_wire_flags_decode(in, OPEN) & OPEN) != 0;
    mark_decode(in, &shown->seen);
    return jt_wire_end(in);
}

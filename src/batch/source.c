/* SPDX-License-Identifier: Apache-2.0 */
#include "batch/source_parts.h"

#include <stdlib.h>

/* A value of a record becomes three times its bytes at most, or the digits of a binary number. */
#define DECODED_MAX (3 * JT_RECORD_MAX + JT_RECORD_MAX_VALUES * 32)

enum jt_err jt_source_open(struct jt_format *format, int fd, struct jt_record_source **out)
{
    struct jt_record_source *s = calloc(1, sizeof *s);
    *out = s;
    if (s == NULL) {
        return JT_ERR_NOMEM;
    }
    s->format = format;
    s->line = 1;
    jt_inlet_init(&s->in, fd);
    jt_buf_init(&s->decoded, DECODED_MAX);
    return JT_OK;
}

void jt_source_free(struct jt_record_source *s)
{
    if (s == NULL) {
        return;
    }
    jt_inlet_clear(&s->in);
    jt_buf_clear(&s->decoded);
    free(s);
}

enum jt_err jt_source_begin(struct jt_record_source *s, struct jt_trouble *trouble)
{
    return s->format->kind == JT_FORMAT_RECORDS ? JT_OK : jt_source_text_begin(s, trouble);
}

enum jt_err jt_source_next(struct jt_record_source *s, struct jt_record *out,
                           struct jt_trouble *trouble)
{
    jt_buf_reset(&s->decoded);
    return s->format->kind == JT_FORMAT_RECORDS ? jt_source_records_next(s, out, trouble)
                                                : jt_source_text_next(s, out, trouble);
}

enum jt_err jt_source_put(const struct jt_record_source *s, const void *data, size_t len,
                          struct jt_buf *out)
{
    return jt_inlet_put_back(&s->in, data, len, out);
}

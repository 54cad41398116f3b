/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/course.h"

#include <string.h>

void jt_by_number_encode(const uint64_t values[static 256], struct jt_buf *out)
{
    uint8_t n = 0;
    for (unsigned number = 1; number < 256; number++) {
        n = (uint8_t)(n + (values[number] != 0));
    }
    jt_buf_u8(out, n);
    for (unsigned number = 1; number < 256; number++) {
        if (values[number] != 0) {
            jt_buf_u8(out, (uint8_t)number);
            jt_buf_u64(out, values[number]);
        }
    }
}

void jt_by_number_decode(struct jt_reader *in, uint64_t values[static 256])
{
    uint8_t n = jt_reader_u8(in);
    uint8_t last = 0;
    memset(values, 0, 256 * sizeof values[0]);
    for (uint8_t i = 0; i < n; i++) {
        uint8_t number = jt_reader_u8(in);
        uint64_t value = jt_reader_u64(in);
        in->bad = in->bad || number <= last || value == 0;
        values[number] = value;
        last = number;
    }
}

void jt_course_encode(const struct jt_course *course, struct jt_buf *out)
{
    jt_buf_u64(out, course->system_identifier);
    jt_buf_u32(out, course->timeline);
    jt_buf_u64(out, course->lsn);
    jt_by_number_encode(course->renewals, out);
}

enum jt_err jt_course_decode(struct jt_reader *in, struct jt_course *course)
{
    memset(course, 0, sizeof *course);
    course->system_identifier = jt_reader_u64(in);
    course->timeline = jt_reader_u32(in);
    course->lsn = jt_reader_u64(in);
    jt_by_number_decode(in, course->renewals);
    return in->bad ? JT_ERR_PROTOCOL : JT_OK;
}

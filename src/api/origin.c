/* SPDX-License-Identifier: Apache-2.0 */
#include "api/origin.h"

#include "base/random.h"

#include <string.h>

/* "00-" trace-id "-" parent-id "-" flags: where its parts are */
enum { TRACE_AT = 3, PARENT_AT = 36, FLAGS_AT = 53, PARENT_LEN = 16, FLAGS_LEN = 2, WHOLE = 55 };

static bool is_lower_hex(const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!((p[i] >= '0' && p[i] <= '9') || (p[i] >= 'a' && p[i] <= 'f'))) {
            return false;
        }
    }
    return true;
}

static bool all_zero(const char *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (p[i] != '0') {
            return false;
        }
    }
    return true;
}

static uint8_t digit(char c)
{
    return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* A later version may say more behind a dash; the version ff there is not. */
static bool is_valid(struct jt_slice v)
{
    if (v.p == NULL || v.len < WHOLE || v.p[2] != '-' || v.p[PARENT_AT - 1] != '-' ||
        v.p[FLAGS_AT - 1] != '-' || !is_lower_hex(v.p, 2) || memcmp(v.p, "ff", 2) == 0) {
        return false;
    }
    if (v.len > WHOLE && (memcmp(v.p, "00", 2) == 0 || v.p[WHOLE] != '-')) {
        return false;
    }
    return is_lower_hex(v.p + TRACE_AT, 2 * JT_REQUEST_ID_LEN) &&
           is_lower_hex(v.p + PARENT_AT, PARENT_LEN) && is_lower_hex(v.p + FLAGS_AT, FLAGS_LEN) &&
           !all_zero(v.p + TRACE_AT, 2 * JT_REQUEST_ID_LEN) &&
           !all_zero(v.p + PARENT_AT, PARENT_LEN);
}

void jt_origin_name(struct jt_slice traceparent, struct jt_origin *out)
{
    if (!is_valid(traceparent)) {
        jt_random_fill(out->request, sizeof out->request);
        return;
    }
    for (size_t i = 0; i < sizeof out->request; i++) {
        const char *p = traceparent.p + TRACE_AT + 2 * i;
        out->request[i] = (uint8_t)(digit(p[0]) << 4 | digit(p[1]));
    }
}

void jt_origin_place(const struct jt_source *source, struct jt_origin *out)
{
    out->source_len = (uint8_t)jt_network_address_len(source->family);
    memcpy(out->source, source->address, out->source_len);
}

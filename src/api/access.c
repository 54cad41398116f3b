/* SPDX-License-Identifier: Apache-2.0 */
#include "api/access.h"

#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>

void jt_access_note(const struct jt_request *r, int code, uint64_t us)
{
    char status[16], bytes[24], ms[32], source[JT_NETWORK_TEXT_MAX + 1];
    const struct jt_http_answer *answer = &r->http.answer;
    (void)snprintf(status, sizeof status, "%d", code);
    (void)snprintf(bytes, sizeof bytes, "%zu", answer->body.len);
    (void)snprintf(ms, sizeof ms, "%" PRIu64 ".%03" PRIu64, us / 1000, us % 1000);
    jt_source_address(&r->source, source);
    const struct jt_log_pair pairs[] = {
        { "method", r->route == NULL ? "-" : r->route->method, false },
        { "route", r->route == NULL ? "-" : r->route->path, false },
        { "status", status, true },
        { "bytes", bytes, true },
        { "ms", ms, true },
        { "client", r->client[0] == '\0' ? "-" : r->client, false },
        { "source", source, false },
    };
    jt_log_pairs(JT_LOG_INFO, "access", pairs, sizeof pairs / sizeof pairs[0]);
}

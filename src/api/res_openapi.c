/* SPDX-License-Identifier: Apache-2.0 */
/* GET /openapi.json: the contract, as it was when this program was built. */
#include "api/openapi.h"
#include "api/operation.h"

#include <string.h>

/*
 * RFC 9110 section 13.1.2, compared weakly. The tag holds no character that could make a piece of
 * another tag look like it: its quotes are compared too.
 */
static bool has_it(const struct jt_request *r)
{
    const char *known = r->if_none_match;
    return strcmp(known, "*") == 0 || strstr(known, jt_openapi_etag) != NULL;
}

static void answer(struct jt_request *r)
{
    struct jt_http_answer *out = &r->http.answer;
    out->name = "ETag";
    out->value = jt_openapi_etag;
    out->cache_control = "no-cache"; /* to be kept, and asked for by its tag */
    if (has_it(r)) {
        jt_request_answer_reply(r, 304);
        return;
    }
    jt_buf_put(&out->body, jt_openapi_text, jt_openapi_len);
    jt_request_answer_reply(r, 200);
}

const struct jt_operation jt_operation_openapi = { .handler = answer };

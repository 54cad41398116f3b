/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/auditask.h"

#include "base/hex.h"
#include "cli/exit.h"
#include "cli/rest.h"

#include <stdlib.h>

int jt_auditask(const struct jt_cli *cli, const char *kind, const struct jt_buf *body, bool *good)
{
    *good = true;
    if (cli == NULL) {
        return JT_EXIT_OK;
    }
    char *text = jt_buf_status(body) == JT_OK ? malloc(2 * body->len + 1) : NULL;
    if (text == NULL) {
        jt_complain("out of memory");
        return JT_EXIT_FAILED;
    }
    jt_hex_encode(body->data, body->len, text);
    json_t *ask = json_pack("{s[s]}", kind, text);
    struct jt_answer answer;
    int code = jt_rest_call(cli, "POST", "/v1/audit/verify", ask, &answer);
    *good =
        code == JT_EXIT_OK && json_is_true(json_array_get(json_object_get(answer.json, kind), 0));
    jt_answer_clear(&answer);
    json_decref(ask);
    free(text);
    return code;
}

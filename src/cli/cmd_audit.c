/* SPDX-License-Identifier: Apache-2.0 */
/* `jeton audit` */
#include "cli/exit.h"
#include "cli/options.h"
#include "cli/rest.h"

static void print_readings(const json_t *reply)
{
    size_t i;
    json_t *reading;
    printf("%-26s  %-32s  %-24s  %s\n", "AT", "CLIENT", "NODE", "REQUEST");
    json_array_foreach(json_object_get(reply, "readings"), i, reading)
    {
        printf("%-26s  %-32s  %-24s  %s\n", jt_reply_text(reading, "at"),
               jt_reply_text(reading, "client"), jt_reply_text(reading, "node"),
               jt_reply_text(reading, "request"));
    }
    if (jt_reply_true(reply, "more")) {
        printf("There are more: ask again with --since\n");
    }
}

int jt_cmd_audit(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *token = NULL, *field = NULL, *since = "", *until = "";
    const struct jt_option options[] = {
        JT_TEXT("field", "NAME", &field, "the token's field (required)"),
        JT_TEXT("since", "TIME", &since,
                "the earliest time, as 2026-01-31T12:00:00Z (the beginning)"),
        JT_TEXT("until", "TIME", &until, "the time before which to end (now)"),
    };
    struct jt_parse parse = { options, sizeof options / sizeof options[0], &token, 1, 1, 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    if (field == NULL) {
        return jt_usage_error(self, "--field is missing");
    }
    json_t *body = json_pack("{s:s, s:s, s:s, s:s}", "field", field, "token", token, "since", since,
                             "until", until);
    if (body == NULL) {
        return jt_usage_error(self, "an argument is not UTF-8");
    }
    code = jt_rest_show(cli, "POST", "/v1/audit/search", body, print_readings);
    json_decref(body);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* `jeton audit list` */
#include "cli/exit.h"
#include "cli/options.h"
#include "cli/rest.h"
#include "cli/trail.h"

#include <stdlib.h>

static int print_row(void *arg, const json_t *row)
{
    (void)arg;
    printf("%-27s  %-19s  %-16s  %-16s  %6lld  %6lld  %-15s  %s  %s\n", jt_reply_text(row, "at"),
           jt_reply_text(row, "action"), jt_reply_text(row, "client"), jt_reply_text(row, "field"),
           jt_reply_integer(row, "items"), jt_reply_integer(row, "done"),
           jt_reply_text(row, "source"), jt_reply_text(row, "request"),
           json_is_null(json_object_get(row, "reason")) ? jt_reply_text(row, "object")
                                                        : jt_reply_text(row, "reason"));
    return JT_EXIT_OK;
}

static int print_json(void *arg, const json_t *row)
{
    (void)arg;
    char *text = json_dumps(row, JSON_COMPACT);
    printf("%s\n", text == NULL ? "" : text);
    free(text);
    return text == NULL ? JT_EXIT_FAILED : JT_EXIT_OK;
}

int jt_cmd_audit_list(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    struct jt_trail_query query = { .max = 100 };
    const struct jt_option options[] = {
        JT_TEXT("client", "NAME", &query.client, "rows of this client"),
        JT_TEXT("action", "NAME", &query.action, "rows of this action, as detokenize"),
        JT_TEXT("field", "NAME", &query.field, "rows of this field"),
        JT_TEXT("request", "ID", &query.request, "rows of this request (X-Request-Id)"),
        JT_TEXT("since", "TIME", &query.since,
                "the earliest time, as 2026-01-31T12:00:00Z (the beginning)"),
        JT_TEXT("until", "TIME", &query.until, "the time before which to end (now)"),
        JT_NUMBER("max", "N", &query.max, 0, 1000000000, "at most so many rows, 0: all (100)"),
    };
    struct jt_parse parse = { .options = options, .n_options = sizeof options / sizeof options[0] };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    if (!cli->json) {
        printf("%-27s  %-19s  %-16s  %-16s  %6s  %6s  %-15s  %-32s  %s\n", "AT", "ACTION", "CLIENT",
               "FIELD", "ITEMS", "DONE", "SOURCE", "REQUEST", "OBJECT OR REASON");
    }
    return jt_trail_rows(cli, &query, cli->json ? print_json : print_row, NULL);
}

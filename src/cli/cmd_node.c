/* SPDX-License-Identifier: Apache-2.0 */
/* `jeton node accept-ids`, `jeton node accept-numeric`, `jeton node accept-sets` */
#include "cli/exit.h"
#include "cli/options.h"
#include "cli/rest.h"

static void print_accepted(const json_t *reply)
{
    printf("Accepted: ids go on beyond the newest one, %lld ms after 2020-01-01T00:00:00Z\n",
           jt_reply_integer(reply, "newest_ms_since_2020"));
}

static int say(const struct jt_command *self, struct jt_cli *cli, const char *path,
               const char *reason, void (*print)(const json_t *reply))
{
    if (reason == NULL) {
        return jt_usage_error(self, "--reason is missing");
    }
    json_t *body = json_pack("{s:s}", "reason", reason);
    if (body == NULL) {
        return jt_usage_error(self, "the reason is not UTF-8");
    }
    int code = jt_rest_show(cli, "POST", path, body, print);
    json_decref(body);
    return code;
}

int jt_cmd_node_accept_ids(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *reason = NULL;
    const struct jt_option options[] = {
        JT_TEXT("reason", "REASON", &reason,
                "why ids may lie far ahead of the clock; it is recorded (required)"),
    };
    struct jt_parse parse = { .options = options, .n_options = sizeof options / sizeof options[0] };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    return code != JT_GO_ON ? code : say(self, cli, "/v1/node/accept-ids", reason, print_accepted);
}

static void print_numeric(const json_t *reply)
{
    (void)reply;
    printf("Accepted: numeric tokens are issued on this database\n");
}

int jt_cmd_node_accept_numeric(const struct jt_command *self, struct jt_cli *cli, int argc,
                               char **argv)
{
    const char *reason = NULL;
    const struct jt_option options[] = {
        JT_TEXT("reason", "REASON", &reason,
                "why no numeric token that was lost can do harm; it is recorded (required)"),
    };
    struct jt_parse parse = { .options = options, .n_options = sizeof options / sizeof options[0] };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    return code != JT_GO_ON ? code
                            : say(self, cli, "/v1/node/accept-numeric", reason, print_numeric);
}

static void print_sets(const json_t *reply)
{
    (void)reply;
    printf("Accepted: the clients and fields of the restored database stand\n");
}

int jt_cmd_node_accept_sets(const struct jt_command *self, struct jt_cli *cli, int argc,
                            char **argv)
{
    const char *reason = NULL;
    const struct jt_option options[] = {
        JT_TEXT("reason", "REASON", &reason,
                "why an older set of clients or fields is right; it is recorded (required)"),
    };
    struct jt_parse parse = { .options = options, .n_options = sizeof options / sizeof options[0] };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    return code != JT_GO_ON ? code : say(self, cli, "/v1/node/accept-sets", reason, print_sets);
}

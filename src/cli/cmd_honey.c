/* SPDX-License-Identifier: Apache-2.0 */
/* `jeton honey add`, `jeton honey remove`, `jeton honey list` */
#include "cli/exit.h"
#include "cli/options.h"
#include "cli/rest.h"

static void print_one(const json_t *reply)
{
    printf(jt_reply_true(reply, "marked") ? "Marked: whoever opens this card raises an alarm\n"
                                          : "The card is not marked any more\n");
}

static int change(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv,
                  const char *path)
{
    const char *token = NULL, *field = NULL;
    const struct jt_option options[] = {
        JT_TEXT("field", "NAME", &field, "the token's field (required)"),
    };
    struct jt_parse parse = { options, sizeof options / sizeof options[0], &token, 1, 1, 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    if (field == NULL) {
        return jt_usage_error(self, "--field is missing");
    }
    json_t *body = json_pack("{s:s, s:s}", "field", field, "token", token);
    if (body == NULL) {
        return jt_usage_error(self, "an argument is not UTF-8");
    }
    code = jt_rest_show(cli, "POST", path, body, print_one);
    json_decref(body);
    return code;
}

int jt_cmd_honey_add(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    return change(self, cli, argc, argv, "/v1/honey/add");
}

int jt_cmd_honey_remove(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    return change(self, cli, argc, argv, "/v1/honey/remove");
}

static void print_marks(const json_t *reply)
{
    size_t i;
    json_t *mark;
    printf("%-32s  %s\n", "FIELD", "TOKEN");
    json_array_foreach(json_object_get(reply, "marks"), i, mark)
    {
        printf("%-32s  %s\n", jt_reply_text(mark, "field"), jt_reply_text(mark, "token"));
    }
}

int jt_cmd_honey_list(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    struct jt_parse parse = { 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    return code != JT_GO_ON ? code : jt_rest_show(cli, "GET", "/v1/honey", NULL, print_marks);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* `jeton field add`, `jeton field list` */
#include "cli/exit.h"
#include "cli/options.h"
#include "cli/rest.h"

static void print_field(const json_t *field)
{
    printf("%-32s %8lld  %-6s %-8s %-8s %lld\n", jt_reply_text(field, "name"),
           jt_reply_integer(field, "id"), jt_reply_text(field, "kind"),
           jt_reply_true(field, "dedup") ? "yes" : "no",
           jt_reply_true(field, "allow_bad_luhn") ? "accepted" : "refused",
           jt_reply_integer(field, "mask_digits"));
}

static void print_head(void)
{
    printf("%-32s %8s  %-6s %-8s %-8s %s\n", "FIELD", "ID", "KIND", "DEDUP", "BAD LUHN", "MASK");
}

static void print_added(const json_t *field)
{
    print_head();
    print_field(field);
}

static void print_list(const json_t *reply)
{
    size_t i;
    json_t *field;
    print_head();
    json_array_foreach(json_object_get(reply, "fields"), i, field)
    {
        print_field(field);
    }
}

int jt_cmd_field_add(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    bool no_dedup = false, allow_bad_luhn = false, mask_eight = false;
    const char *name = NULL;
    const struct jt_option options[] = {
        JT_FLAG("no-dedup", &no_dedup, "give a new token each time, instead of one token per card"),
        JT_FLAG("allow-bad-luhn", &allow_bad_luhn, "accept numbers whose check digit is wrong"),
        JT_FLAG("mask-eight", &mask_eight, "show eight leading digits of masked numbers, not six"),
    };
    struct jt_parse parse = { options, sizeof options / sizeof options[0], &name, 1, 1, 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    json_t *body =
        json_pack("{s:s, s:b, s:b, s:i}", "name", name, "dedup", !no_dedup, "allow_bad_luhn",
                  (int)allow_bad_luhn, "mask_digits", mask_eight ? 8 : 6);
    if (body == NULL) {
        return jt_usage_error(self, "the name is not UTF-8");
    }
    code = jt_rest_show(cli, "POST", "/v1/fields", body, print_added);
    json_decref(body);
    return code;
}

int jt_cmd_field_list(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    struct jt_parse parse = { 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    return code != JT_GO_ON ? code : jt_rest_show(cli, "GET", "/v1/fields", NULL, print_list);
}

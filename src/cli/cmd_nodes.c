/* SPDX-License-Identifier: Apache-2.0 */
/* `jeton nodes list` and `jeton nodes remove` */
#include "cli/exit.h"
#include "cli/options.h"
#include "cli/rest.h"

#include <string.h>

#define ROW "%-16s  %3s  %-10s  %-24s  %-24s  %-20s  %s\n"

/* Numbers as "3, 4"; "-" for none. */
static const char *numbers(const json_t *node, const char *name, char *out, size_t size)
{
    size_t i, used = 0;
    json_t *number;
    snprintf(out, size, "-");
    json_array_foreach(json_object_get(node, name), i, number)
    {
        int n = snprintf(out + used, size - used, "%s%lld", i == 0 ? "" : ", ",
                         (long long)json_integer_value(number));
        used = n > 0 && used + (size_t)n < size ? used + (size_t)n : used;
    }
    return out;
}

static void print_list(const json_t *reply)
{
    size_t i;
    json_t *node;
    printf(ROW, "NODE", "NO", "STATE", "STARTED", "LEASE UNTIL", "HOLDS", "LACKS");
    json_array_foreach(json_object_get(reply, "nodes"), i, node)
    {
        char number[24], holds[2048], lacks[2048];
        snprintf(number, sizeof number, "%lld", jt_reply_integer(node, "number"));
        printf(ROW, jt_reply_text(node, "name"), number, jt_reply_text(node, "state"),
               jt_reply_text(node, "started_at"), jt_reply_text(node, "lease_until"),
               numbers(node, "acknowledged", holds, sizeof holds),
               numbers(node, "missing", lacks, sizeof lacks));
    }
}

int jt_cmd_nodes_list(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    struct jt_parse parse = { 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    return code != JT_GO_ON ? code : jt_rest_show(cli, "GET", "/v1/nodes", NULL, print_list);
}

static void print_removed(const json_t *reply)
{
    printf("Removed: node %s; its number rests for a day\n", jt_reply_text(reply, "removed"));
}

/* What the option node in [front] may be; nothing else can be put into a path. */
static bool is_name(const char *text)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t len = strlen(text);
    return len > 0 && len <= 63 && strspn(text, letters) == len;
}

int jt_cmd_nodes_remove(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *name = NULL;
    struct jt_parse parse = { NULL, 0, &name, 1, 1, 0 };
    char path[128];
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    if (!is_name(name)) {
        return jt_usage_error(self, "not the name of a node");
    }
    snprintf(path, sizeof path, "/v1/nodes/%s", name);
    return jt_rest_show(cli, "DELETE", path, NULL, print_removed);
}

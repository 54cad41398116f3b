/* SPDX-License-Identifier: Apache-2.0 */
/* `jeton keys write-off` and `jeton keys write-offs`. */
#include "cli/cardlist.h"
#include "cli/exit.h"
#include "cli/number.h"
#include "cli/options.h"
#include "cli/rest.h"
#include "cli/writeoff.h"

void jt_writeoff_print_state(const json_t *reply)
{
    size_t i;
    json_t *one;
    printf("write-off %lld of generation %lld: %s", jt_reply_integer(reply, "number"),
           jt_reply_integer(reply, "generation"), jt_reply_text(reply, "state"));
    if (json_is_integer(json_object_get(reply, "cards_moved"))) {
        printf(", %lld of %lld cards", jt_reply_integer(reply, "cards_moved"),
               jt_reply_integer(reply, "cards"));
    }
    printf("\n");
    json_array_foreach(json_object_get(reply, "approvals"), i, one)
    {
        printf("approved by %s at %s\n", jt_reply_text(one, "custodian"), jt_reply_text(one, "at"));
    }
}

static void print_request(const json_t *reply)
{
    printf("%s\n", jt_reply_text(reply, "text"));
    jt_writeoff_print_state(reply);
}

static int ask(const struct jt_cli *cli, const char *path, bool anew)
{
    json_t *body = json_pack("{sb}", "anew", (int)anew);
    int code = jt_rest_show(cli, "POST", path, body, print_request);
    json_decref(body);
    return code;
}

int jt_cmd_keys_write_off(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *number = NULL;
    bool show = false, cards = false, anew = false;
    const struct jt_option options[] = {
        JT_FLAG("show", &show, "tell how one stands that was asked for, and ask nothing"),
        JT_FLAG("cards", &cards, "list its cards by token, and ask nothing"),
        JT_FLAG("anew", &anew, "list anew what is stuck now, in the place of one that waits"),
    };
    struct jt_parse parse = { options, sizeof options / sizeof options[0], &number, 1, 1, 0 };
    char path[JT_GENERATION_PATH];
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code == JT_GO_ON && show + cards + anew > 1) {
        code = jt_usage_error(self, "--show, --cards and --anew exclude each other");
    }
    if (code == JT_GO_ON) {
        code = jt_generation_path(self, number, cards ? "/write-off/cards" : "/write-off", path);
    }
    if (code != JT_GO_ON) {
        return code;
    }
    return cards  ? jt_cardlist_show(cli, path, false)
           : show ? jt_rest_show(cli, "GET", path, NULL, print_request)
                  : ask(cli, path, anew);
}

#define ROW "%6s  %-8s  %6s  %6s  %-24s  %-24s  %s\n"

static void print_list(const json_t *reply)
{
    size_t i;
    json_t *one;
    printf(ROW, "NUMBER", "STATE", "CARDS", "MOVED", "REQUESTED", "DONE", "REQUESTED BY");
    json_array_foreach(json_object_get(reply, "write_offs"), i, one)
    {
        char number[24], cards[24], moved[24];
        bool done = json_is_integer(json_object_get(one, "cards_moved"));
        (void)snprintf(number, sizeof number, "%lld", jt_reply_integer(one, "number"));
        (void)snprintf(cards, sizeof cards, "%lld", jt_reply_integer(one, "cards"));
        (void)snprintf(moved, sizeof moved, "%lld", jt_reply_integer(one, "cards_moved"));
        printf(ROW, number, jt_reply_text(one, "state"), cards, done ? moved : "-",
               jt_reply_text(one, "requested_at"), jt_reply_text(one, "done_at"),
               jt_reply_text(one, "requested_by"));
    }
}

int jt_cmd_keys_write_offs(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *number = NULL;
    struct jt_parse parse = { NULL, 0, &number, 1, 1, 0 };
    char path[JT_GENERATION_PATH];
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code == JT_GO_ON) {
        code = jt_generation_path(self, number, "/write-offs", path);
    }
    return code != JT_GO_ON ? code : jt_rest_show(cli, "GET", path, NULL, print_list);
}

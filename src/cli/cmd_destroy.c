/* SPDX-License-Identifier: Apache-2.0 */
/* `jeton keys destroy` and `jeton keys approve`. */
#include "cli/exit.h"
#include "cli/number.h"
#include "cli/options.h"
#include "cli/rest.h"
#include "cli/signing.h"
#include "cli/writeoff.h"

#include <stdio.h>
#include <string.h>

static void print_node(const json_t *node)
{
    const char *state = jt_reply_text(node, "state");
    if (strcmp(state, "grace") == 0) {
        printf("node %s: grace, %lld s left\n", jt_reply_text(node, "node"),
               jt_reply_integer(node, "seconds_left"));
    } else {
        printf("node %s: %s\n", jt_reply_text(node, "node"),
               strcmp(state, "-") == 0 ? "has not said yet" : state);
    }
}

static void print_state(const json_t *reply)
{
    size_t i;
    json_t *one;
    printf("generation %lld: %s\n", jt_reply_integer(reply, "generation"),
           jt_reply_text(reply, "state"));
    json_array_foreach(json_object_get(reply, "approvals"), i, one)
    {
        printf("approved by %s at %s\n", jt_reply_text(one, "custodian"), jt_reply_text(one, "at"));
    }
    json_array_foreach(json_object_get(reply, "nodes"), i, one)
    {
        print_node(one);
    }
}

static void print_request(const json_t *reply)
{
    printf("%s\n", jt_reply_text(reply, "text"));
    print_state(reply);
}

int jt_cmd_keys_destroy(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *number = NULL;
    bool show = false;
    const struct jt_option options[] = {
        JT_FLAG("show", &show, "tell how a destruction stands that was asked for, and ask nothing"),
    };
    struct jt_parse parse = { options, sizeof options / sizeof options[0], &number, 1, 1, 0 };
    char path[JT_GENERATION_PATH];
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code == JT_GO_ON) {
        code = jt_generation_path(self, number, show ? "/destruction" : "/destroy", path);
    }
    return code != JT_GO_ON ? code
                            : jt_rest_show(cli, show ? "GET" : "POST", path, NULL, print_request);
}

static int approve(struct jt_cli *cli, const struct jt_signing *s, bool write_off,
                   const char *text_path, const char *approve_path)
{
    json_t *body = NULL;
    struct jt_answer answer = { 0 };
    int code = jt_rest_call(cli, "GET", text_path, NULL, &answer);
    if (code == JT_EXIT_OK) {
        code = jt_signing_sign(s, jt_reply_text(answer.json, "text"), &body);
    }
    jt_answer_clear(&answer);
    if (code == JT_EXIT_OK) {
        code = jt_rest_show(cli, "POST", approve_path, body,
                            write_off ? jt_writeoff_print_state : print_state);
    }
    json_decref(body);
    return code;
}

int jt_cmd_keys_approve(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *number = NULL;
    bool write_off = false;
    struct jt_signing s = { .head = "jeton custodian approval v1\nact: destroy-key\n",
                            .what = "a destruction",
                            .warning = "After this nobody can read what is kept under this key, in "
                                       "a backup or anywhere." };
    const struct jt_option options[] = {
        JT_SIGNING_OPTIONS(s),
        JT_FLAG("write-off", &write_off,
                "sign that the cards which jeton keys write-off has listed are written off"),
    };
    struct jt_parse parse = { options, sizeof options / sizeof options[0], &number, 1, 1, 0 };
    char text_path[JT_GENERATION_PATH], approve_path[JT_GENERATION_PATH];
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code == JT_GO_ON) {
        code = jt_signing_complete(self, &s);
    }
    if (write_off) {
        s.head = "jeton custodian approval v1\nact: write-off-cards\n";
        s.what = "a write-off";
        s.warning =
            "After this the tokens of these cards are lost, and their rows go with the key.";
    }
    if (code == JT_GO_ON) {
        code =
            jt_generation_path(self, number, write_off ? "/write-off" : "/destruction", text_path);
    }
    if (code == JT_GO_ON) {
        code = jt_generation_path(self, number, write_off ? "/write-off/approve" : "/approve",
                                  approve_path);
    }
    return code != JT_GO_ON ? code : approve(cli, &s, write_off, text_path, approve_path);
}

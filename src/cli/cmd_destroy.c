/* SPDX-License-Identifier: Apache-2.0 */
/* `jeton keys destroy` and `jeton keys approve`. */
#include "base/secmem.h"
#include "cli/custodianfile.h"
#include "cli/exit.h"
#include "cli/number.h"
#include "cli/options.h"
#include "cli/rest.h"
#include "cli/writeoff.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

/* A control character in the text would show other words than are signed. */
static bool is_plain(const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if ((*p < 0x20 && *p != '\n') || *p > 0x7e) {
            return false;
        }
    }
    return true;
}

struct signing {
    const char *name, *path, *phrase_path;
    bool yes, write_off;
};

/* The text, whole, and the question on the terminal. */
static int confirm(const char *text, const struct signing *s)
{
    char answer[16] = "";
    fprintf(stderr, "%s", text);
    if (s->yes) {
        return JT_EXIT_OK;
    }
    fprintf(stderr, "\n%s\nType yes to sign: ",
            s->write_off ? "After this the tokens of these cards are lost, and their rows go with "
                           "the key."
                         : "After this nobody can read what is kept under this key, in a backup or "
                           "anywhere.");
    if (!isatty(STDIN_FILENO) || fgets(answer, sizeof answer, stdin) == NULL ||
        strcmp(answer, "yes\n") != 0) {
        jt_complain("nothing was signed");
        return JT_EXIT_FAILED;
    }
    return JT_EXIT_OK;
}

/* Makes the body of the approval of what `request` says. */
static int sign(const struct signing *s, const json_t *request, json_t **body)
{
    const char *text = jt_reply_text(request, "text");
    char head[80];
    char phrase[JT_PASSPHRASE_MAX + 1], approval_text[JT_APPROVAL_TEXT_MAX + 1];
    struct jt_approval approval;
    (void)snprintf(head, sizeof head, "jeton custodian approval v1\nact: %s\n",
                   s->write_off ? "write-off-cards" : "destroy-key");
    if (strncmp(text, head, strlen(head)) != 0 || !is_plain(text)) {
        jt_complain("the server did not send the text of a %s",
                    s->write_off ? "write-off" : "destruction");
        return JT_EXIT_FAILED;
    }
    int code = confirm(text, s);
    if (code == JT_EXIT_OK) {
        code = jt_passphrase_get(s->phrase_path, false, phrase);
    }
    if (code == JT_EXIT_OK) {
        code = jt_custodianfile_sign(s->path, s->name, phrase, text, strlen(text), &approval);
    }
    jt_wipe(phrase, sizeof phrase);
    if (code == JT_EXIT_OK) {
        jt_approval_format(&approval, approval_text);
        *body = json_pack("{ss}", "approval", approval_text);
        code = *body == NULL ? JT_EXIT_FAILED : JT_EXIT_OK;
    }
    return code;
}

static int approve(struct jt_cli *cli, const struct signing *s, const char *text_path,
                   const char *approve_path)
{
    json_t *body = NULL;
    struct jt_answer answer = { 0 };
    int code = jt_rest_call(cli, "GET", text_path, NULL, &answer);
    if (code == JT_EXIT_OK) {
        code = sign(s, answer.json, &body);
    }
    jt_answer_clear(&answer);
    if (code == JT_EXIT_OK) {
        code = jt_rest_show(cli, "POST", approve_path, body,
                            s->write_off ? jt_writeoff_print_state : print_state);
    }
    json_decref(body);
    return code;
}

int jt_cmd_keys_approve(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *number = NULL;
    struct signing s = { .name = NULL };
    const struct jt_option options[] = {
        JT_TEXT("custodian", "NAME", &s.name, "who signs (required)"),
        JT_TEXT("key", "FILE", &s.path, "the file of this custodian's key (required)"),
        JT_TEXT("passphrase-file", "FILE", &s.phrase_path,
                "the passphrase is the first line of this file, mode 0600; else it is asked for "
                "on the terminal"),
        JT_FLAG("yes", &s.yes, "sign without asking whether the text is right"),
        JT_FLAG("write-off", &s.write_off,
                "sign that the cards which jeton keys write-off has listed are written off"),
    };
    struct jt_parse parse = { options, sizeof options / sizeof options[0], &number, 1, 1, 0 };
    char text_path[JT_GENERATION_PATH], approve_path[JT_GENERATION_PATH];
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code == JT_GO_ON && (s.name == NULL || s.path == NULL)) {
        code = jt_usage_error(self, "--%s is missing", s.name == NULL ? "custodian" : "key");
    }
    if (code == JT_GO_ON) {
        code = jt_generation_path(self, number, s.write_off ? "/write-off" : "/destruction",
                                  text_path);
    }
    if (code == JT_GO_ON) {
        code = jt_generation_path(self, number, s.write_off ? "/write-off/approve" : "/approve",
                                  approve_path);
    }
    return code != JT_GO_ON ? code : approve(cli, &s, text_path, approve_path);
}

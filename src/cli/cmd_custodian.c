/* SPDX-License-Identifier: Apache-2.0 */
/* `jeton custodian key`, `list`, `approve` and `replace`. */
#include "base/hex.h"
#include "base/secmem.h"
#include "cli/custodianfile.h"
#include "cli/custodianlist.h"
#include "cli/exit.h"
#include "cli/options.h"
#include "cli/rest.h"

#include <stdio.h>
#include <string.h>

#define PASSPHRASE_OPTION(target)                                                                \
    JT_TEXT("passphrase-file", "FILE", target,                                                   \
            "the passphrase is the first line of this file, mode 0600; else it is asked for on " \
            "the terminal")

int jt_cmd_custodian_key(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *path = NULL, *name = NULL, *phrase_path = NULL;
    const struct jt_option options[] = {
        JT_TEXT("name", "NAME", &name, "the custodian's name (required)"),
        PASSPHRASE_OPTION(&phrase_path),
    };
    struct jt_parse parse = { options, sizeof options / sizeof options[0], &path, 1, 1, 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    if (name == NULL || !jt_custodian_name_valid(name)) {
        return jt_usage_error(self, "--name must be 1 to 32 of a-z 0-9 - and start with a letter, "
                                    "and not be such as could be a card number");
    }
    char phrase[JT_PASSPHRASE_MAX + 1], text[JT_CUSTODIAN_TEXT_MAX + 1];
    struct jt_custodian custodian;
    code = jt_passphrase_get(phrase_path, true, phrase);
    if (code == JT_EXIT_OK) {
        code = jt_custodianfile_make(path, name, phrase, &custodian);
    }
    jt_wipe(phrase, sizeof phrase);
    if (code == JT_EXIT_OK) {
        jt_custodian_format(&custodian, text);
        printf("%s\n", text);
    }
    return code;
}

static void print_list(const json_t *reply)
{
    size_t i;
    json_t *one;
    printf("version %lld\n", jt_reply_integer(reply, "version"));
    json_array_foreach(json_object_get(reply, "custodians"), i, one)
    {
        printf("%-32s  %s\n", jt_reply_text(one, "name"), jt_reply_text(one, "text"));
    }
}

int jt_cmd_custodian_list(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    struct jt_parse parse = { 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    return code != JT_GO_ON ? code : jt_rest_show(cli, "GET", "/v1/custodians", NULL, print_list);
}

/* What the next set says of itself besides its custodians. */
static bool take_present(const json_t *reply, struct jt_custodian_set *next)
{
    const char *root = jt_reply_text(reply, "service_root");
    next->version = (uint64_t)jt_reply_integer(reply, "version") + 1;
    next->development = strcmp(jt_reply_text(reply, "environment"), "development") == 0;
    return next->version > 1 && strlen(root) == 2 * JT_CHECK_VALUE_LEN &&
           jt_hex_decode(root, sizeof next->root_check_value, next->root_check_value) == JT_OK;
}

/* Signs what the next set would be, which it prints. */
static int sign_set(const struct jt_custodian_set *next, const char *name, const char *path,
                    const char *phrase_path)
{
    char phrase[JT_PASSPHRASE_MAX + 1], text[JT_APPROVAL_TEXT_MAX + 1];
    struct jt_approval approval;
    struct jt_buf set;
    jt_buf_init(&set, JT_CUSTODIAN_SET_TEXT_MAX);
    jt_custodian_set_text(next, &set);
    int code = jt_buf_status(&set) == JT_OK ? jt_passphrase_get(phrase_path, false, phrase)
                                            : JT_EXIT_FAILED;
    if (code == JT_EXIT_OK) {
        fprintf(stderr, "%.*s", (int)set.len, (const char *)set.data);
        code = jt_custodianfile_sign(path, name, phrase, set.data, set.len, &approval);
    }
    jt_wipe(phrase, sizeof phrase);
    jt_buf_clear(&set);
    if (code == JT_EXIT_OK) {
        jt_approval_format(&approval, text);
        printf("%s\n", text);
    }
    return code;
}

int jt_cmd_custodian_approve(const struct jt_command *self, struct jt_cli *cli, int argc,
                             char **argv)
{
    const char *texts[JT_CUSTODIANS_MAX], *name = NULL, *path = NULL, *phrase_path = NULL;
    const struct jt_option options[] = {
        JT_TEXT("custodian", "NAME", &name, "who signs: a present custodian (required)"),
        JT_TEXT("key", "FILE", &path, "the file of this custodian's key (required)"),
        PASSPHRASE_OPTION(&phrase_path),
    };
    struct jt_parse parse = {
        options, sizeof options / sizeof options[0], texts, JT_CUSTODIANS_MIN, JT_CUSTODIANS_MAX, 0
    };
    struct jt_custodian_set next;
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    if (name == NULL || path == NULL || !jt_custodianlist_parse(texts, parse.n_arguments, &next)) {
        return jt_usage_error(self, "the custodians to be (jcp_...), --custodian and --key are "
                                    "needed");
    }
    struct jt_answer answer = { 0 };
    code = jt_rest_call(cli, "GET", "/v1/custodians", NULL, &answer);
    if (code == JT_EXIT_OK && !take_present(answer.json, &next)) {
        jt_complain("the installation has no custodians: enroll them");
        code = JT_EXIT_FAILED;
    }
    jt_answer_clear(&answer);
    return code == JT_EXIT_OK ? sign_set(&next, name, path, phrase_path) : code;
}

/* Arguments are custodians and approvals, told apart by how they begin. */
static json_t *replace_body(const char *const *arguments, size_t n)
{
    json_t *custodians = json_array(), *approvals = json_array();
    for (size_t i = 0; i < n; i++) {
        bool approval = strncmp(arguments[i], "jca_", 4) == 0;
        (void)json_array_append_new(approval ? approvals : custodians, json_string(arguments[i]));
    }
    return json_pack("{so,so}", "custodians", custodians, "approvals", approvals);
}

int jt_cmd_custodian_replace(const struct jt_command *self, struct jt_cli *cli, int argc,
                             char **argv)
{
    const char *arguments[2 * JT_CUSTODIANS_MAX];
    struct jt_parse parse = {
        NULL, 0, arguments, JT_CUSTODIANS_MIN + JT_CUSTODIANS_NEEDED, 2 * JT_CUSTODIANS_MAX, 0
    };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    json_t *body = replace_body(arguments, parse.n_arguments);
    if (body == NULL) {
        return jt_usage_error(self, "an argument is not UTF-8");
    }
    code = jt_rest_show(cli, "POST", "/v1/custodians", body, print_list);
    json_decref(body);
    return code;
}

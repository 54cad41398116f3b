/* SPDX-License-Identifier: Apache-2.0 */
/* `jeton client rotate`, `disable`, `enable`, `remove` and, as it was called before, `revoke`. */
#include "cli/client_key.h"
#include "cli/exit.h"

int jt_cmd_client_rotate(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *name = NULL, *key_path = NULL;
    long overlap_s = 86400;
    bool again = false;
    char path[JT_CLIENT_PATH_MAX];
    const struct jt_option options[] = {
        JT_TEXT("key-file-out", "FILE", &key_path,
                "new file, mode 0600, that receives the fresh API key (required)"),
        JT_NUMBER("overlap", "SECONDS", &overlap_s, 0, JT_CLIENT_OVERLAP_MAX_S,
                  "how long the key before stays good (86400); 0: not at all, for one that may be "
                  "in strange hands"),
        JT_FLAG("again", &again,
                "the newest key was lost: void it, and leave the one before its time"),
    };
    struct jt_parse parse = { options, sizeof options / sizeof options[0], &name, 1, 1, 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    if (key_path == NULL) {
        return jt_usage_error(self, "--key-file-out is missing");
    }
    code = jt_client_path(self, name, "/rotate", path);
    if (code != JT_EXIT_OK) {
        return code;
    }
    json_t *body = json_pack("{s:i, s:b}", "overlap", (int)overlap_s, "again", (int)again);
    struct jt_answer answer;
    code = jt_client_key_fetch(cli, path, body, key_path, &answer);
    if (code == JT_EXIT_OK) {
        const char *until = jt_reply_text(answer.json, "old_secret_until");
        bool ends = json_is_string(json_object_get(answer.json, "old_secret_until"));
        printf("The fresh API key of %s is in %s; the one before is %s%s\n", name, key_path,
               ends ? "good until " : "void", ends ? until : "");
        jt_answer_clear(&answer);
    }
    json_decref(body);
    return code;
}

static int act(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv,
               const char *tail, void (*print)(const json_t *reply))
{
    const char *name = NULL;
    char path[JT_CLIENT_PATH_MAX];
    struct jt_parse parse = { NULL, 0, &name, 1, 1, 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    code = jt_client_path(self, name, tail, path);
    return code != JT_EXIT_OK ? code : jt_rest_show(cli, "POST", path, NULL, print);
}

static void print_disabled(const json_t *reply)
{
    printf("Client %s is disabled; jeton client enable lets it in again\n",
           jt_reply_text(reply, "id"));
}

int jt_cmd_client_disable(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    return act(self, cli, argc, argv, "/disable", print_disabled);
}

static void print_enabled(const json_t *reply)
{
    printf("Client %s is enabled\n", jt_reply_text(reply, "id"));
}

int jt_cmd_client_enable(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    return act(self, cli, argc, argv, "/enable", print_enabled);
}

static void print_removed(const json_t *reply)
{
    printf("Client %s is revoked; its name stays taken\n", jt_reply_text(reply, "id"));
}

int jt_cmd_client_remove(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    return act(self, cli, argc, argv, "/remove", print_removed);
}

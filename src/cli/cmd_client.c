/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `jeton client add`, `client list`, `client revoke`. The new client's API key goes to a file of
 * its own, never to the terminal.
 */
#include "base/secmem.h"
#include "cli/exit.h"
#include "cli/keyfile.h"
#include "cli/options.h"
#include "cli/rest.h"

#include <string.h>

/* "a,b" as a JSON array; NULL when a name between the commas is empty. */
static json_t *split(const char *list)
{
    json_t *array = json_array();
    for (const char *p = list; array != NULL; p += strcspn(p, ",") + 1) {
        size_t len = strcspn(p, ",");
        if (len == 0 || json_array_append_new(array, json_stringn(p, len)) != 0) {
            json_decref(array);
            return NULL;
        }
        if (p[len] == '\0') {
            break;
        }
    }
    return array;
}

/* Moves the key from the reply to its file. */
static int store_key(const struct jt_answer *answer, struct jt_keyfile *file)
{
    struct jt_credential credential;
    const char *key = json_string_value(json_object_get(answer->json, "api_key"));
    if (key == NULL || jt_credential_parse(key, &credential) != JT_OK) {
        jt_complain("the server's answer holds no API key");
        jt_keyfile_abandon(file);
        return JT_EXIT_FAILED;
    }
    jt_wipe(&credential, sizeof credential);
    return jt_keyfile_store(file, key);
}

static int add(const struct jt_cli *cli, json_t *body, const char *path)
{
    struct jt_keyfile file;
    int code = jt_keyfile_reserve(path, &file);
    if (code != JT_EXIT_OK) {
        return code;
    }
    struct jt_answer answer;
    code = jt_rest_call(cli, "POST", "/v1/clients", body, &answer);
    if (code != JT_EXIT_OK) {
        jt_keyfile_abandon(&file);
        return code;
    }
    code = store_key(&answer, &file);
    if (code == JT_EXIT_OK) {
        printf("Client %s added; its API key is in %s\n", jt_reply_text(answer.json, "id"), path);
    }
    jt_answer_clear(&answer);
    return code;
}

int jt_cmd_client_add(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *name = NULL, *may = NULL, *path = NULL;
    const struct jt_option options[] = {
        JT_TEXT("may", "LIST", &may,
                "what it may do: one or more of "
                "tokenize,detokenize,lookup,read-masked,delete,encrypt,decrypt,operate (required)"),
        JT_TEXT("key-file-out", "FILE", &path,
                "new file, mode 0600, that receives the API key (required)"),
    };
    struct jt_parse parse = { options, sizeof options / sizeof options[0], &name, 1, 1, 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    if (may == NULL || path == NULL) {
        return jt_usage_error(self, "--%s is missing", may == NULL ? "may" : "key-file-out");
    }
    json_t *permissions = split(may);
    json_t *body = permissions == NULL
                       ? NULL
                       : json_pack("{s:s, s:o}", "id", name, "permissions", permissions);
    if (body == NULL) {
        return jt_usage_error(self, "--may needs permissions separated by commas");
    }
    code = add(cli, body, path);
    json_decref(body);
    return code;
}

static void print_client(const json_t *client)
{
    size_t i;
    json_t *name;
    bool revoked = jt_reply_true(client, "revoked");
    printf("%-32s %-10s %-24s ", jt_reply_text(client, "id"), revoked ? "REVOKED" : "active",
           jt_reply_text(client, revoked ? "revoked_at" : "created_at"));
    json_array_foreach(json_object_get(client, "permissions"), i, name)
    {
        printf("%s%s", i == 0 ? "" : ",", json_string_value(name));
    }
    printf("\n");
}

static void print_clients(const json_t *reply)
{
    size_t i;
    json_t *client;
    printf("%-32s %-10s %-24s %s\n", "CLIENT", "STATE", "SINCE", "MAY");
    json_array_foreach(json_object_get(reply, "clients"), i, client)
    {
        print_client(client);
    }
}

int jt_cmd_client_list(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    struct jt_parse parse = { 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    return code != JT_GO_ON ? code : jt_rest_show(cli, "GET", "/v1/clients", NULL, print_clients);
}

static void print_revoked(const json_t *reply)
{
    printf("Client %s is revoked; its name stays taken\n", jt_reply_text(reply, "id"));
}

int jt_cmd_client_revoke(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *name = NULL;
    struct jt_parse parse = { NULL, 0, &name, 1, 1, 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    if (!jt_client_id_valid(name)) {
        return jt_usage_error(self,
                              "a client's name is 1 to 32 of a-z 0-9 - and starts with a letter");
    }
    char path[64 + JT_CLIENT_ID_MAX];
    snprintf(path, sizeof path, "/v1/clients/%s/revoke", name);
    return jt_rest_show(cli, "POST", path, NULL, print_revoked);
}

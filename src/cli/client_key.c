/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client_key.h"

#include "base/secmem.h"
#include "cli/exit.h"
#include "cli/keyfile.h"

int jt_client_path(const struct jt_command *self, const char *name, const char *tail,
                   char out[static JT_CLIENT_PATH_MAX])
{
    if (!jt_client_id_valid(name)) {
        return jt_usage_error(self,
                              "a client's name is 1 to 32 of a-z 0-9 - and starts with a letter");
    }
    (void)snprintf(out, JT_CLIENT_PATH_MAX, "/v1/clients/%s%s", name, tail);
    return JT_EXIT_OK;
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
    int code = jt_keyfile_store(file, key);
    if (code != JT_EXIT_OK) {
        jt_complain("the client's new key was made and is lost: have jeton client rotate --again "
                    "make another");
    }
    return code;
}

int jt_client_key_fetch(const struct jt_cli *cli, const char *path, json_t *body,
                        const char *key_path, struct jt_answer *out)
{
    struct jt_keyfile file;
    int code = jt_keyfile_reserve(key_path, &file);
    if (code != JT_EXIT_OK) {
        return code;
    }
    code = jt_rest_call(cli, "POST", path, body, out);
    if (code != JT_EXIT_OK) {
        jt_keyfile_abandon(&file);
        return code;
    }
    code = store_key(out, &file);
    if (code != JT_EXIT_OK) {
        jt_answer_clear(out);
    }
    return code;
}

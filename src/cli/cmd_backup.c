/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `jeton keys backup` and `jeton keys backups`.
 *
 * A backup is written, read back from the disk, and opened by the keeper as it was read; only then
 * it counts. What cannot be verified now stays where it was written, and can be verified later.
 */
#include "base/base64.h"
#include "cli/exit.h"
#include "cli/newfile.h"
#include "cli/options.h"
#include "cli/rest.h"
#include "model/escrow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The numbers of a list as "3, 4"; "-" for none. They are the members `name` where that is given.
 */
static void print_numbers(const json_t *list, const char *name)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        const json_t *number = name == NULL ? item : json_object_get(item, name);
        printf("%s%lld", i == 0 ? "" : ", ", (long long)json_integer_value(number));
    }
    if (json_array_size(list) == 0) {
        printf("-");
    }
}

/* --- one file --- */

static int tell_verified(const struct jt_cli *cli, const char *path, const struct jt_answer *answer)
{
    const json_t *reply = answer->json, *lacks = json_object_get(reply, "lacks");
    if (cli->json) {
        printf("%s\n", answer->text);
    } else {
        printf("%s: read back, and opened by the keeper\n", path);
        printf("SHA-256      %s\n", jt_reply_text(reply, "digest"));
        printf("made at      %s, epoch %lld\n", jt_reply_text(reply, "made_at"),
               jt_reply_integer(reply, "epoch"));
        printf("has          the service root, and the keys of generations ");
        print_numbers(json_object_get(reply, "generations"), "number");
        printf("\nopens with   the master key of this installation only: keep the two apart\n");
    }
    if (json_array_size(lacks) == 0) {
        return JT_EXIT_OK;
    }
    if (!cli->json) {
        printf("LACKS        the keys of generations ");
        print_numbers(lacks, NULL);
        printf("\n");
    }
    jt_complain("%s: not every future and live generation is in it", path);
    return JT_EXIT_FAILED;
}

static json_t *body_of(const struct jt_buf *file)
{
    char text[JT_BASE64_LEN(JT_ESCROW_MAX) + 1];
    jt_base64_encode(file->data, file->len, text);
    return json_pack("{ss}", "file", text);
}

/* Has the keeper open what stands in the file. */
static int verify(const struct jt_cli *cli, const char *path)
{
    struct jt_buf file;
    struct jt_answer answer = { 0 };
    jt_buf_init(&file, JT_ESCROW_MAX);
    int code = jt_newfile_read(path, &file);
    if (code == JT_EXIT_OK && file.len == 0) {
        jt_complain("%s: is empty", path);
        code = JT_EXIT_FAILED;
    }
    json_t *body = code == JT_EXIT_OK ? body_of(&file) : NULL;
    if (code == JT_EXIT_OK) {
        code = jt_rest_call(cli, "POST", "/v1/backups/verify", body, &answer);
    }
    if (code == JT_EXIT_OK) {
        code = tell_verified(cli, path, &answer);
    }
    json_decref(body);
    jt_answer_clear(&answer);
    jt_buf_clear(&file);
    return code;
}

static int store(const char *path, const json_t *reply)
{
    const char *text = jt_reply_text(reply, "file");
    uint8_t *bytes = malloc(JT_ESCROW_MAX);
    size_t len = 0;
    int code = JT_EXIT_FAILED;
    if (bytes == NULL ||
        jt_base64_decode(text, strlen(text), bytes, JT_ESCROW_MAX, &len) != JT_OK || len == 0) {
        jt_complain("the server's answer is not a backup");
    } else {
        code = jt_newfile_create(path, bytes, len);
    }
    free(bytes);
    return code;
}

static int make(const struct jt_cli *cli, const char *path)
{
    struct jt_answer answer = { 0 };
    if (access(path, F_OK) == 0 || errno != ENOENT) { /* before keys leave for nothing */
        jt_complain("%s: %s", path, access(path, F_OK) == 0 ? "exists already" : strerror(errno));
        return JT_EXIT_FAILED;
    }
    int code = jt_rest_call(cli, "POST", "/v1/backups", NULL, &answer);
    if (code == JT_EXIT_OK) {
        code = store(path, answer.json);
    }
    jt_answer_clear(&answer);
    if (code != JT_EXIT_OK) {
        return code;
    }
    code = verify(cli, path);
    if (code != JT_EXIT_OK && code != JT_EXIT_FAILED) {
        jt_complain("%s is written, and not verified: jeton keys backup --check does it", path);
    }
    return code;
}

int jt_cmd_keys_backup(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *path = NULL;
    bool check = false;
    const struct jt_option options[] = {
        JT_FLAG("check", &check, "verify a file that was made before, and make none"),
    };
    struct jt_parse parse = { options, sizeof options / sizeof options[0], &path, 1, 1, 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    return check ? verify(cli, path) : make(cli, path);
}

/* --- all of them --- */

#define ROW "%-64s  %-20s  %-20s  %6s  "

static void print_list(const json_t *reply)
{
    size_t i;
    json_t *backup;
    printf(ROW "%s\n", "SHA-256", "MADE", "VERIFIED", "EPOCH", "GENERATIONS; LACKS");
    json_array_foreach(json_object_get(reply, "backups"), i, backup)
    {
        char epoch[24];
        snprintf(epoch, sizeof epoch, "%lld", jt_reply_integer(backup, "epoch"));
        printf(ROW, jt_reply_text(backup, "digest"), jt_reply_text(backup, "made_at"),
               jt_reply_text(backup, "verified_at"), epoch);
        print_numbers(json_object_get(backup, "generations"), "number");
        printf("; ");
        print_numbers(json_object_get(backup, "lacks"), NULL);
        printf("\n");
    }
}

static void print_forgotten(const json_t *reply)
{
    printf("Forgotten: %s\n", jt_reply_text(reply, "forgotten"));
}

int jt_cmd_keys_backups(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *digest = NULL;
    const struct jt_option options[] = {
        JT_TEXT("forget", "SHA-256", &digest,
                "the file is gone: it counts no more, and is not listed; all 64 digits are needed"),
    };
    struct jt_parse parse = { .options = options, .n_options = sizeof options / sizeof options[0] };
    char path[128];
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    if (digest == NULL) {
        return jt_rest_show(cli, "GET", "/v1/backups", NULL, print_list);
    }
    if (strlen(digest) != 64 || strspn(digest, "0123456789abcdef") != 64) {
        return jt_usage_error(self, "--forget needs the 64 digits that sha256sum prints");
    }
    snprintf(path, sizeof path, "/v1/backups/%s", digest);
    return jt_rest_show(cli, "DELETE", path, NULL, print_forgotten);
}

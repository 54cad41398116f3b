/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `jeton keys create`, `list`, `held`, `plan`, `activate`, `compromise` and `abandon`; the end of a
 * generation is in cmd_retire.c.
 */
#include "cli/exit.h"
#include "cli/number.h"
#include "cli/options.h"
#include "cli/rest.h"

#include <string.h>

#define ROW "%6s  %3s  %-9s  %-16s  %12s  %-24s  %-24s  %-24s  %-24s  %s\n"

static void print_head(void)
{
    printf(ROW, "NUMBER", "KEY", "STATE", "CHECK VALUE", "ROWS", "CREATED", "ACTIVATED", "DRAINING",
           "RETIRED", "NOTES");
}

/* When it becomes active by itself, and whether somebody else may know its key. */
static void note(const json_t *g, char *out, size_t size)
{
    const char *adopt_at = jt_reply_text(g, "adopt_at");
    bool planned = adopt_at[0] != '-' && strcmp(jt_reply_text(g, "state"), "future") == 0;
    bool compromised = json_is_true(json_object_get(g, "compromised"));
    snprintf(out, size, "%s%s%s", planned ? "due " : "", planned ? adopt_at : "",
             compromised ? "compromised" : "");
}

static void print_row(const json_t *g)
{
    char number[24], key_id[24], rows[24], notes[80];
    snprintf(number, sizeof number, "%lld", jt_reply_integer(g, "number"));
    snprintf(key_id, sizeof key_id, "%lld", jt_reply_integer(g, "key_id"));
    snprintf(rows, sizeof rows, "%lld", jt_reply_integer(g, "rows"));
    note(g, notes, sizeof notes);
    printf(ROW, number, key_id, jt_reply_text(g, "state"), jt_reply_text(g, "check_value"), rows,
           jt_reply_text(g, "created_at"), jt_reply_text(g, "activated_at"),
           jt_reply_text(g, "draining_at"), jt_reply_text(g, "retired_at"), notes);
}

static void print_one(const json_t *reply)
{
    print_head();
    print_row(reply);
}

/* Below the table: of whom the key is waited for. */
static void print_missing(const json_t *generation)
{
    size_t i;
    json_t *node, *missing = json_object_get(generation, "missing_nodes");
    if (json_array_size(missing) == 0) {
        return;
    }
    printf("Generation %lld is not acknowledged yet by", jt_reply_integer(generation, "number"));
    json_array_foreach(missing, i, node)
    {
        const char *name = json_string_value(node);
        printf("%s %s", i == 0 ? "" : ",", name == NULL ? "?" : name);
    }
    printf("\n");
}

static void print_list(const json_t *reply)
{
    size_t i;
    json_t *generation, *all = json_object_get(reply, "generations");
    print_head();
    json_array_foreach(all, i, generation)
    {
        print_row(generation);
    }
    json_array_foreach(all, i, generation)
    {
        print_missing(generation);
    }
}

/* Shows the answer to a POST with the texts of a body; those that are NULL are left out. */
static int post(const struct jt_command *self, struct jt_cli *cli, const char *path,
                const char *const names[], const char *const texts[], size_t n)
{
    json_t *body = json_object();
    for (size_t i = 0; i < n && body != NULL; i++) {
        if (texts[i] != NULL && json_object_set_new(body, names[i], json_string(texts[i])) != 0) {
            json_decref(body);
            body = NULL;
        }
    }
    if (body == NULL) {
        return jt_usage_error(self, "the reason is not UTF-8");
    }
    int code = jt_rest_show(cli, "POST", path, body, print_one);
    json_decref(body);
    return code;
}

#define HOLDER_OPTION(reason)                         \
    JT_TEXT("accept-single-holder", "REASON", reason, \
            "go ahead with a key that is held in one place only; the reason is recorded")

static const char *const date_and_holder[] = { "adopt_at", "accept_single_holder" };

int jt_cmd_keys_create(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *at = NULL, *reason = NULL;
    const struct jt_option options[] = {
        JT_TEXT("at", "TIME", &at, "roll to it by itself from then on, as in 2027-01-01T02:00:00Z"),
        HOLDER_OPTION(&reason),
    };
    struct jt_parse parse = { .options = options, .n_options = sizeof options / sizeof options[0] };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code == JT_GO_ON && at == NULL && reason != NULL) {
        code = jt_usage_error(self, "--accept-single-holder belongs to --at");
    }
    const char *const texts[] = { at, reason };
    return code != JT_GO_ON ? code : post(self, cli, "/v1/generations", date_and_holder, texts, 2);
}

int jt_cmd_keys_plan(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *number = NULL, *at = NULL, *reason = NULL;
    bool never = false;
    const struct jt_option options[] = {
        JT_TEXT("at", "TIME", &at, "roll to it by itself from then on, as in 2027-01-01T02:00:00Z"),
        JT_FLAG("never", &never, "take the date away"),
        HOLDER_OPTION(&reason),
    };
    struct jt_parse parse = { options, sizeof options / sizeof options[0], &number, 1, 1, 0 };
    char path[JT_GENERATION_PATH];
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code == JT_GO_ON && (at == NULL) != never) {
        code = jt_usage_error(self, "either --at or --never is needed");
    }
    if (code == JT_GO_ON) {
        code = jt_generation_path(self, number, "/plan", path);
    }
    const char *const texts[] = { never ? "" : at, reason };
    return code != JT_GO_ON ? code : post(self, cli, path, date_and_holder, texts, 2);
}

int jt_cmd_keys_compromise(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *number = NULL, *why = NULL, *reason = NULL;
    const struct jt_option options[] = {
        JT_TEXT("reason", "TEXT", &why, "what happened; recorded (required)"),
        JT_TEXT("accept-single-holder", "REASON", &reason,
                "replace it by a key that is held in one place only; the reason is recorded"),
    };
    struct jt_parse parse = { options, sizeof options / sizeof options[0], &number, 1, 1, 0 };
    char path[JT_GENERATION_PATH];
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code == JT_GO_ON && why == NULL) {
        code = jt_usage_error(self, "--reason is missing");
    }
    if (code == JT_GO_ON) {
        code = jt_generation_path(self, number, "/compromise", path);
    }
    static const char *const names[] = { "reason", "accept_single_holder" };
    const char *const texts[] = { why, reason };
    return code != JT_GO_ON ? code : post(self, cli, path, names, texts, 2);
}

int jt_cmd_keys_list(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    struct jt_parse parse = { 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    return code != JT_GO_ON ? code : jt_rest_show(cli, "GET", "/v1/generations", NULL, print_list);
}

#define HELD_ROW "%-64s  %-24s  %s\n"

static void print_held(const json_t *reply)
{
    size_t i;
    json_t *field;
    printf(HELD_ROW, "FIELD", "LAST SEALED", "LAST OPENED");
    json_array_foreach(json_object_get(reply, "fields"), i, field)
    {
        printf(HELD_ROW, jt_reply_text(field, "field"), jt_reply_text(field, "last_sealed_at"),
               jt_reply_text(field, "last_opened_at"));
    }
}

int jt_cmd_keys_held(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *number = NULL;
    struct jt_parse parse = { NULL, 0, &number, 1, 1, 0 };
    char path[JT_GENERATION_PATH];
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code == JT_GO_ON) {
        code = jt_generation_path(self, number, "/held", path);
    }
    return code != JT_GO_ON ? code : jt_rest_show(cli, "GET", path, NULL, print_held);
}

int jt_cmd_keys_abandon(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *number = NULL;
    struct jt_parse parse = { NULL, 0, &number, 1, 1, 0 };
    char path[JT_GENERATION_PATH];
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code == JT_GO_ON) {
        code = jt_generation_path(self, number, "/abandon", path);
    }
    return code != JT_GO_ON ? code : jt_rest_show(cli, "POST", path, NULL, print_one);
}

int jt_cmd_keys_activate(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *number = NULL, *reason = NULL;
    const struct jt_option options[] = { HOLDER_OPTION(&reason) };
    struct jt_parse parse = { options, sizeof options / sizeof options[0], &number, 1, 1, 0 };
    char path[JT_GENERATION_PATH];
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code == JT_GO_ON) {
        code = jt_generation_path(self, number, "/activate", path);
    }
    return code != JT_GO_ON ? code : post(self, cli, path, date_and_holder + 1, &reason, 1);
}

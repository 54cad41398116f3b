/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `jeton keys pause`, `resume` and `stuck`, and `jeton repair`: what an operator does about a
 * retirement under way.
 */
#include "cli/cardlist.h"
#include "cli/exit.h"
#include "cli/number.h"
#include "cli/options.h"
#include "cli/rest.h"

#include <string.h>

static void print_state(const json_t *reply)
{
    long long generation = jt_reply_integer(reply, "generation");
    if (json_is_string(json_object_get(reply, "paused_at"))) {
        printf("generation %lld: paused by %s, %lld rows left\n", generation,
               jt_reply_text(reply, "paused_by"), jt_reply_integer(reply, "rows_left"));
    } else {
        printf("generation %lld: %s, %lld rows left\n", generation, jt_reply_text(reply, "state"),
               jt_reply_integer(reply, "rows_left"));
    }
}

static int act(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv,
               const char *suffix)
{
    const char *number = NULL;
    struct jt_parse parse = { NULL, 0, &number, 1, 1, 0 };
    char path[JT_GENERATION_PATH];
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code == JT_GO_ON) {
        code = jt_generation_path(self, number, suffix, path);
    }
    return code != JT_GO_ON ? code : jt_rest_show(cli, "POST", path, NULL, print_state);
}

int jt_cmd_keys_pause(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    return act(self, cli, argc, argv, "/pause");
}

int jt_cmd_keys_resume(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    return act(self, cli, argc, argv, "/resume");
}

/* --- stuck --- */

int jt_cmd_keys_stuck(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *number = NULL;
    struct jt_parse parse = { NULL, 0, &number, 1, 1, 0 };
    char path[JT_GENERATION_PATH];
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code == JT_GO_ON) {
        code = jt_generation_path(self, number, "/stuck", path);
    }
    if (code != JT_GO_ON) {
        return code;
    }
    return jt_cardlist_show(cli, path, true);
}

/* --- repair --- */

static void print_repair(const json_t *reply)
{
    printf("%lld cards mended, %lld left that nothing mends", jt_reply_integer(reply, "mended"),
           jt_reply_integer(reply, "left"));
    if (jt_reply_integer(reply, "held_back") > 0) {
        printf(", %lld held back by the keeper's ceiling", jt_reply_integer(reply, "held_back"));
    }
    printf("\n");
}

/* Asks until there was time for all of them; the answer is the sum. */
static int repair_all(const struct jt_cli *cli, const char *path, json_t **sum)
{
    long long mended = 0;
    for (;;) {
        struct jt_answer answer;
        int code = jt_rest_call(cli, "POST", path, NULL, &answer);
        if (code != JT_EXIT_OK) {
            return code;
        }
        long long now = jt_reply_integer(answer.json, "mended");
        bool more = jt_reply_true(answer.json, "more") && now > 0;
        mended += now;
        if (!more) {
            *sum = json_pack("{s:I,s:I,s:I}", "mended", (json_int_t)mended, "left",
                             (json_int_t)jt_reply_integer(answer.json, "left"), "held_back",
                             (json_int_t)jt_reply_integer(answer.json, "held_back"));
        }
        jt_answer_clear(&answer);
        if (!more) {
            return JT_EXIT_OK;
        }
    }
}

int jt_cmd_repair(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *number = NULL;
    struct jt_parse parse = { NULL, 0, &number, 1, 1, 0 };
    char path[JT_GENERATION_PATH];
    json_t *sum = NULL;
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code == JT_GO_ON) {
        code = jt_generation_path(self, number, "/repair", path);
    }
    if (code == JT_GO_ON) {
        code = repair_all(cli, path, &sum);
    }
    if (sum != NULL && cli->json) {
        (void)json_dumpf(sum, stdout, JSON_COMPACT);
        printf("\n");
    } else if (sum != NULL) {
        print_repair(sum);
    }
    if (sum != NULL && jt_reply_integer(sum, "left") + jt_reply_integer(sum, "held_back") > 0) {
        code = JT_EXIT_STUCK;
    }
    json_decref(sum);
    return code;
}

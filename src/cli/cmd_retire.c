/* SPDX-License-Identifier: Apache-2.0 */
/* `jeton keys retire` and `jeton keys certificate`. */
#include "base/clock.h"
#include "cli/exit.h"
#include "cli/number.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/rest.h"

#include <string.h>

#define POLL_MS 250

/*
 * The text, and the signature with the key that made it in lines of the same form: everything a
 * verifier needs.
 */
static void print_certificate(const json_t *retirement)
{
    const json_t *certificate = json_object_get(retirement, "certificate");
    const char *text = jt_reply_text(certificate, "text");
    size_t len = strlen(text);
    printf("%s%s", text, len > 0 && text[len - 1] == '\n' ? "" : "\n");
    printf("signature: %s\npublic-key: %s\n", jt_reply_text(certificate, "signature"),
           jt_reply_text(certificate, "public_key"));
}

static void print_started(const json_t *retirement)
{
    printf("generation %lld: %s, %lld rows left\n", jt_reply_integer(retirement, "generation"),
           jt_reply_text(retirement, "state"), jt_reply_integer(retirement, "rows_left"));
}

static bool is_certified(const json_t *retirement)
{
    return strcmp(jt_reply_text(retirement, "state"), "certified") == 0 &&
           json_is_object(json_object_get(retirement, "certificate"));
}

static struct jt_progress_state progress_of(const json_t *retirement)
{
    double left = (double)jt_reply_integer(retirement, "rows_left");
    double moved = (double)jt_reply_integer(retirement, "rows_moved");
    const json_t *eta = json_object_get(retirement, "eta_seconds");
    return (struct jt_progress_state){
        .fraction = left + moved > 0 ? moved / (left + moved) : 1,
        .rows = (uint64_t)jt_reply_integer(retirement, "rows_moved"),
        .rate = json_number_value(json_object_get(retirement, "rate")),
        .eta_s = json_is_integer(eta) ? (int64_t)json_integer_value(eta) : -1,
    };
}

/* Rows that cannot be opened keep a retirement from ending: said once, while the wait goes on. */
static void tell_of_stuck_rows(const json_t *retirement, struct jt_progress *progress, bool *told)
{
    long long stuck = jt_reply_integer(retirement, "rows_stuck");
    if (stuck > 0 && !*told) {
        jt_progress_end(progress, NULL);
        jt_complain(
            "%lld rows cannot be moved: the retirement cannot end until they are repaired or "
            "removed",
            stuck);
        *told = true;
    }
}

/* Asks until the certificate is there. `answer` holds the last retirement seen and is replaced. */
static int await_certificate(const struct jt_cli *cli, const char *path, struct jt_answer *answer)
{
    struct jt_progress progress;
    jt_progress_start(&progress, "retire", false);
    int code = JT_EXIT_OK;
    bool told = false;
    while (code == JT_EXIT_OK && !is_certified(answer->json)) {
        struct jt_progress_state state = progress_of(answer->json);
        jt_progress_show(&progress, &state);
        tell_of_stuck_rows(answer->json, &progress, &told);
        jt_answer_clear(answer);
        jt_clock_pause(POLL_MS);
        code = jt_rest_call(cli, "GET", path, NULL, answer);
    }
    if (code == JT_EXIT_OK) {
        struct jt_progress_state state = progress_of(answer->json);
        jt_progress_end(&progress, &state);
    } else {
        jt_progress_end(&progress, NULL);
    }
    return code;
}

/*
 * Starts the retirement, or finds the one under way: a wait that was interrupted goes on when the
 * command is repeated.
 */
static int start(const struct jt_cli *cli, const char *retire_path, const char *retirement_path,
                 bool wait, struct jt_answer *answer)
{
    int code = jt_rest_ask(cli, "POST", retire_path, NULL, answer);
    if (code != JT_EXIT_OK) {
        return code;
    }
    if (answer->status >= 200 && answer->status <= 299 && answer->json != NULL) {
        return JT_EXIT_OK;
    }
    struct jt_answer present = { 0 };
    if (wait && answer->status == 409 &&
        jt_rest_ask(cli, "GET", retirement_path, NULL, &present) == JT_EXIT_OK &&
        present.status == 200 && present.json != NULL) {
        jt_answer_clear(answer);
        *answer = present;
        return JT_EXIT_OK;
    }
    jt_answer_clear(&present);
    return jt_answer_complain(answer);
}

int jt_cmd_keys_retire(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *number = NULL;
    bool wait = false;
    const struct jt_option options[] = {
        JT_FLAG("wait", &wait, "wait until it is retired, then print the certificate"),
    };
    struct jt_parse parse = { options, sizeof options / sizeof options[0], &number, 1, 1, 0 };
    char retire_path[JT_GENERATION_PATH], retirement_path[JT_GENERATION_PATH];
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code == JT_GO_ON) {
        code = jt_generation_path(self, number, "/retire", retire_path);
    }
    if (code == JT_GO_ON) {
        code = jt_generation_path(self, number, "/retirement", retirement_path);
    }
    if (code != JT_GO_ON) {
        return code;
    }
    struct jt_answer answer = { 0 };
    code = start(cli, retire_path, retirement_path, wait, &answer);
    if (code == JT_EXIT_OK && wait) {
        code = await_certificate(cli, retirement_path, &answer);
    }
    if (code == JT_EXIT_OK) {
        if (cli->json) {
            printf("%s\n", answer.text);
        } else if (wait) {
            print_certificate(answer.json);
        } else {
            print_started(answer.json);
        }
    }
    jt_answer_clear(&answer);
    return code;
}

int jt_cmd_keys_certificate(const struct jt_command *self, struct jt_cli *cli, int argc,
                            char **argv)
{
    const char *number = NULL;
    bool destruction = false;
    const struct jt_option options[] = {
        JT_FLAG("destruction", &destruction, "the one that its key was destroyed"),
    };
    struct jt_parse parse = { options, sizeof options / sizeof options[0], &number, 1, 1, 0 };
    char path[JT_GENERATION_PATH];
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code == JT_GO_ON) {
        code = jt_generation_path(self, number, destruction ? "/destruction" : "/retirement", path);
    }
    if (code != JT_GO_ON) {
        return code;
    }
    struct jt_answer answer;
    code = jt_rest_call(cli, "GET", path, NULL, &answer);
    if (code == JT_EXIT_OK && !is_certified(answer.json)) {
        jt_complain("generation %s has no certificate yet: its %s is %s", number,
                    destruction ? "destruction" : "retirement",
                    jt_reply_text(answer.json, "state"));
        code = JT_EXIT_REFUSED;
    } else if (code == JT_EXIT_OK && cli->json) {
        printf("%s\n", answer.text);
    } else if (code == JT_EXIT_OK) {
        print_certificate(answer.json);
    }
    jt_answer_clear(&answer);
    return code;
}

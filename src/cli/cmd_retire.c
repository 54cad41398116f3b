/* SPDX-License-Identifier: Apache-2.0 */
/* `jeton keys retire` and `jeton keys certificate`. */
#include "base/clock.h"
#include "cli/exit.h"
#include "cli/number.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/rest.h"

#include <string.h>
#include <time.h>

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

/* "until 18:03, held back: rate": when it ends by this machine's clock, and why not earlier. */
static const char *write_note(const json_t *retirement, int64_t eta_s, char *out, size_t room)
{
    const char *held = json_string_value(json_object_get(retirement, "throttled_by"));
    char until[40] = "";
    if (eta_s > 0) {
        time_t end = time(NULL) + (time_t)eta_s;
        struct tm tm;
        (void)strftime(until, sizeof until, eta_s < 86400 ? "until %H:%M" : "until %Y-%m-%d %H:%M",
                       localtime_r(&end, &tm));
    }
    if (json_is_string(json_object_get(retirement, "paused_at"))) {
        held = "paused";
    }
    snprintf(out, room, "%s%s%s%.20s", until, until[0] != '\0' && held != NULL ? ", " : "",
             held != NULL ? "held back: " : "", held != NULL ? held : "");
    return out[0] == '\0' ? NULL : out;
}

static struct jt_progress_state progress_of(const json_t *retirement, char *note, size_t room)
{
    double left = (double)jt_reply_integer(retirement, "rows_left");
    double moved = (double)jt_reply_integer(retirement, "rows_moved");
    const json_t *eta = json_object_get(retirement, "eta_seconds");
    struct jt_progress_state state = {
        .fraction = left + moved > 0 ? moved / (left + moved) : 1,
        .rows = (uint64_t)jt_reply_integer(retirement, "rows_moved"),
        .rate = json_number_value(json_object_get(retirement, "rate")),
        .eta_s = json_is_integer(eta) ? (int64_t)json_integer_value(eta) : -1,
    };
    state.note = write_note(retirement, state.eta_s, note, room);
    return state;
}

/* The cards are gone, and columns of applications keep it: they are drained by somebody else. */
static bool waits_for_columns(const json_t *retirement)
{
    return jt_reply_integer(retirement, "columns_waiting") > 0 &&
           jt_reply_integer(retirement, "rows_left") == 0 &&
           strcmp(jt_reply_text(retirement, "state"), "draining") == 0;
}

/* Nothing is left but cards that cannot be moved: no wait makes it end. */
static bool is_stuck(const json_t *retirement)
{
    long long stuck = jt_reply_integer(retirement, "rows_stuck");
    return waits_for_columns(retirement) ||
           (stuck > 0 && jt_reply_integer(retirement, "rows_left") <= stuck &&
            strcmp(jt_reply_text(retirement, "state"), "draining") == 0);
}

static void tell_columns(const json_t *retirement)
{
    size_t i;
    json_t *c;
    json_array_foreach(json_object_get(retirement, "columns"), i, c)
    {
        if (json_is_integer(json_object_get(c, "envelopes"))) {
            jt_complain("column %s has %lld envelopes under it: run jeton column drain %s",
                        jt_reply_text(c, "column"), jt_reply_integer(c, "envelopes"),
                        jt_reply_text(c, "field"));
        } else {
            jt_complain("column %s was not counted since it drains: run jeton column drain %s",
                        jt_reply_text(c, "column"), jt_reply_text(c, "field"));
        }
    }
    jt_complain("%lld columns of applications keep generation %lld from retiring; it goes on when "
                "they are drained",
                jt_reply_integer(retirement, "columns_waiting"),
                jt_reply_integer(retirement, "generation"));
}

static void tell_stuck(const json_t *retirement)
{
    if (waits_for_columns(retirement)) {
        tell_columns(retirement);
        return;
    }

    char causes[200] = "";
    size_t len = 0;
    const char *cause;
    json_t *n;
    json_object_foreach(json_object_get(retirement, "stuck"), cause, n)
    {
        if (len < sizeof causes) {
            len +=
                (size_t)snprintf(causes + len, sizeof causes - len, "%s%lld %.30s",
                                 len == 0 ? ": " : ", ", (long long)json_integer_value(n), cause);
        }
    }
    jt_complain("%lld rows cannot be moved and keep generation %lld from retiring%s; jeton keys "
                "stuck lists them, and the retirement goes on when they are mended or deleted",
                jt_reply_integer(retirement, "rows_stuck"),
                jt_reply_integer(retirement, "generation"), causes);
}

/*
 * Asks until the certificate is there, or nothing moves any more. `answer` holds the last
 * retirement seen and is replaced.
 */
static int await_certificate(const struct jt_cli *cli, const char *path, struct jt_answer *answer)
{
    struct jt_progress progress;
    char note[80];
    jt_progress_start(&progress, "retire", false);
    int code = JT_EXIT_OK;
    while (code == JT_EXIT_OK && !is_certified(answer->json) && !is_stuck(answer->json)) {
        struct jt_progress_state state = progress_of(answer->json, note, sizeof note);
        jt_progress_show(&progress, &state);
        jt_answer_clear(answer);
        jt_clock_pause(POLL_MS);
        code = jt_rest_call(cli, "GET", path, NULL, answer);
    }
    if (code == JT_EXIT_OK) {
        struct jt_progress_state state = progress_of(answer->json, note, sizeof note);
        jt_progress_end(&progress, &state);
    } else {
        jt_progress_end(&progress, NULL);
    }
    if (code == JT_EXIT_OK && is_stuck(answer->json)) {
        tell_stuck(answer->json);
        code = JT_EXIT_STUCK;
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

/* --- a dry run --- */

static void print_projection(const json_t *p)
{
    long long seconds = jt_reply_integer(p, "observed_seconds");
    long long gone = jt_reply_integer(p, "gone_by_itself");
    const char *alone = json_string_value(json_object_get(p, "end_by_itself"));
    const char *job = json_string_value(json_object_get(p, "end_by_job"));
    printf("%lld rows left\n", jt_reply_integer(p, "rows_left"));
    if (seconds == 0) {
        printf("by readers alone: not observed yet, ask again in a minute\n");
    } else {
        printf("by readers alone: %lld in the last %lld minutes%s%s\n", gone, (seconds + 59) / 60,
               alone == NULL ? "; no end is in sight" : "; the last one about ",
               alone == NULL ? "" : alone);
    }
    if (job == NULL) {
        printf("with the job: not known, there is no rate to go by\n");
    } else if (json_is_integer(json_object_get(p, "job_rate"))) {
        printf("with the job: %lld rows/s (%s), until about %s\n", jt_reply_integer(p, "job_rate"),
               strcmp(jt_reply_text(p, "job_rate_of"), "option") == 0 ? "option rate"
                                                                      : "as the last one",
               job);
    } else {
        printf("with the job: at once\n");
    }
}

static int retire(struct jt_cli *cli, const char *retire_path, const char *retirement_path,
                  bool wait)
{
    struct jt_answer answer = { 0 };
    int code = start(cli, retire_path, retirement_path, wait, &answer);
    if (code == JT_EXIT_OK && wait) {
        code = await_certificate(cli, retirement_path, &answer);
    }
    if (code == JT_EXIT_OK || code == JT_EXIT_STUCK) {
        if (cli->json) {
            printf("%s\n", answer.text);
        } else if (wait && code == JT_EXIT_OK) {
            print_certificate(answer.json);
        } else {
            print_started(answer.json);
        }
    }
    jt_answer_clear(&answer);
    return code;
}

int jt_cmd_keys_retire(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *number = NULL;
    bool wait = false, dry = false;
    const struct jt_option options[] = {
        JT_FLAG("wait", &wait, "wait until it is retired, then print the certificate"),
        JT_FLAG("dry-run", &dry, "begin nothing: tell how long it would take, with and without"),
    };
    struct jt_parse parse = { options, sizeof options / sizeof options[0], &number, 1, 1, 0 };
    char retire_path[JT_GENERATION_PATH], other_path[JT_GENERATION_PATH];
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code == JT_GO_ON && wait && dry) {
        return jt_usage_error(self, "--wait and --dry-run exclude each other");
    }
    if (code == JT_GO_ON) {
        code = jt_generation_path(self, number, "/retire", retire_path);
    }
    if (code == JT_GO_ON) {
        code = jt_generation_path(self, number, dry ? "/projection" : "/retirement", other_path);
    }
    if (code != JT_GO_ON) {
        return code;
    }
    return dry ? jt_rest_show(cli, "GET", other_path, NULL, print_projection)
               : retire(cli, retire_path, other_path, wait);
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

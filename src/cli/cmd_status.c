/* SPDX-License-Identifier: Apache-2.0 */
/* `jeton status` */
#include "cli/exit.h"
#include "cli/options.h"
#include "cli/rest.h"

static const char *yes_no(const json_t *object, const char *name, const char *yes, const char *no)
{
    return jt_reply_true(object, name) ? yes : no;
}

static void print_counters(const json_t *counters)
{
    const char *name;
    json_t *value;
    printf("since the server's start\n");
    /* jansson iterates over non-const objects only */
    json_object_foreach((json_t *)(uintptr_t)counters, name, value)
    {
        printf("  %-24s %12lld\n", name, (long long)json_integer_value(value));
    }
}

/* More than 2^39 messages under one key are told, more than 2^40 are too many. */
static void print_seals(const json_t *keeper)
{
    long long seals = jt_reply_integer(keeper, "seals");
    if (seals >= 1ll << 39) {
        printf("          %s generation %lld has sealed %lld messages here: roll to another one\n",
               seals >= 1ll << 40 ? "ALARM:" : "warning:",
               jt_reply_integer(keeper, "seals_generation"), seals);
    }
}

static void print_keeper(const json_t *keeper)
{
    if (!jt_reply_true(keeper, "up")) {
        printf("keeper    DOWN: see the log of jeton-keeper\n");
        return;
    }
    printf("keeper    up, epoch %lld, %s, memory %s\n", jt_reply_integer(keeper, "epoch"),
           yes_no(keeper, "development", "DEVELOPMENT KEYS", "production keys"),
           yes_no(keeper, "locked", "locked", "NOT LOCKED"));
    printf("          sealed %lld, opened %lld, resealed %lld, refused %lld\n",
           jt_reply_integer(keeper, "sealed"), jt_reply_integer(keeper, "opened"),
           jt_reply_integer(keeper, "resealed"), jt_reply_integer(keeper, "refused"));
    if (jt_reply_integer(keeper, "mismatched") > 0) {
        printf("          ALARM: %lld rows answered for a card that is not in them: see the log of "
               "jetond\n",
               jt_reply_integer(keeper, "mismatched"));
    }
    print_seals(keeper);
    if (!jt_reply_true(keeper, "service_root")) {
        printf("          NO SERVICE ROOT: restore service-root.key\n");
    } else if (!jt_reply_true(keeper, "mints_ids")) {
        printf("          MINTS NO IDS, so no card can be stored: see the log of jetond\n");
    }
    if (!jt_reply_true(keeper, "directory_good")) {
        printf("          KEY DIRECTORY NOT GOOD: files are gone or altered; see the log of "
               "jeton-keeper\n");
    }
}

/* What is in one place only can be lost. */
static void print_holders(const json_t *holders)
{
    long long n = jt_reply_integer(holders, "service_root");
    long long lacks = jt_reply_integer(holders, "backup_lacks");
    if (n == 1) {
        printf(
            "holders   THE SERVICE ROOT IS IN ONE PLACE ONLY: jeton keys backup FILE, or another "
            "node\n");
    } else if (n > 1) {
        printf("holders   the service root is in %lld places; last backup verified %s\n", n,
               jt_reply_text(holders, "backup_verified_at"));
    }
    if (n > 1 && lacks > 0 && json_is_string(json_object_get(holders, "backup_verified_at"))) {
        printf("          %lld future or live generations are in no backup: jeton keys backup "
               "FILE\n",
               lacks);
    }
}

/* What ends keys and cards, where there is any; what an operator must do about it. */
static void print_endings(const json_t *endings)
{
    const json_t *d = json_object_get(endings, "destructions");
    long long grace = jt_reply_integer(d, "grace"),
              stuck = jt_reply_integer(endings, "stuck_cards");
    if (jt_reply_integer(d, "waiting") + jt_reply_integer(d, "due") +
            jt_reply_integer(d, "erasing") + grace >
        0) {
        printf("destroy   %lld keys wait for a custodian, %lld are in their grace, %lld are due, "
               "%lld are being erased\n",
               jt_reply_integer(d, "waiting"), grace, jt_reply_integer(d, "due"),
               jt_reply_integer(d, "erasing"));
    }
    if (grace > 0) {
        printf("          %lld s of grace are left\n", jt_reply_integer(d, "grace_seconds_left"));
    }
    if (jt_reply_integer(d, "cancelled") > 0) {
        printf(
            "destroy   WARNING: %lld were cancelled, because the key was used: find out by whom, "
            "then ask anew\n",
            jt_reply_integer(d, "cancelled"));
    }
    if (stuck > 0) {
        printf("stuck     WARNING: %lld cards keep a generation from retiring: jeton keys stuck\n",
               stuck);
    }
    if (jt_reply_integer(endings, "write_offs_waiting") > 0) {
        printf("          %lld lists of cards wait for custodians to write them off\n",
               jt_reply_integer(endings, "write_offs_waiting"));
    }
    if (jt_reply_integer(endings, "written_off_cards") > 0) {
        printf("lost      %lld cards are written off\n",
               jt_reply_integer(endings, "written_off_cards"));
    }
}

static void print_connections(const json_t *connections)
{
    printf("door      %lld connections of %lld%s\n", jt_reply_integer(connections, "open"),
           jt_reply_integer(connections, "limit"),
           yes_no(connections, "refusing", ", REFUSING OTHERS for lack of room", ""));
}

/* Of applications' own tables. */
static void print_columns(long long n)
{
    if (n > 0) {
        printf("columns   %lld columns of applications keep a generation from retiring: "
               "jeton keys retire\n          N --wait names them, and jeton column drain FIELD "
               "moves what they have\n",
               n);
    }
}

static void print_status(const json_t *reply)
{
    const json_t *ring = json_object_get(reply, "ring");
    long long uptime = jt_reply_integer(reply, "uptime_seconds");
    printf("node      %s, number %lld, version %s, up %lld d %02lld:%02lld:%02lld\n",
           jt_reply_text(reply, "node"), jt_reply_integer(reply, "number"),
           jt_reply_text(reply, "version"), uptime / 86400, uptime / 3600 % 24, uptime / 60 % 60,
           uptime % 60);
    const json_t *database = json_object_get(reply, "database");
    printf("database  %s\n", yes_no(database, "up", "up", "DOWN"));
    if (jt_reply_true(database, "up") && !jt_reply_true(database, "schema")) {
        printf("schema    NOT AS IT WAS MADE, or the database does not do what it is told: see the "
               "log of jetond\n");
    } else if (jt_reply_true(database, "up")) {
        printf("schema    good\n");
    }
    if (*jt_reply_text(database, "disagrees") != '-') {
        printf("history   NOT WHAT WAS SEEN, so nothing is served: %s\n",
               jt_reply_text(database, "disagrees"));
    }
    print_keeper(json_object_get(reply, "keeper"));
    if (!jt_reply_true(reply, "keys_held")) {
        printf("keys      NOT ALL HELD: other nodes are asked for them, see the log of jetond\n");
    }
    if (!jt_reply_true(reply, "lease")) {
        printf("lease     OVER, so no card is served: see the log of jetond\n");
    }
    if (jt_reply_integer(ring, "epoch") == 0) {
        printf(
            "ring      NOT ACCEPTED by the keeper, so nothing is served: see the log of jetond\n");
    } else if (jt_reply_integer(ring, "active") > 0) {
        printf("ring      epoch %lld, generation %lld is active\n", jt_reply_integer(ring, "epoch"),
               jt_reply_integer(ring, "active"));
    } else {
        printf("ring      epoch %lld, no generation is active\n", jt_reply_integer(ring, "epoch"));
    }
    if (jt_reply_integer(ring, "key_ids_taken") >= 200) {
        printf("          warning: %lld of 255 key ids are taken: destroy retired generations\n",
               jt_reply_integer(ring, "key_ids_taken"));
    }
    print_holders(json_object_get(reply, "holders"));
    print_endings(json_object_get(reply, "endings"));
    print_columns(jt_reply_integer(reply, "columns_waiting"));
    if (!jt_reply_true(reply, "sets_verified")) {
        printf("sets      clients or fields NOT VERIFIED: see the log of jetond\n");
    }
    if (!jt_reply_true(reply, "numeric_tokens")) {
        printf("numeric   NUMERIC TOKENS WAIT, because the database went back: see the log of "
               "jetond\n");
    }
    print_connections(json_object_get(reply, "connections"));
    print_counters(json_object_get(reply, "counters"));
}

/*
 * What stands and what does not, from the one route that needs neither keeper nor database. Its
 * answer is 503 as long as something does not stand: it is asked once.
 */
static void explain(const struct jt_cli *cli)
{
    struct jt_answer answer = { 0 };
    struct jt_cli once = *cli;
    once.retry_for_s = 0;
    if (jt_rest_ask(&once, "GET", "/readyz", NULL, &answer) == JT_EXIT_OK &&
        json_object_get(answer.json, "keeper") != NULL) {
        fprintf(stderr,
                "jeton: keeper %s, database %s, its history %s, node %s, lease %s, keys %s, key "
                "state %s, ids %s, "
                "clients and fields "
                "%s, key directory %s, "
                "schema %s, connections %s\n",
                yes_no(answer.json, "keeper", "up", "DOWN"),
                yes_no(answer.json, "database", "up", "DOWN"),
                yes_no(answer.json, "history", "good", "NOT WHAT WAS SEEN"),
                yes_no(answer.json, "registered", "registered", "NOT REGISTERED"),
                yes_no(answer.json, "lease", "good", "OVER"),
                yes_no(answer.json, "keys", "held", "NOT ALL HELD"),
                yes_no(answer.json, "ring", "good", "NOT ACCEPTED"),
                yes_no(answer.json, "ids", "good", "NOT MINTED"),
                yes_no(answer.json, "sets", "good", "NOT VERIFIED"),
                yes_no(answer.json, "directory", "good", "NOT GOOD"),
                yes_no(answer.json, "schema", "good", "NOT GOOD"),
                yes_no(answer.json, "connections", "accepted", "REFUSED"));
    }
    jt_answer_clear(&answer);
}

int jt_cmd_status(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    struct jt_parse parse = { 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    struct jt_answer answer;
    code = jt_rest_call(cli, "GET", "/v1/status", NULL, &answer);
    if (code == JT_EXIT_UNAVAILABLE && answer.status != 0) {
        explain(cli);
    }
    if (code == JT_EXIT_OK) {
        if (cli->json) {
            printf("%s\n", answer.text);
        } else {
            print_status(answer.json);
        }
        const json_t *keeper = json_object_get(answer.json, "keeper");
        bool serves = jt_reply_true(keeper, "up") && jt_reply_true(keeper, "mints_ids") &&
                      jt_reply_true(keeper, "directory_good") &&
                      jt_reply_true(answer.json, "sets_verified") &&
                      jt_reply_true(answer.json, "lease") &&
                      jt_reply_true(answer.json, "keys_held") &&
                      jt_reply_integer(json_object_get(answer.json, "ring"), "epoch") > 0 &&
                      jt_reply_true(json_object_get(answer.json, "database"), "schema");
        code = serves ? JT_EXIT_OK : JT_EXIT_UNAVAILABLE;
    }
    jt_answer_clear(&answer);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* `jeton recover`, `jeton recover ask` and `jeton recover approve`. */
#include "cli/exit.h"
#include "cli/options.h"
#include "cli/rest.h"
#include "cli/signing.h"

#include <stdio.h>
#include <string.h>

#define PATH "/v1/recovery"
#define SIDE "%-16s  %7lld  %-20s  %8lld  %-18s  %lld\n"
#define ROW  "%10s  %3s  %-9s  %-9s  %-9s  %12s  %s\n"

static void print_side(const char *who, const json_t *side)
{
    printf(SIDE, who, jt_reply_integer(side, "epoch"), jt_reply_text(side, "system_identifier"),
           jt_reply_integer(side, "timeline"), jt_reply_text(side, "lsn"),
           jt_reply_integer(side, "renewals"));
}

static void print_sides(const json_t *reply)
{
    size_t i;
    json_t *node;
    char name[80];
    printf("%-16s  %7s  %-20s  %8s  %-18s  %s\n", "", "EPOCH", "CLUSTER", "TIMELINE", "LOG",
           "RENEWALS");
    print_side("database", json_object_get(reply, "database"));
    snprintf(name, sizeof name, "keeper of %s", jt_reply_text(reply, "node"));
    print_side(name, json_object_get(reply, "keeper"));
    json_array_foreach(json_object_get(reply, "nodes"), i, node)
    {
        if (strcmp(jt_reply_text(node, "node"), jt_reply_text(reply, "node")) != 0) {
            snprintf(name, sizeof name, "keeper of %s", jt_reply_text(node, "node"));
            print_side(name, node);
        }
    }
}

static void list_holders(const json_t *change, char *out, size_t size)
{
    size_t i, len = 0;
    json_t *name;
    out[0] = '\0';
    json_array_foreach(json_object_get(change, "held_by"), i, name)
    {
        const char *text = json_string_value(name);
        len += (size_t)snprintf(out + len, size - len, "%s%s", i == 0 ? "" : " ",
                                text == NULL ? "-" : text);
        if (len >= size) {
            return;
        }
    }
}

static void print_change(const json_t *c)
{
    char number[24], key_id[24], cards[24], holders[200];
    bool lost = jt_reply_true(c, "cards_lost");
    snprintf(number, sizeof number, "%lld", jt_reply_integer(c, "number"));
    snprintf(key_id, sizeof key_id, "%lld", jt_reply_integer(c, "key_id"));
    snprintf(cards, sizeof cards, "%lld", jt_reply_integer(c, "cards"));
    list_holders(c, holders, sizeof holders);
    printf(ROW, number, key_id, jt_reply_text(c, "keeper"), jt_reply_text(c, "database"),
           jt_reply_text(c, "after"), cards, lost ? "CARDS LOST" : holders);
}

/* Where another keeper has seen more, the node to go to. */
static void print_refused(const json_t *reply)
{
    size_t i;
    json_t *node, *most = NULL;
    long long epoch = jt_reply_integer(json_object_get(reply, "keeper"), "epoch");
    printf("\nIt cannot be recovered from this node now: %s\n",
           jt_reply_text(reply, "plan_refused"));
    json_array_foreach(json_object_get(reply, "nodes"), i, node)
    {
        if (jt_reply_integer(node, "epoch") > epoch) {
            epoch = jt_reply_integer(node, "epoch");
            most = node;
        }
    }
    if (most != NULL) {
        printf("The keeper of node %s has seen most.\n", jt_reply_text(most, "node"));
    }
}

static void print_plan(const json_t *reply)
{
    size_t i;
    json_t *c, *plan = json_object_get(reply, "plan");
    if (*jt_reply_text(reply, "plan_refused") != '-') {
        print_refused(reply);
        return;
    }
    printf("\nA recovery would post epoch %lld:\n", jt_reply_integer(plan, "epoch"));
    printf(ROW, "GENERATION", "KEY", "KEEPER", "DATABASE", "AFTER", "CARDS", "HELD BY");
    json_array_foreach(json_object_get(plan, "generations"), i, c)
    {
        print_change(c);
    }
}

static void print_request(const json_t *reply)
{
    size_t i;
    json_t *one, *request = json_object_get(reply, "request");
    if (!json_is_object(request)) {
        printf("\nNobody has asked for a recovery.\n");
        return;
    }
    printf("\nrequest of node %s at %s: %s\n", jt_reply_text(request, "node"),
           jt_reply_text(request, "requested_at"), jt_reply_text(request, "state"));
    json_array_foreach(json_object_get(request, "approvals"), i, one)
    {
        printf("approved by %s at %s\n", jt_reply_text(one, "custodian"), jt_reply_text(one, "at"));
    }
    if (jt_reply_integer(request, "epoch") > 0) {
        printf("carried out at %s: epoch %lld\n", jt_reply_text(request, "done_at"),
               jt_reply_integer(request, "epoch"));
    }
}

static void print_all(const json_t *reply)
{
    const char *why = jt_reply_text(reply, "disagrees");
    bool refused = *why != '-';
    printf("%s\n\n", refused ? why : "database and keeper agree");
    print_sides(reply);
    if (refused) {
        print_plan(reply);
    }
    print_request(reply);
}

/* What is to be signed comes first, and then how it stands. */
static void print_asked(const json_t *reply)
{
    printf("%s\n", jt_reply_text(json_object_get(reply, "request"), "text"));
    print_request(reply);
}

int jt_cmd_recover(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    struct jt_parse parse = { 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    return code != JT_GO_ON ? code : jt_rest_show(cli, "GET", PATH, NULL, print_all);
}

int jt_cmd_recover_ask(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *after = NULL;
    const struct jt_option options[] = {
        JT_TEXT("ids-after", "TIME", &after,
                "mint no id of a time up to this one (RFC 3339), where a keeper may have forgotten "
                "what it minted"),
    };
    struct jt_parse parse = { options, sizeof options / sizeof options[0], NULL, 0, 0, 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    json_t *body = after == NULL ? json_object() : json_pack("{ss}", "ids_after", after);
    if (body == NULL) {
        return jt_usage_error(self, "an argument is not UTF-8");
    }
    code = jt_rest_show(cli, "POST", PATH, body, print_asked);
    json_decref(body);
    return code;
}

static int approve(struct jt_cli *cli, const struct jt_signing *s)
{
    json_t *body = NULL;
    struct jt_answer answer = { 0 };
    int code = jt_rest_call(cli, "GET", PATH, NULL, &answer);
    json_t *request = code == JT_EXIT_OK ? json_object_get(answer.json, "request") : NULL;
    if (code == JT_EXIT_OK && !json_is_object(request)) {
        jt_complain("nobody has asked for a recovery: jeton recover ask");
        code = JT_EXIT_REFUSED;
    }
    if (code == JT_EXIT_OK) {
        code = jt_signing_sign(s, jt_reply_text(request, "text"), &body);
    }
    jt_answer_clear(&answer);
    if (code == JT_EXIT_OK) {
        code = jt_rest_show(cli, "POST", PATH "/approve", body, print_request);
    }
    json_decref(body);
    return code;
}

int jt_cmd_recover_approve(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    struct jt_signing s = { .head = "jeton custodian approval v1\nact: recover\n",
                            .what = "a recovery",
                            .warning = "After this the states are posted anew in this database: "
                                       "what it lacks is given up." };
    const struct jt_option options[] = { JT_SIGNING_OPTIONS(s) };
    struct jt_parse parse = { options, sizeof options / sizeof options[0], NULL, 0, 0, 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code == JT_GO_ON) {
        code = jt_signing_complete(self, &s);
    }
    return code != JT_GO_ON ? code : approve(cli, &s);
}

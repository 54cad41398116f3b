/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `jeton client add`, `list`, `show` and `permit`. The new client's API key goes to a file of its
 * own, never to the terminal. What changes how a client stands: cmd_client_acts.c.
 */
#include "base/secmem.h"
#include "cli/budget_list.h"
#include "cli/client_key.h"
#include "cli/clientcert.h"
#include "cli/exit.h"
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

/* What add and permit share. */
struct grant {
    const char *name, *may, *expires, *networks, *certs, *budget, *path;
};

#define GRANT_OPTIONS(g)                                                                           \
    JT_TEXT("may", "LIST", &(g).may,                                                               \
            "what it may, between commas: tokenize (in every field), tokenize:pan (in that one), " \
            "operate and so on; jeton(1) has them all (required)"),                                \
        JT_TEXT("expires", "TIME", &(g).expires,                                                   \
                "when it expires, as in 2027-01-31T00:00:00Z, or never"),                          \
        JT_TEXT("networks", "LIST", &(g).networks,                                                 \
                "where it may come from: networks as in 192.0.2.0/24,2001:db8::/32, or anywhere"), \
        JT_TEXT(                                                                                   \
            "certificates", "LIST", &(g).certs,                                                    \
            "which certificate it must show: one or two PEM files or SHA-256 digests, or none"),   \
        JT_TEXT("budget", "LIST", &(g).budget,                                                     \
                "how many items it may have: detokenize=200/s,100000/day and so on, or none")

/* Adds a list under `name` to the body, if there is one; false: a part of it is empty. */
static bool put_list(json_t *body, const char *name, const char *list)
{
    if (list == NULL) {
        return true;
    }
    json_t *parts = strcmp(list, "anywhere") == 0 ? json_array() : split(list);
    return parts != NULL && json_object_set_new(body, name, parts) == 0;
}

/* The same for certificates, whose files are read here. False after a message. */
static bool put_certs(const struct jt_command *self, json_t *body, const char *list)
{
    json_t *words = list == NULL || strcmp(list, "none") == 0 ? json_array() : split(list);
    json_t *digests = json_array(), *word;
    bool good = words != NULL;
    size_t i;
    if (words == NULL) {
        (void)jt_usage_error(self, "--certificates needs files or digests separated by commas, "
                                   "or none");
    }
    json_array_foreach(words, i, word)
    {
        char text[JT_CLIENTCERT_TEXT];
        enum jt_err err = jt_clientcert_digest(json_string_value(word), text);
        if (err != JT_OK) {
            good = false;
            (void)jt_usage_error(self, "--certificates: %s: %s", json_string_value(word),
                                 err == JT_ERR_INVALID
                                     ? "it is no digest, and a file without a certificate in PEM"
                                     : jt_err_str(err));
            break;
        }
        (void)json_array_append_new(digests, json_string(text));
    }
    json_decref(words);
    if (good && list != NULL) {
        return json_object_set_new(body, "certificates", digests) == 0;
    }
    json_decref(digests);
    return good;
}

static bool put_budgets(const struct jt_command *self, json_t *body, const char *list)
{
    json_t *budgets = list == NULL ? NULL : jt_budget_list(list);
    if (list != NULL && budgets == NULL) {
        (void)jt_usage_error(self, "--budget needs operations with a number a second, a day or "
                                   "both, as in detokenize=200/s,100000/day,lookup=5/s, or none");
    }
    return list == NULL || (budgets != NULL && json_object_set_new(body, "budgets", budgets) == 0);
}

/* The body of add or permit, or NULL after a message. */
static json_t *grant_body(const struct jt_command *self, const struct grant *g)
{
    json_t *body = json_object();
    bool good = put_list(body, "permissions", g->may);
    if (!good) {
        (void)jt_usage_error(self, "--may needs permissions separated by commas");
    } else if (!put_list(body, "networks", g->networks)) {
        good = false;
        (void)jt_usage_error(self, "--networks needs networks separated by commas, or anywhere");
    } else if (!put_certs(self, body, g->certs) || !put_budgets(self, body, g->budget)) {
        good = false;
    } else if (g->expires != NULL &&
               json_object_set_new(body, "expires_at", json_string(g->expires)) != 0) {
        good = false;
        (void)jt_usage_error(self, "--expires needs a time, or never");
    }
    if (!good) {
        json_decref(body);
        body = NULL;
    }
    return body;
}

int jt_cmd_client_add(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    struct grant g = { 0 };
    const struct jt_option options[] = {
        GRANT_OPTIONS(g),
        JT_TEXT("key-file-out", "FILE", &g.path,
                "new file, mode 0600, that receives the API key (required)"),
    };
    struct jt_parse parse = { options, sizeof options / sizeof options[0], &g.name, 1, 1, 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    if (g.may == NULL || g.path == NULL) {
        return jt_usage_error(self, "--%s is missing", g.may == NULL ? "may" : "key-file-out");
    }
    json_t *body = grant_body(self, &g);
    if (body == NULL) {
        return JT_EXIT_USAGE;
    }
    (void)json_object_set_new(body, "id", json_string(g.name));
    struct jt_answer answer;
    code = jt_client_key_fetch(cli, "/v1/clients", body, g.path, &answer);
    if (code == JT_EXIT_OK) {
        printf("Client %s added; its API key is in %s\n", jt_reply_text(answer.json, "id"), g.path);
        jt_answer_clear(&answer);
    }
    json_decref(body);
    return code;
}

/* --- permit --- */

static void print_list(const json_t *array)
{
    size_t i;
    json_t *name;
    json_array_foreach(array, i, name)
    {
        printf("%s%s", i == 0 ? "" : ",", json_string_value(name));
    }
    printf("\n");
}

static void print_permitted(const json_t *reply)
{
    printf("Client %s may now: ", jt_reply_text(reply, "id"));
    print_list(json_object_get(reply, "permissions"));
}

int jt_cmd_client_permit(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    struct grant g = { 0 };
    char path[JT_CLIENT_PATH_MAX];
    const struct jt_option options[] = { GRANT_OPTIONS(g) };
    struct jt_parse parse = { options, sizeof options / sizeof options[0], &g.name, 1, 1, 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    if (g.may == NULL) {
        return jt_usage_error(self, "--may is missing");
    }
    code = jt_client_path(self, g.name, "/permit", path);
    json_t *body = code == JT_EXIT_OK ? grant_body(self, &g) : NULL;
    if (body == NULL) {
        return JT_EXIT_USAGE;
    }
    code = jt_rest_show(cli, "POST", path, body, print_permitted);
    json_decref(body);
    return code;
}

/* --- list and show --- */

static void print_line(const json_t *client)
{
    bool removed = jt_reply_true(client, "revoked");
    printf("%-32s %-10s %-24s ", jt_reply_text(client, "id"), jt_reply_text(client, "state"),
           jt_reply_text(client, removed ? "revoked_at" : "created_at"));
    print_list(json_object_get(client, "permissions"));
}

static void print_clients(const json_t *reply)
{
    size_t i;
    json_t *client;
    printf("%-32s %-10s %-24s %s\n", "CLIENT", "STATE", "SINCE", "MAY");
    json_array_foreach(json_object_get(reply, "clients"), i, client)
    {
        print_line(client);
    }
}

/* Page after page, as one list. */
static int fetch_all(const struct jt_cli *cli, json_t *all)
{
    char path[JT_CLIENT_PATH_MAX] = "/v1/clients";
    for (;;) {
        struct jt_answer answer;
        int code = jt_rest_call(cli, "GET", path, NULL, &answer);
        if (code != JT_EXIT_OK) {
            return code;
        }
        (void)json_array_extend(all, json_object_get(answer.json, "clients"));
        const char *next = json_string_value(json_object_get(answer.json, "next"));
        bool more = next != NULL && jt_client_id_valid(next);
        if (more) {
            (void)snprintf(path, sizeof path, "/v1/clients?cursor=%s", next);
        }
        jt_answer_clear(&answer);
        if (!more) {
            return JT_EXIT_OK;
        }
    }
}

int jt_cmd_client_list(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    struct jt_parse parse = { 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    json_t *reply = json_pack("{s:[]}", "clients");
    code = fetch_all(cli, json_object_get(reply, "clients"));
    if (code == JT_EXIT_OK && cli->json) {
        (void)json_dumpf(reply, stdout, JSON_COMPACT);
        printf("\n");
    } else if (code == JT_EXIT_OK) {
        print_clients(reply);
    }
    json_decref(reply);
    return code;
}

/* Nothing for what never was. */
static void print_act(const json_t *client, const char *what, const char *at, const char *by)
{
    if (json_is_string(json_object_get(client, at))) {
        printf("%-12s%s by %s\n", what, jt_reply_text(client, at), jt_reply_text(client, by));
    }
}

/* Nothing where none is asked for. */
static void print_certs(const json_t *digests)
{
    size_t i;
    json_t *digest;
    json_array_foreach(digests, i, digest)
    {
        printf("%-12s%s\n", i == 0 ? "certificate" : "  or", json_string_value(digest));
    }
}

/* Nothing where there is none. */
static void print_budgets(const json_t *budgets)
{
    size_t i;
    json_t *budget;
    json_array_foreach(budgets, i, budget)
    {
        const json_t *rate = json_object_get(budget, "per_second");
        const json_t *quota = json_object_get(budget, "per_day");
        printf("%-12s%s", i == 0 ? "budget" : "", jt_reply_text(budget, "operation"));
        if (json_is_integer(rate)) {
            printf(" %lld/s", (long long)json_integer_value(rate));
        }
        if (json_is_integer(quota)) {
            printf(" %lld/day", (long long)json_integer_value(quota));
        }
        printf("\n");
    }
}

static void print_client(const json_t *client)
{
    const json_t *networks = json_object_get(client, "networks");
    printf("client      %s\n", jt_reply_text(client, "id"));
    printf("state       %s\n", jt_reply_text(client, "state"));
    printf("may         ");
    print_list(json_object_get(client, "permissions"));
    printf("from        ");
    if (json_array_size(networks) == 0) {
        printf("anywhere\n");
    } else {
        print_list(networks);
    }
    print_certs(json_object_get(client, "certificates"));
    print_budgets(json_object_get(client, "budgets"));
    bool ends = json_is_string(json_object_get(client, "expires_at"));
    printf("expires     %s\n", ends ? jt_reply_text(client, "expires_at") : "never");
    if (json_is_string(json_object_get(client, "old_secret_until"))) {
        printf("old key     good until %s\n", jt_reply_text(client, "old_secret_until"));
    }
    print_act(client, "created", "created_at", "created_by");
    print_act(client, "changed", "changed_at", "changed_by");
    print_act(client, "removed", "revoked_at", "revoked_by");
}

int jt_cmd_client_show(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *name = NULL;
    char path[JT_CLIENT_PATH_MAX];
    struct jt_parse parse = { NULL, 0, &name, 1, 1, 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code != JT_GO_ON) {
        return code;
    }
    code = jt_client_path(self, name, "", path);
    return code != JT_EXIT_OK ? code : jt_rest_show(cli, "GET", path, NULL, print_client);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* `jeton column add`, `remove` and `status`. */
#include "cli/column.h"
#include "cli/exit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- add --- */

struct addition {
    const char *field, *table, *key, *value, *envelope, *database;
    bool prepare;
};

/* Fills the column; a table without a schema is one of `public`. */
static int take_names(const struct jt_command *self, const struct addition *a,
                      struct jt_appcolumn *c)
{
    char table[2 * JT_APP_NAME_MAX + 2];
    bool has_dot = a->table != NULL && strchr(a->table, '.') != NULL;
    if (a->table == NULL || a->key == NULL || a->value == NULL || a->envelope == NULL) {
        return jt_usage_error(self, "--table, --key, --value and --envelope are required");
    }
    int n = snprintf(table, sizeof table, "%s%s", has_dot ? "" : "public.", a->table);
    if (n < 0 || (size_t)n >= sizeof table || !jt_appcolumn_table_valid(table) ||
        !jt_appcolumn_name_valid(a->key) || !jt_appcolumn_name_valid(a->value) ||
        !jt_appcolumn_name_valid(a->envelope)) {
        return jt_usage_error(self, "names are of letters, digits, _ and $, at most 63 of them");
    }
    if (strcmp(a->key, a->value) == 0 || strcmp(a->key, a->envelope) == 0 ||
        strcmp(a->value, a->envelope) == 0) {
        return jt_usage_error(self, "--key, --value and --envelope must name three columns");
    }
    size_t dot = strcspn(table, ".");
    (void)snprintf(c->schema, sizeof c->schema, "%.*s", (int)dot, table);
    (void)snprintf(c->table, sizeof c->table, "%s", table + dot + 1);
    (void)snprintf(c->key, sizeof c->key, "%s", a->key);
    (void)snprintf(c->value, sizeof c->value, "%s", a->value);
    (void)snprintf(c->envelope, sizeof c->envelope, "%s", a->envelope);
    return JT_GO_ON;
}

/* Each statement ends before the next is looked for. */
static int prepare(struct jt_foreign *t)
{
    char sql[JT_FOREIGN_SQL_MAX];
    struct jt_foreign before = *t;
    for (int i = 0; jt_foreign_preparation(&before, i, sql); i++) {
        fprintf(stderr, "%s;\n", sql);
        enum jt_err err = jt_foreign_run(t, sql);
        if (err != JT_OK) {
            return jt_column_complain(t, "the table cannot be prepared", err);
        }
    }
    enum jt_err err = jt_foreign_inspect(t);
    return err == JT_OK ? JT_EXIT_OK : jt_column_complain(t, "cannot look the table up", err);
}

/* The field, which is made where there is none. */
static int need_field(const struct jt_cli *cli, const char *name, const char *path)
{
    struct jt_answer answer;
    int code = jt_rest_ask(cli, "GET", path, NULL, &answer);
    bool missing = code == JT_EXIT_OK && answer.status == 404;
    if (code == JT_EXIT_OK && answer.status != 200 && !missing) {
        code = jt_answer_complain(&answer);
    }
    jt_answer_clear(&answer);
    if (code == JT_EXIT_OK && missing) {
        json_t *body = json_pack("{ss}", "name", name);
        code = jt_rest_call(cli, "POST", "/v1/fields", body, &answer);
        jt_answer_clear(&answer);
        json_decref(body);
    }
    return code;
}

static void print_registered(const json_t *field)
{
    printf("field %s: column %s\n", jt_reply_text(field, "name"), jt_reply_text(field, "column"));
}

static int register_it(const struct jt_cli *cli, const struct addition *a,
                       const struct jt_appcolumn *c, const char *field_path, const char *path)
{
    char table[2 * JT_APP_NAME_MAX + 2];
    int code = need_field(cli, a->field, field_path);
    (void)snprintf(table, sizeof table, "%s.%s", c->schema, c->table);
    json_t *body = json_pack("{ss,ss,ss,ss,ss}", "database", c->database, "table", table, "key",
                             c->key, "value", c->value, "envelope", c->envelope);
    if (code == JT_EXIT_OK) {
        code = jt_rest_show(cli, "POST", path, body, print_registered);
    }
    json_decref(body);
    return code;
}

int jt_cmd_column_add(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    struct addition a = { .database = "" };
    const struct jt_option options[] = {
        JT_TEXT("table", "NAME", &a.table, "the table, with its schema unless that is public"),
        JT_TEXT("key", "NAME", &a.key, "the column that names a row for ever; never a card number"),
        JT_TEXT("value", "NAME", &a.value, "the column with card numbers in the clear"),
        JT_TEXT("envelope", "NAME", &a.envelope, "the column of type bytea for the envelopes"),
        JT_FLAG("prepare", &a.prepare, "make the envelope column and two indices, as is printed"),
        JT_COLUMN_DATABASE(&a.database),
    };
    struct jt_parse parse = { options, sizeof options / sizeof options[0], &a.field, 1, 1, 0 };
    struct jt_foreign t = { 0 };
    struct jt_appcolumn column = { .database = "" };
    char field_path[JT_COLUMN_PATH], path[JT_COLUMN_PATH];
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    code = code == JT_GO_ON ? jt_column_path(self, a.field, "", field_path) : code;
    code = code == JT_GO_ON ? jt_column_path(self, a.field, "/column", path) : code;
    code = code == JT_GO_ON ? take_names(self, &a, &column) : code;
    if (code != JT_GO_ON) {
        return code;
    }
    enum jt_err err = jt_foreign_open(a.database, &t);
    t.column = column;
    err = err == JT_OK ? jt_foreign_database(&t) : err;
    err = err == JT_OK ? jt_foreign_inspect(&t) : err;
    code = err == JT_OK ? JT_EXIT_OK : jt_column_complain(&t, "cannot use the database", err);
    code = code == JT_EXIT_OK ? jt_column_need_value(&t) : code;
    bool fit = t.is_table && t.key_unique && !t.is_standby;
    if (code == JT_EXIT_OK && a.prepare && fit) {
        code = prepare(&t);
    }
    if (code == JT_EXIT_OK && !fit) {
        code = jt_column_tell_missing(&t);
    }
    if (code == JT_EXIT_OK) {
        code = register_it(cli, &a, &t.column, field_path, path);
    }
    code = code == JT_EXIT_OK ? jt_column_tell_missing(&t) : code;
    jt_foreign_close(&t);
    return code;
}

/* --- remove --- */

static void print_removed(const json_t *field)
{
    printf("field %s: no column\n", jt_reply_text(field, "name"));
}

int jt_cmd_column_remove(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *field = NULL;
    char path[JT_COLUMN_PATH];
    struct jt_parse parse = { NULL, 0, &field, 1, 1, 0 };
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code == JT_GO_ON) {
        code = jt_column_path(self, field, "/column", path);
    }
    return code == JT_GO_ON ? jt_rest_show(cli, "DELETE", path, NULL, print_removed) : code;
}

/* --- status --- */

static const struct jt_column_key *key_of(const struct jt_column_job *job, uint8_t key_id)
{
    for (size_t i = 0; i < job->n_keys; i++) {
        if (job->keys[i].key_id == key_id) {
            return &job->keys[i];
        }
    }
    return NULL;
}

/* A row for each key id that an envelope has; the active one is counted where that is wanted. */
static int print_keys(struct jt_column_job *job, bool all)
{
    uint8_t key_id = 0;
    printf("%-10s %6s  %-9s %14s\n", "GENERATION", "KEY ID", "STATE", "ENVELOPES");
    for (;;) {
        uint64_t n = 0;
        enum jt_err err = jt_foreign_next_key_id(&job->table, key_id, &key_id);
        if (err == JT_OK && key_id == 0) {
            return JT_EXIT_OK;
        }
        const struct jt_column_key *k = key_of(job, key_id);
        bool counts = all || k == NULL || !k->active;
        if (err == JT_OK && counts) {
            err = jt_foreign_count_sealed(&job->table, key_id, &n);
        }
        if (err != JT_OK) {
            return jt_column_complain(&job->table, "cannot count the envelopes", err);
        }
        char generation[24] = "-", number[24] = "not counted";
        if (k != NULL) {
            (void)snprintf(generation, sizeof generation, "%" PRIu64, k->generation);
        }
        if (counts) {
            (void)snprintf(number, sizeof number, "%" PRIu64, n);
        }
        printf("%-10s %6d  %-9s %14s\n", generation, key_id, k == NULL ? "unknown" : k->state,
               number);
    }
}

int jt_cmd_column_status(const struct jt_command *self, struct jt_cli *cli, int argc, char **argv)
{
    const char *field = NULL, *database = "";
    bool all = false;
    char path[JT_COLUMN_PATH];
    const struct jt_option options[] = {
        JT_COLUMN_DATABASE(&database),
        JT_FLAG("all", &all, "count the envelopes under the active key too: that takes its time"),
    };
    struct jt_parse parse = { options, sizeof options / sizeof options[0], &field, 1, 1, 0 };
    struct jt_column_job job;
    uint64_t plain = 0, left = 0;
    int code = jt_options_parse(self, cli, &parse, argc, argv);
    if (code == JT_GO_ON) {
        code = jt_column_path(self, field, "", path);
    }
    if (code != JT_GO_ON) {
        return code;
    }
    code = jt_column_open(cli, field, database, true, &job);
    if (code == JT_EXIT_OK) {
        code = jt_column_report(&job, &left);
    }
    if (code == JT_EXIT_OK) {
        enum jt_err err = jt_foreign_count_plain(&job.table, &plain);
        code = err == JT_OK ? JT_EXIT_OK
                            : jt_column_complain(&job.table, "cannot count the plain rows", err);
    }
    if (code == JT_EXIT_OK) {
        printf("rows in the clear: %" PRIu64 "\n", plain);
        code = print_keys(&job, all);
    }
    jt_column_close(&job);
    return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/column.h"

#include "base/clock.h"
#include "cli/cardlike.h"
#include "cli/exit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RETRY_FOR_S 30
#define TRIES       10
#define LIST_MAX    (256u << 20) /* bytes of rows that are left */

/* --- signals and pace --- */

volatile sig_atomic_t jt_column_interrupted;

static void on_signal(int number)
{
    jt_column_interrupted = number;
}

void jt_column_catch_signals(struct jt_cli *cli)
{
    const struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    cli->interrupted = &jt_column_interrupted;
}

void jt_column_pace(int64_t began_ms, uint64_t n, long rate)
{
    if (rate <= 0) {
        return;
    }
    int64_t due_ms = began_ms + (int64_t)(n * 1000 / (uint64_t)rate);
    for (int64_t left = due_ms - jt_clock_ms(); left > 0 && !jt_column_interrupted;
         left = due_ms - jt_clock_ms()) {
        jt_clock_pause(left < 200 ? (int)left : 200); /* to hear a signal soon */
    }
}

/* --- the table --- */

/* What may be told where the message itself may not: the code that it begins with. */
static void tell_code_only(const struct jt_fault *fault, enum jt_err err, char *line, size_t size)
{
    bool has_code = strspn(fault->cause, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5;
    (void)snprintf(line, size, "%s%s%.*s%s", jt_err_str(err), has_code ? ": " : "",
                   has_code ? 5 : 0, fault->cause,
                   has_code ? ", and a message that may hold a card number" : "");
}

int jt_column_complain(const struct jt_foreign *table, const char *what, enum jt_err err)
{
    const struct jt_fault nothing = { 0 };
    const struct jt_fault *fault = table->db == NULL ? &nothing : jt_db_fault(table->db);
    char line[JT_FAULT_LINE_LEN];
    (void)jt_fault_line(fault, err, line);
    if (jt_cardlike(line)) { /* a trigger, or a cast, may have told of a value */
        tell_code_only(fault, err, line, sizeof line);
    }
    jt_complain(
        "%s: %s", what,
        err == JT_ERR_BAD_CONNINFO
            ? "--database is no connection string of libpq's, or has a password in it, which "
              "every user of this machine could read: put it into a password file"
            : line);
    return err == JT_ERR_BAD_CONNINFO             ? JT_EXIT_CONFIG
           : jt_err_class(err) == JT_CLASS_REPEAT ? JT_EXIT_UNAVAILABLE
                                                  : JT_EXIT_FAILED;
}

int jt_column_need_value(const struct jt_foreign *table)
{
    if (!table->is_table || table->has_value) {
        return JT_EXIT_OK;
    }
    jt_complain("%s.%s has no column %s", table->column.schema, table->column.table,
                table->column.value);
    return JT_EXIT_FAILED;
}

int jt_column_tell_missing(const struct jt_foreign *table)
{
    char sql[JT_FOREIGN_SQL_MAX];
    if (table->is_standby) {
        jt_complain("this is a standby: connect to the primary, where rows are written");
        return JT_EXIT_FAILED;
    }
    if (!table->is_table) {
        jt_complain("%s.%s: there is no such table with the columns %s and %s, it is partitioned, "
                    "a view or has tables that inherit from it, or they are of types that this "
                    "does not take: for the key int2, int4, int8, numeric, text, varchar, char and "
                    "uuid, for the card number the same but int2, int4 and uuid, for the envelope "
                    "bytea",
                    table->column.schema, table->column.table, table->column.key,
                    table->column.value);
        return JT_EXIT_FAILED;
    }
    if (!table->key_unique) {
        jt_complain("column %s must be NOT NULL and have a unique index of its own: it names the "
                    "row to which an envelope belongs",
                    table->column.key);
        return JT_EXIT_FAILED;
    }
    if (jt_foreign_ready(table)) {
        return JT_EXIT_OK;
    }
    jt_complain("the table is not prepared; jeton column add --prepare runs these, or run them "
                "yourself, none in a transaction:");
    for (int i = 0; jt_foreign_preparation(table, i, sql); i++) {
        fprintf(stderr, "  %s;\n", sql);
    }
    return JT_EXIT_STUCK;
}

/* --- the column as the server knows it --- */

int jt_column_path(const struct jt_command *self, const char *field, const char *suffix,
                   char out[static JT_COLUMN_PATH])
{
    if (!jt_field_name_valid(field)) {
        return jt_usage_error(self, "that is no name of a field");
    }
    (void)snprintf(out, JT_COLUMN_PATH, "/v1/fields/%s%s", field, suffix);
    return JT_GO_ON;
}

static bool take_name(const json_t *column, const char *name, char out[static JT_APP_NAME_MAX + 1])
{
    const char *text = json_string_value(json_object_get(column, name));
    bool good = text != NULL && jt_appcolumn_name_valid(text);
    (void)snprintf(out, JT_APP_NAME_MAX + 1, "%.63s", good ? text : "");
    return good;
}

static bool take_column(const json_t *column, struct jt_appcolumn *out)
{
    const char *table = json_string_value(json_object_get(column, "table"));
    if (table == NULL || !jt_appcolumn_table_valid(table)) {
        return false;
    }
    size_t dot = strcspn(table, ".");
    (void)snprintf(out->schema, sizeof out->schema, "%.*s", (int)dot, table);
    (void)snprintf(out->table, sizeof out->table, "%.63s", table + dot + 1);
    return take_name(column, "database", out->database) && take_name(column, "key", out->key) &&
           take_name(column, "value", out->value) && take_name(column, "envelope", out->envelope);
}

static void take_keys(const json_t *generations, struct jt_column_job *job)
{
    size_t i;
    json_t *g;
    job->n_keys = 0;
    json_array_foreach(generations, i, g)
    {
        if (job->n_keys < sizeof job->keys / sizeof job->keys[0]) {
            struct jt_column_key *k = &job->keys[job->n_keys++];
            k->generation = (uint64_t)jt_reply_integer(g, "generation");
            k->key_id = (uint8_t)jt_reply_integer(g, "key_id");
            (void)snprintf(k->state, sizeof k->state, "%.15s", jt_reply_text(g, "state"));
            k->active = strcmp(k->state, "active") == 0;
        }
    }
}

static int ask(struct jt_column_job *job, const char *method, const char *suffix, json_t *body,
               struct jt_answer *answer)
{
    char path[JT_COLUMN_PATH];
    (void)snprintf(path, sizeof path, "/v1/fields/%s%s", job->field, suffix);
    return jt_rest_line_call(&job->line, method, path, body, answer);
}

static bool same_column(const struct jt_appcolumn *a, const struct jt_appcolumn *b)
{
    char one[JT_APP_COLUMN_MAX + 1], other[JT_APP_COLUMN_MAX + 1];
    return jt_appcolumn_format(a, one) && jt_appcolumn_format(b, other) && strcmp(one, other) == 0;
}

int jt_column_refresh(struct jt_column_job *job)
{
    struct jt_answer answer;
    struct jt_appcolumn c = { .database = "" };
    int code = ask(job, "GET", "/column", NULL, &answer);
    if (code == JT_EXIT_OK) {
        job->epoch = (uint64_t)jt_reply_integer(answer.json, "epoch");
        take_keys(json_object_get(answer.json, "generations"), job);
        if (!take_column(json_object_get(answer.json, "column"), &c)) {
            jt_complain("the server's answer names no column");
            code = JT_EXIT_FAILED;
        }
        if (code == JT_EXIT_OK && job->table.db != NULL && !same_column(&c, &job->table.column)) {
            jt_complain("the field has another column now");
            code = JT_EXIT_FAILED;
        }
        job->table.column = c;
    }
    jt_answer_clear(&answer);
    return code;
}

/* The registration and the connection must speak of one database. */
static int look_up(struct jt_column_job *job)
{
    struct jt_foreign *t = &job->table;
    char registered[JT_APP_NAME_MAX + 1];
    memcpy(registered, t->column.database, sizeof registered);
    enum jt_err err = jt_foreign_database(t);
    if (err == JT_OK && strcmp(registered, t->column.database) != 0) {
        jt_complain("this is database %.63s, and the column is in %s", t->column.database,
                    registered);
        return JT_EXIT_FAILED;
    }
    if (err == JT_OK) {
        err = jt_foreign_inspect(t);
    }
    return err == JT_OK ? JT_EXIT_OK : jt_column_complain(t, "cannot look the table up", err);
}

int jt_column_open(const struct jt_cli *cli, const char *field, const char *database, bool ready,
                   struct jt_column_job *out)
{
    *out = (struct jt_column_job){ .cli = cli, .field = field };
    jt_buf_init(&out->refused, LIST_MAX);
    struct jt_foreign opened = { 0 };
    int code = jt_rest_line_open(cli, RETRY_FOR_S, &out->line);
    if (code == JT_EXIT_OK) {
        code = jt_column_refresh(out);
    }
    if (code == JT_EXIT_OK) {
        enum jt_err err = jt_foreign_open(database, &opened);
        opened.column = out->table.column;
        out->table = opened;
        code = err == JT_OK ? look_up(out)
                            : jt_column_complain(&out->table, "cannot use the database", err);
    }
    return code == JT_EXIT_OK && ready ? jt_column_tell_missing(&out->table) : code;
}

void jt_column_close(struct jt_column_job *job)
{
    jt_foreign_close(&job->table);
    jt_rest_line_close(&job->line);
    jt_buf_clear(&job->refused);
}

/* --- counting --- */

static int count_keys(struct jt_column_job *job, json_t *counts, uint64_t *left)
{
    *left = 0;
    for (size_t i = 0; i < job->n_keys; i++) {
        const struct jt_column_key *k = &job->keys[i];
        uint64_t n = 0;
        if (k->active) {
            continue;
        }
        enum jt_err err = jt_db_ensure(job->table.db);
        if (err == JT_OK) {
            err = jt_foreign_count_sealed(&job->table, k->key_id, &n);
        }
        if (err != JT_OK) {
            return jt_column_complain(&job->table, "cannot count the envelopes", err);
        }
        *left += n;
        (void)json_array_append_new(counts, json_pack("{sI,si,sI}", "generation",
                                                      (json_int_t)k->generation, "key_id",
                                                      (int)k->key_id, "envelopes", (json_int_t)n));
    }
    return JT_EXIT_OK;
}

int jt_column_report(struct jt_column_job *job, uint64_t *left)
{
    for (int i = 0; i < TRIES; i++) {
        char path[JT_COLUMN_PATH];
        struct jt_answer answer = { 0 };
        json_t *counts = json_array();
        int code = jt_column_refresh(job);
        if (code == JT_EXIT_OK) {
            code = count_keys(job, counts, left);
        }
        json_t *body = json_pack("{sI,so}", "epoch", (json_int_t)job->epoch, "counts", counts);
        (void)snprintf(path, sizeof path, "/v1/fields/%s/column/counts", job->field);
        if (code == JT_EXIT_OK) {
            code = jt_rest_ask(job->cli, "POST", path, body, &answer);
        }
        json_decref(body);
        long status = answer.status;
        const char *type = jt_reply_text(answer.json, "type");
        bool outdated = status == 409 && strstr(type, "count-outdated") != NULL;
        if (code == JT_EXIT_OK && status != 200 && !outdated) {
            code = jt_answer_complain(&answer);
        }
        jt_answer_clear(&answer);
        if (code != JT_EXIT_OK || !outdated) {
            return code;
        }
    }
    jt_complain("the ring of keys changes faster than the envelopes can be counted");
    return JT_EXIT_UNAVAILABLE;
}

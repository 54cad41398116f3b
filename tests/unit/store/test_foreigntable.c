/* SPDX-License-Identifier: Apache-2.0 */
/* store/foreigntable.h: what is run on an application's table, without one. */
#include "store/foreigntable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NAME_62 "n23456789_123456789_123456789_123456789_123456789_123456789_12"
#define NAME_63 NAME_62 "3"

/* A table of which nothing is prepared. */
static struct jt_foreign table_of(const char *table, const char *value, const char *envelope)
{
    struct jt_foreign f = { .is_table = true, .has_value = true, .key_unique = true };
    (void)snprintf(f.column.schema, sizeof f.column.schema, "public");
    (void)snprintf(f.column.table, sizeof f.column.table, "%s", table);
    (void)snprintf(f.column.key, sizeof f.column.key, "id");
    (void)snprintf(f.column.value, sizeof f.column.value, "%s", value);
    (void)snprintf(f.column.envelope, sizeof f.column.envelope, "%s", envelope);
    (void)snprintf(f.table, sizeof f.table, "\"public\".\"%s\"", table);
    return f;
}

static void assert_statements(const struct jt_foreign *f, const char *const *expected)
{
    char sql[JT_FOREIGN_SQL_MAX];
    int i = 0;
    for (; expected[i] != NULL; i++) {
        assert_true(jt_foreign_preparation(f, i, sql));
        assert_string_equal(sql, expected[i]);
    }
    assert_false(jt_foreign_preparation(f, i, sql));
}

static void what_is_missing_is_made_in_order(void **state)
{
    (void)state;
    struct jt_foreign f = table_of("customer", "pan", "sealed");
    static const char plain[] = "CREATE INDEX CONCURRENTLY \"customer_pan_jeton_plain\" ON "
                                "\"public\".\"customer\" (\"id\") WHERE \"pan\" IS NOT NULL";
    static const char key_id[] =
        "CREATE INDEX CONCURRENTLY \"customer_sealed_jeton_key_id\" ON \"public\".\"customer\" "
        "(get_byte(\"sealed\", 0), \"id\") WHERE \"sealed\" IS NOT NULL";
    assert_statements(&f,
                      (const char *const[]){
                          "ALTER TABLE \"public\".\"customer\" ADD COLUMN \"sealed\" bytea",
                          "ALTER TABLE \"public\".\"customer\" ALTER COLUMN \"pan\" DROP NOT NULL",
                          plain, key_id, NULL });
    f.has_envelope = f.value_null = f.key_id_in_way = f.plain_in_way = true;
    assert_statements(&f,
                      (const char *const[]){
                          "DROP INDEX CONCURRENTLY \"public\".\"customer_pan_jeton_plain\"", plain,
                          "DROP INDEX CONCURRENTLY \"public\".\"customer_sealed_jeton_key_id\"",
                          key_id, NULL });
    assert_false(jt_foreign_ready(&f));
    f.by_value = true; /* what serves is never dropped */
    f.key_id_in_way = false;
    assert_statements(&f, (const char *const[]){ key_id, NULL });
    f.by_key_id = true;
    assert_statements(&f, (const char *const[]){ NULL });
    assert_true(jt_foreign_ready(&f));
    f.has_value = f.value_null = f.by_value = false; /* dropped, once all is encrypted */
    assert_statements(&f, (const char *const[]){ NULL });
    assert_true(jt_foreign_ready(&f));
    f.is_standby = true;
    assert_false(jt_foreign_ready(&f));
}

/* The name between the first two quotes. */
static void made(const struct jt_foreign *f, int i, char out[static 200])
{
    char sql[JT_FOREIGN_SQL_MAX];
    assert_true(jt_foreign_preparation(f, i, sql));
    const char *quote = strchr(sql, '"');
    assert_non_null(quote);
    (void)snprintf(out, 200, "%.*s", (int)strcspn(quote + 1, "\""), quote + 1);
}

/* PostgreSQL would cut names, and then one index would be taken for the other. */
static void long_names_stay_apart(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        { NAME_63, "pan" },
        { "customer", NAME_63 },
        { "customer", NAME_62 "4" },
        { "n23456789_123456789_1", "primary_account_number_old" },
        { "n23456789_123456789_1", "primary_account_number_new" }
    };
    enum { N = sizeof pairs / sizeof pairs[0] };
    char names[2 * N][200], sql[JT_FOREIGN_SQL_MAX];
    for (size_t i = 0; i < N; i++) {
        struct jt_foreign f = table_of(pairs[i][0], pairs[i][1], pairs[i][1]);
        f.has_envelope = f.value_null = true;
        made(&f, 0, names[2 * i]);
        made(&f, 1, names[2 * i + 1]);
        jt_foreign_forbid(&f, sql);
        assert_non_null(strstr(sql, "_jeton_no_plain\" CHECK ("));
        assert_true(strcspn(strstr(sql, "CONSTRAINT \"") + strlen("CONSTRAINT \""), "\"") <= 63);
    }
    for (size_t i = 0; i < 2 * N; i++) {
        assert_true(strlen(names[i]) <= JT_APP_NAME_MAX);
        assert_non_null(strstr(names[i], i % 2 == 0 ? "_jeton_plain" : "_jeton_key_id"));
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(names[i], names[j]);
        }
    }
}

static void plain_values_are_forbidden_by_a_constraint(void **state)
{
    (void)state;
    char sql[JT_FOREIGN_SQL_MAX];
    struct jt_foreign f = table_of("customer", "pan", "sealed");
    jt_foreign_forbid(&f, sql);
    assert_string_equal(sql, "ALTER TABLE \"public\".\"customer\" ADD CONSTRAINT "
                             "\"customer_pan_jeton_no_plain\" CHECK (\"pan\" IS NULL) NOT VALID");
}

/* Before anything is connected to. */
static void a_password_is_not_taken(void **state)
{
    (void)state;
    static const char *const given[] = { "host=/nonexistent password=x",
                                         "host=/nonexistent sslpassword=x",
                                         "postgresql://user:x@localhost:1/shop",
                                         "postgresql://localhost:1/shop?password=x" };
    struct jt_foreign f;
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        assert_int_equal(jt_foreign_open(given[i], &f), JT_ERR_BAD_CONNINFO);
        assert_null(f.db);
        jt_foreign_close(&f);
    }
}

static void rows_are_cleared_more_than_once(void **state)
{
    (void)state;
    struct jt_foreign_rows rows = { .all = calloc(2, sizeof *rows.all), .n = 2 };
    assert_non_null(rows.all);
    rows.all[0].key = strdup("1"); /* the other has none */
    jt_foreign_rows_clear(&rows);
    assert_null(rows.all);
    assert_int_equal(rows.n, 0);
    jt_foreign_rows_clear(&rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_missing_is_made_in_order),
        cmocka_unit_test(long_names_stay_apart),
        cmocka_unit_test(plain_values_are_forbidden_by_a_constraint),
        cmocka_unit_test(a_password_is_not_taken),
        cmocka_unit_test(rows_are_cleared_more_than_once),
    };
    return cmocka_run_group_tests_name("store/foreigntable", tests, NULL, NULL);
}

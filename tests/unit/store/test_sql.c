/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the schema says of numbers and sizes that the program has from the model: a landed migration
 * never changes, so its text is compared with what the macros make.
 */
#include "store/sql.h"

#include "model/sizes.h"
#include "store/migrations.h"
#include "store/retirement_columns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The text of table `name`, up to the end of its statement. */
static char *table(const char *name)
{
    char head[64];
    (void)snprintf(head, sizeof head, "CREATE TABLE %s (", name);
    for (int i = 0; i < jt_n_migrations; i++) {
        const char *start = strstr(jt_migrations[i].sql, head);
        if (start != NULL) {
            return strndup(start, (size_t)(strstr(start, ";") - start));
        }
    }
    fail_msg("no table %s", name);
    return NULL;
}

static void table_says(const char *name, const char *text)
{
    char *sql = table(name);
    if (strstr(sql, text) == NULL) {
        fail_msg("table %s does not say: %s", name, text);
    }
    free(sql);
}

#define BETWEEN(a, b) "BETWEEN " JT_SQL_NUMBER(a) " AND " JT_SQL_NUMBER(b)

static void states_are_the_numbers_of_the_schema(void **state)
{
    (void)state;
    assert_string_equal(JT_SQL_FUTURE JT_SQL_ACTIVE JT_SQL_DRAINING, "123");
    assert_string_equal(JT_SQL_RETIRED JT_SQL_DESTROYED, "45");
    table_says("generation", "state smallint NOT NULL CHECK (state " BETWEEN(
                                 JT_STATE_FUTURE, JT_STATE_DESTROYED) ")");
    table_says("generation", "CHECK (state <> " JT_SQL_DESTROYED " OR num_nulls(destroyed_at");
    table_says("retirement", "state smallint NOT NULL CHECK (state " BETWEEN(
                                 JT_RETIREMENT_STATE_DRAINING, JT_RETIREMENT_STATE_CERTIFIED) ")");
    table_says("retirement", "CHECK (state < " JT_SQL_JOB_RETIRED " OR num_nulls(retired_at");
    table_says("retirement", "CHECK (state < " JT_SQL_JOB_CERTIFIED " OR num_nulls(certificate");
    table_says("row_set", "CHECK (kind " BETWEEN(JT_SET_KIND_CLIENTS, JT_SET_KIND_FIELDS) ")");
}

static void check_len(const char *name, const char *column, int len)
{
    char text[100];
    (void)snprintf(text, sizeof text, "%s bytea NOT NULL CHECK (octet_length(%s) = %d)", column,
                   column, len);
    table_says(name, text);
}

static void sizes_are_those_of_the_schema(void **state)
{
    (void)state;
    const char *const with_mac[] = { "ring",   "generation", "key_ack", "node",
                                     "client", "field",      "row_set" };
    for (size_t i = 0; i < sizeof with_mac / sizeof with_mac[0]; i++) {
        check_len(with_mac[i], "mac", JT_ROW_MAC_LEN);
    }
    check_len("generation", "check_value", JT_CHECK_VALUE_LEN);
    check_len("key_ack", "challenge", JT_CHALLENGE_LEN);
    check_len("client", "secret_mac", JT_ROW_MAC_LEN);
    check_len("row_set", "nonce", JT_SET_NONCE_LEN);
    check_len("row_set", "digest", JT_SET_DIGEST_LEN);
    char text[100];
    (void)snprintf(text, sizeof text, "octet_length(envelope) BETWEEN %d AND %d",
                   JT_CARD_ENVELOPE_MIN, JT_CARD_ENVELOPE_MAX);
    table_says("card", text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_are_the_numbers_of_the_schema),
        cmocka_unit_test(sizes_are_those_of_the_schema),
    };
    return cmocka_run_group_tests_name("store/sql", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The migrations as they were compiled in: numbered without gaps, and word for word the files of
 * schema/.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/migrate.h"
#include "store/migrations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void every_file_is_compiled_in_unchanged(void **state)
{
    (void)state;
    assert_true(jt_n_migrations > 0);
    assert_int_equal(jt_migrate_newest(), jt_n_migrations);
    for (int i = 0; i < jt_n_migrations; i++) {
        const struct jt_migration *m = &jt_migrations[i];
        assert_int_equal(m->number, i + 1);
        assert_int_equal(strtol(m->name, NULL, 10), m->number);
        char path[1024];
        (void)snprintf(path, sizeof path, "%s/%s.sql", SCHEMA_DIR, m->name);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        size_t len = strlen(m->sql);
        char *text = calloc(1, len + 2);
        assert_non_null(text);
        assert_int_equal(fread(text, 1, len + 1, file), len);
        assert_memory_equal(text, m->sql, len);
        free(text);
        (void)fclose(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_file_is_compiled_in_unchanged) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

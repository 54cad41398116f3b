/* SPDX-License-Identifier: Apache-2.0 */
#include "model/backup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* A backup has a generation only if number, key id and check value are its. */
static void only_the_very_key_counts(void **state)
{
    (void)state;
    static struct jt_backup backup = {
        .n = 2, .keys = { { 3, 1, { 1 } }, { 4, 2, { 2 } }, { 5, 3, { 3 } } }
    };
    struct jt_generation_row row = { .number = 4, .key_id = 2, .check_value = { 2 } };
    assert_true(jt_backup_has(&backup, &row));
    row.check_value[7] = 1;
    assert_false(jt_backup_has(&backup, &row));
    row.check_value[7] = 0;
    row.key_id = 3;
    assert_false(jt_backup_has(&backup, &row));
    row = (struct jt_generation_row){ .number = 5, .key_id = 3, .check_value = { 3 } };
    assert_false(jt_backup_has(&backup, &row)); /* beyond those that it has */
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(only_the_very_key_counts) };
    return cmocka_run_group_tests_name("model/backup", tests, NULL, NULL);
}

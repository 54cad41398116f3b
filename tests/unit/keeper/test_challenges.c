/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/challenges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void the_last_one_of_each_generation_is_present(void **state)
{
    (void)state;
    struct jt_challenges c = { .oldest = 0 };
    const struct jt_generation_row one = { .number = 1, .check_value = { 1 } };
    const struct jt_generation_row two = { .number = 2, .check_value = { 2 } };
    const struct jt_generation_row other = { .number = 1, .check_value = { 9 } };
    uint8_t first[JT_CHALLENGE_LEN], second[JT_CHALLENGE_LEN], of_two[JT_CHALLENGE_LEN];
    static const uint8_t zero[JT_CHALLENGE_LEN];
    assert_false(jt_challenges_present(&c, &one, zero)); /* none was made yet */
    jt_challenges_make(&c, &one, first);
    jt_challenges_make(&c, &two, of_two);
    assert_true(jt_challenges_present(&c, &one, first));
    assert_true(jt_challenges_present(&c, &two, of_two));
    assert_false(jt_challenges_present(&c, &two, first));
    assert_false(jt_challenges_present(&c, &other, first)); /* another key of the number */
    jt_challenges_make(&c, &one, second);
    assert_memory_not_equal(first, second, sizeof first);
    assert_false(jt_challenges_present(&c, &one, first));
    assert_true(jt_challenges_present(&c, &one, second));
    assert_true(jt_challenges_present(&c, &two, of_two));
}

static void one_more_than_there_are_places_takes_that_of_the_oldest(void **state)
{
    (void)state;
    struct jt_challenges c = { .oldest = 0 };
    uint8_t made[JT_CHALLENGES_MAX + 1][JT_CHALLENGE_LEN];
    for (uint64_t i = 0; i <= JT_CHALLENGES_MAX; i++) {
        const struct jt_generation_row row = { .number = i + 1 };
        jt_challenges_make(&c, &row, made[i]);
    }
    for (uint64_t i = 0; i <= JT_CHALLENGES_MAX; i++) {
        const struct jt_generation_row row = { .number = i + 1 };
        assert_int_equal(jt_challenges_present(&c, &row, made[i]), i > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_one_of_each_generation_is_present),
        cmocka_unit_test(one_more_than_there_are_places_takes_that_of_the_oldest),
    };
    return cmocka_run_group_tests_name("keeper/challenges", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* cli/spelling.h */
#include "cli/spelling.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void letters_put_in_taken_out_and_changed_count(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        size_t distance;
    } words[] = {
        { "", "", 0 },        { "", "abc", 3 },           { "keys", "keys", 0 },
        { "key", "keys", 1 }, { "kyes", "keys", 2 },      { "statsu", "status", 2 },
        { "gem", "gen", 1 },  { "kitten", "sitting", 3 }, { "flaw", "lawn", 2 },
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        assert_int_equal(jt_spelling_distance(words[i].a, words[i].b), words[i].distance);
        assert_int_equal(jt_spelling_distance(words[i].b, words[i].a), words[i].distance);
    }
}

static void a_long_word_is_like_none(void **state)
{
    (void)state;
    char word[JT_SPELLING_MAX + 1];
    memset(word, 'a', JT_SPELLING_MAX);
    word[JT_SPELLING_MAX] = '\0';
    assert_int_equal(jt_spelling_distance(word, word), JT_SPELLING_MAX);
    word[JT_SPELLING_MAX - 1] = '\0';
    assert_int_equal(jt_spelling_distance(word, word), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_put_in_taken_out_and_changed_count),
        cmocka_unit_test(a_long_word_is_like_none),
    };
    return cmocka_run_group_tests_name("cli/spelling", tests, NULL, NULL);
}

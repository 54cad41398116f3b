/* SPDX-License-Identifier: Apache-2.0 */
/* cli/cardlike.h */
#include "cli/cardlike.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void twelve_to_nineteen_digits_could_be_a_card(void **state)
{
    (void)state;
    static const char *const cards[] = {
        "411111111111",        "4111111111111111111",   "4111 1111 1111 1111",
        "4111-1111-1111-1111", "no 4111.1111.1111 yet", "a 1 411111111111",
    };
    static const char *const others[] = {
        "",
        "41111111111",
        "41111111111111111111",
        "generation 7: 1234567890 rows, 1234567890",
        "2026-11-27T07:59:12Z",
        "jtk_959zb1c6h6qv3rc518ya07np8c",
    };
    for (size_t i = 0; i < sizeof cards / sizeof cards[0]; i++) {
        assert_true(jt_cardlike(cards[i]));
        assert_ptr_not_equal(jt_cardlike_shown(cards[i]), cards[i]);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_false(jt_cardlike(others[i]));
        assert_ptr_equal(jt_cardlike_shown(others[i]), others[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twelve_to_nineteen_digits_could_be_a_card),
    };
    return cmocka_run_group_tests_name("cli/cardlike", tests, NULL, NULL);
}

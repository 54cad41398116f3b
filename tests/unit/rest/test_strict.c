/* Request targets: only plain absolute paths pass. Headers are tested end to end, through real sockets. */
#include "rest/strict.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

static void plain_paths_pass(void **state)
{
    (void)state;
    assert_true(jt_strict_target_ok("/livez"));
    assert_true(jt_strict_target_ok("/v1/fields/cards.pan_2-x/tokenize"));
}

static void escapes_queries_and_dots_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "livez", "*", "http://localhost/livez", "/livez%00", "/%6civez", "/v1/%2e%2e%2flivez", "/livez?x=1",
                                       "/livez#x", "//livez", "/v1/../livez", "/./livez", "/v1\\livez", "/li vez", "/livez\x7f",
                                       "/livez\x01", "/live\xc3\xa9" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(jt_strict_target_ok(bad[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_paths_pass),
        cmocka_unit_test(escapes_queries_and_dots_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

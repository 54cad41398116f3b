/* SPDX-License-Identifier: Apache-2.0 */
/* Which request it is, and where it came from: what is taken of the client, and what is not. */
#include "api/origin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_valid_traceparent_names_the_request(void **state)
{
    (void)state;
    static const char *const valid[] = {
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-brings",
    };
    static const uint8_t id[] = { 0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd,
                                  0x84, 0x48, 0xeb, 0x21, 0x1c, 0x80, 0x31, 0x9c };
    for (size_t i = 0; i < 2; i++) {
        struct jt_origin origin;
        jt_origin_name((struct jt_slice){ valid[i], strlen(valid[i]) }, &origin);
        assert_memory_equal(origin.request, id, sizeof id);
    }
}

static void the_place_is_the_address(void **state)
{
    (void)state;
    const uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff, 192, 0, 2, 9 };
    const uint8_t v6[16] = { 0x20, 1, 0x0d, 0xb8 };
    const struct jt_source v4_there = jt_source_of(mapped, sizeof mapped);
    const struct jt_source v6_there = jt_source_of(v6, sizeof v6), nowhere = { 0 };
    struct jt_origin origin;
    jt_origin_place(&v4_there, &origin);
    assert_int_equal(origin.source_len, 4);
    assert_memory_equal(origin.source, mapped + 12, 4);
    jt_origin_place(&v6_there, &origin);
    assert_int_equal(origin.source_len, 16);
    assert_memory_equal(origin.source, v6, sizeof v6);
    jt_origin_place(&nowhere, &origin);
    assert_int_equal(origin.source_len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_valid_traceparent_names_the_request),
        cmocka_unit_test(the_place_is_the_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* batch/jsonpath.h: pointers and dotted paths. */
#include "batch/jsonpath.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Steps as one text: names as they are, "[2]" elements, "[*]" each, "a|2" either. */
static void tell(const struct jt_json_path *path, char *out, size_t size)
{
    out[0] = '\0';
    for (size_t i = 0; i < path->n_steps; i++) {
        const struct jt_json_step *s = &path->steps[i];
        size_t used = strlen(out);
        if (s->every) {
            (void)snprintf(out + used, size - used, " [*]");
        } else if (s->name == NULL) {
            (void)snprintf(out + used, size - used, " [%zu]", s->index);
        } else if (s->index != JT_JSON_NO_INDEX) {
            (void)snprintf(out + used, size - used, " %s|%zu", s->name, s->index);
        } else {
            (void)snprintf(out + used, size - used, " %s", s->name);
        }
    }
}

static void paths_and_pointers(void **state)
{
    (void)state;
    static const char *const paths[][2] = {
        { "pan", " pan" },
        { "card.pan", " card pan" },
        { "cards[0].pan", " cards [0] pan" },
        { "cards[*].pan", " cards [*] pan" },
        { "[1][*]", " [1] [*]" },
        { "a.0", " a 0" },
        { "/pan", " pan" },
        { "/card/pan", " card pan" },
        { "/cards/0/pan", " cards 0|0 pan" },
        { "/a~1b/~0/~01", " a/b ~ ~1" },
        { "/", " " },
        { "/a//b", " a  b" },
        { "/01/-/a.b/[*]", " 01 - a.b [*]" },
    };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct jt_json_path path;
        struct jt_trouble trouble;
        char told[200];
        assert_int_equal(jt_json_path_parse(paths[i][0], &path, &trouble), JT_OK);
        tell(&path, told, sizeof told);
        assert_string_equal(told, paths[i][1]);
        jt_json_path_clear(&path);
    }
}

static void what_is_no_path(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        ".a",
        "a.",
        "a..b",
        "a[",
        "a[]",
        "a[x]",
        "a[-1]",
        "a[01]",
        "a]",
        "a[0]b",
        "a[0].",
        "/a~",
        "/~2",
        "a.[0]",
        "a[9999999999]",
        "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q",
        "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct jt_json_path path;
        struct jt_trouble trouble = { 0 };
        if (jt_json_path_parse(bad[i], &path, &trouble) != JT_ERR_INVALID) {
            fail_msg("%s", bad[i]);
        }
        assert_int_equal(trouble.message, JT_MSG_PATH_BAD);
        assert_true(strlen(trouble.detail) > 0);
        jt_json_path_clear(&path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_and_pointers),
        cmocka_unit_test(what_is_no_path),
    };
    return cmocka_run_group_tests_name("batch/jsonpath", tests, NULL, NULL);
}

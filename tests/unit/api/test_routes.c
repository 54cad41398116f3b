/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The route table: matching, parameters, and what is answered for a known path with another method.
 */
#include "api/operation.h"
#include "api/routes.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct jt_route_params params;
static bool known;
static char allow[48];

static const struct jt_route *find(const char *method, const char *path)
{
    return jt_routes_find(method, path, &params, &known, allow, sizeof allow);
}

static void a_field_name_is_taken_from_the_path(void **state)
{
    (void)state;
    const struct jt_route *r = find("POST", "/v1/fields/cards.pan/tokenize");
    assert_non_null(r);
    assert_string_equal(params.field, "cards.pan");
    assert_int_equal(r->permission, JT_MAY_TOKENIZE);
}

static void a_number_is_taken_in_canonical_form_only(void **state)
{
    (void)state;
    assert_non_null(find("POST", "/v1/generations/12/activate"));
    assert_non_null(find("POST", "/v1/generations/12/abandon"));
    assert_true(params.number == 12);
    static const char *const bad[] = {
        "/v1/generations/0",  "/v1/generations/01", "/v1/generations/-1",
        "/v1/generations/1x", "/v1/generations/",   "/v1/generations/99999999999999999999"
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_null(find("GET", bad[i]));
        assert_false(known);
    }
}

static void a_node_is_named_as_it_is_and_too_long_a_name_is_no_path(void **state)
{
    (void)state;
    char path[128];
    assert_non_null(find("DELETE", "/v1/nodes/Node-2.example_x"));
    assert_string_equal(params.node, "Node-2.example_x");
    (void)snprintf(path, sizeof path, "/v1/nodes/%0*d", JT_NODE_NAME_MAX, 0);
    assert_non_null(find("DELETE", path));
    (void)snprintf(path, sizeof path, "/v1/nodes/%0*d", JT_NODE_NAME_MAX + 1, 0);
    assert_null(find("DELETE", path));
    assert_null(find("DELETE", "/v1/nodes/"));
    assert_null(find("GET", "/v1/nodes/node2"));
}

static void a_token_is_kept_only_where_it_has_a_length_that_tokens_have(void **state)
{
    (void)state;
    static const char token[] = "jtk_0123456789abcdefghjkmnpqrs";
    char path[100];
    snprintf(path, sizeof path, "/v1/fields/pan/tokens/%s", token);
    assert_non_null(find("GET", path));
    assert_string_equal(params.token, token);
    assert_non_null(find("GET", "/v1/fields/pan/tokens/4111111111111111"));
    assert_string_equal(params.token, "4111111111111111"); /* a numeric one has its length */
    assert_non_null(find("GET", "/v1/fields/pan/tokens/jtk_0123456789abcdefghjkmnpqrs0"));
    assert_string_equal(params.token, ""); /* longer than any */
    assert_null(find("GET", "/v1/fields/pan/tokens/"));
    assert_null(find("GET", "/v1/fields/pan/tokens"));
}

static void near_misses_do_not_match(void **state)
{
    (void)state;
    static const char *const bad[] = { "/",
                                       "",
                                       "/v1",
                                       "/v1/fields/",
                                       "/v1/fields//tokenize",
                                       "/v1/fields/pan/tokenize/",
                                       "/v1/fields/pan/tokenizer",
                                       "/v2/fields/pan/tokenize",
                                       "/livez/",
                                       "livez" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_null(find("POST", bad[i]));
        assert_null(find("GET", bad[i]));
    }
    char path[200];
    snprintf(path, sizeof path, "/v1/fields/%0100d/tokenize", 1);
    assert_null(find("POST", path));
}

static void another_method_is_told_which_are_allowed(void **state)
{
    (void)state;
    assert_null(find("DELETE", "/v1/fields"));
    assert_true(known);
    assert_string_equal(allow, "GET, HEAD, POST, OPTIONS");
    assert_null(find("GET", "/v1/fields/pan/tokenize"));
    assert_string_equal(allow, "POST, OPTIONS");
    assert_null(find("OPTIONS", "/livez"));
    assert_string_equal(allow, "GET, HEAD, OPTIONS");
}

static void head_is_taken_where_get_is(void **state)
{
    (void)state;
    assert_ptr_equal(find("HEAD", "/livez"), find("GET", "/livez"));
    assert_null(find("HEAD", "/v1/fields/pan/tokenize"));
    assert_true(known);
}

static void health_and_the_contract_alone_need_no_key(void **state)
{
    (void)state;
    size_t n;
    const struct jt_route *all = jt_routes_all(&n);
    for (size_t i = 0; i < n; i++) {
        bool open = strcmp(all[i].path, "/livez") == 0 || strcmp(all[i].path, "/readyz") == 0 ||
                    strcmp(all[i].path, "/openapi.json") == 0;
        assert_int_equal(all[i].permission == 0, open);
    }
}

static void each_post_says_what_becomes_of_a_repetition(void **state)
{
    (void)state;
    size_t n;
    const struct jt_route *all = jt_routes_all(&n);
    for (size_t i = 0; i < n; i++) {
        const struct jt_operation *o = all[i].operation;
        bool post = strcmp(all[i].method, "POST") == 0;
        assert_int_equal(o->once != JT_ONCE_UNSAID, post);
        /* what a worker does once needs a way to be answered again */
        assert_int_equal(o->once == JT_ONCE_TAKEN && o->handler == NULL, o->again != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_field_name_is_taken_from_the_path),
        cmocka_unit_test(a_number_is_taken_in_canonical_form_only),
        cmocka_unit_test(a_node_is_named_as_it_is_and_too_long_a_name_is_no_path),
        cmocka_unit_test(a_token_is_kept_only_where_it_has_a_length_that_tokens_have),
        cmocka_unit_test(near_misses_do_not_match),
        cmocka_unit_test(another_method_is_told_which_are_allowed),
        cmocka_unit_test(head_is_taken_where_get_is),
        cmocka_unit_test(health_and_the_contract_alone_need_no_key),
        cmocka_unit_test(each_post_says_what_becomes_of_a_repetition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Problem bodies: RFC 9457 shape, stable names, texts that need no JSON escaping and echo nothing.
 */
#include "api/json.h"
#include "api/problem.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const enum jt_problem_type all[] = {
#define JT_PROBLEM(id, name, status, head, title, detail) JT_PROBLEM_##id,
#include "api/problems.def"
#undef JT_PROBLEM
};

#define N_ALL (sizeof all / sizeof all[0])

static json_t *parse(const struct jt_buf *b)
{
    json_t *object = json_loadb((const char *)b->data, b->len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(object);
    return object;
}

static void every_problem_is_valid_json_with_the_rfc_9457_members(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ALL; i++) {
        struct jt_buf b;
        jt_buf_init(&b, 4096);
        jt_problem_write(all[i], &b);
        json_t *object = parse(&b);
        const char *type = json_string_value(json_object_get(object, "type"));
        assert_memory_equal(type, JT_PROBLEM_PREFIX, strlen(JT_PROBLEM_PREFIX));
        assert_string_equal(type + strlen(JT_PROBLEM_PREFIX), jt_problem_name(all[i]));
        assert_int_equal(json_integer_value(json_object_get(object, "status")),
                         jt_problem_status(all[i]));
        assert_string_equal(json_string_value(json_object_get(object, "title")),
                            jt_problem_title(all[i]));
        assert_string_equal(json_string_value(json_object_get(object, "detail")),
                            jt_problem_detail(all[i]));
        json_decref(object);
        jt_buf_clear(&b);
    }
}

static void a_detail_of_its_own_is_escaped(void **state)
{
    (void)state;
    static const char detail[] = "The member \"pan\" must be\n\ta text; not \\ that, \xc3\xa9.";
    struct jt_buf b;
    jt_buf_init(&b, 4096);
    jt_problem_write_detail(JT_PROBLEM_INVALID_VALUE, detail, &b);
    json_t *object = parse(&b);
    assert_int_equal(json_object_size(object), 4);
    assert_string_equal(json_string_value(json_object_get(object, "detail")), detail);
    assert_string_equal(json_string_value(json_object_get(object, "type")),
                        JT_PROBLEM_PREFIX "invalid-value");
    assert_int_equal(json_integer_value(json_object_get(object, "status")), 422);
    json_decref(object);
    jt_buf_clear(&b);
}

static void every_failed_item_carries_status_type_and_title(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ALL; i++) {
        struct jt_buf b;
        jt_buf_init(&b, 4096);
        jt_problem_write_item(all[i], &b);
        json_t *object = parse(&b);
        assert_int_equal(json_object_size(object), 3);
        assert_int_equal(json_integer_value(json_object_get(object, "status")),
                         jt_problem_status(all[i]));
        json_decref(object);
        jt_buf_clear(&b);
    }
}

static void names_are_unique_and_statuses_are_errors(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ALL; i++) {
        assert_in_range(jt_problem_status(all[i]), 400, 599);
        for (size_t j = i + 1; j < N_ALL; j++) {
            assert_string_not_equal(jt_problem_name(all[i]), jt_problem_name(all[j]));
        }
    }
}

static void pan_faults_have_the_problem_of_their_name(void **state)
{
    (void)state;
    assert_int_equal(jt_problem_of_pan(JT_PAN_GOOD), JT_PROBLEM_NONE);
    for (enum jt_pan_fault f = JT_PAN_EMPTY; f <= JT_PAN_TEST_CARD; f++) {
        assert_string_equal(jt_problem_name(jt_problem_of_pan(f)), jt_pan_fault_name(f));
    }
}

static void a_lost_dependency_is_503_and_a_refused_ciphertext_is_500(void **state)
{
    (void)state;
    assert_int_equal(jt_problem_status(jt_problem_of_err(JT_ERR_DB_AWAY)), 503);
    assert_int_equal(jt_problem_status(jt_problem_of_err(JT_ERR_RING_MOVED)), 503);
    /* no repeating helps */
    assert_int_equal(jt_problem_status(jt_problem_of_err(JT_ERR_PROTOCOL)), 500);
    assert_int_equal(jt_problem_of_err(JT_ERR_DECRYPT), JT_PROBLEM_UNDECRYPTABLE);
    assert_int_equal(jt_problem_of_err(JT_OK), JT_PROBLEM_NONE);
}

static bool says_when_to_repeat(enum jt_problem_type problem)
{
    struct jt_http_answer answer = { .status = 0 };
    jt_problem_head(problem, &answer);
    assert_int_equal(answer.status, jt_problem_status(problem));
    assert_string_equal(answer.media_type, "application/problem+json");
    return answer.name != NULL && strcmp(answer.name, "Retry-After") == 0;
}

static void what_passes_by_itself_says_when_to_repeat_it_and_nothing_else_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ALL; i++) {
        if (says_when_to_repeat(all[i])) {
            int status = jt_problem_status(all[i]);
            assert_true(status == 503 || status == 429 || all[i] == JT_PROBLEM_IDEMPOTENCY_RUNNING);
        }
    }
    for (int err = 1; err <= JT_ERR_MAX; err++) {
        enum jt_problem_type problem = jt_problem_of_err((enum jt_err)err);
        if (jt_err_known((uint8_t)err) && jt_err_class((enum jt_err)err) == JT_CLASS_REPEAT &&
            jt_problem_status(problem) == 503) {
            assert_true(says_when_to_repeat(problem));
        }
    }
    assert_false(says_when_to_repeat(JT_PROBLEM_OUTCOME_UNKNOWN));
    assert_false(says_when_to_repeat(JT_PROBLEM_NO_ACTIVE_GENERATION));
    assert_false(says_when_to_repeat(JT_PROBLEM_KEY_MISSING));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_problem_is_valid_json_with_the_rfc_9457_members),
        cmocka_unit_test(a_detail_of_its_own_is_escaped),
        cmocka_unit_test(every_failed_item_carries_status_type_and_title),
        cmocka_unit_test(names_are_unique_and_statuses_are_errors),
        cmocka_unit_test(pan_faults_have_the_problem_of_their_name),
        cmocka_unit_test(what_passes_by_itself_says_when_to_repeat_it_and_nothing_else_does),
        cmocka_unit_test(a_lost_dependency_is_503_and_a_refused_ciphertext_is_500),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies read by a table: what is taken, and refusals that name the member and what it must be, and
 * repeat nothing of the client's.
 */
#include "api/api.h"
#include "api/client_members.h"
#include "api/operation.h"
#include "api/rules_members.h"
#include "model/client.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct target {
    char name[8];
    char reason[128];
    bool flag, other;
    struct jt_may permissions;
    struct jt_card_rules_patch rules;
};

static const struct jt_member all[] = {
    { "name", &jt_member_text, JT_MEMBER_AT(struct target, name), .required = true,
      .must = "a name" },
    { "reason", &jt_member_text, JT_MEMBER_AT(struct target, reason), .valid = jt_text_is_reason,
      .must = "a reason" },
    { "flag", &jt_member_flag, JT_MEMBER_AT(struct target, flag), .fallback = true,
      .must = "true or false" },
    { "other", &jt_member_flag, JT_MEMBER_AT(struct target, other), .must = "true or false" },
    { "permissions", &jt_member_permissions, JT_MEMBER_AT(struct target, permissions),
      .must = "an array" },
    { "rules", &jt_member_object, JT_MEMBER_AT(struct target, rules), .must = JT_RULES_MUST,
      .within = &jt_rules_members },
};
static const struct jt_members members = JT_MEMBERS(all);

/* The detail of the refusal of a body, NULL: it is taken; static storage. */
static const char *refusal(const char *body, struct target *out)
{
    static char detail[JT_PROBLEM_DETAIL_MAX + 1];
    static struct jt_api api; /* which counts nothing */
    struct jt_request r = { .api = &api };
    jt_buf_init(&r.http.answer.body, 4096);
    r.json = body == NULL ? NULL : json_loads(body, JSON_ALLOW_NUL, NULL);
    assert_true(body == NULL || r.json != NULL);
    *out = (struct target){ .flag = false };
    bool good = jt_members_read(&r, &members, out);
    assert_int_equal(good, r.http.answer.status == 0);
    json_t *answer =
        json_loadb((const char *)r.http.answer.body.data, r.http.answer.body.len, 0, NULL);
    assert_int_equal(good, answer == NULL);
    if (!good) {
        assert_in_range(r.http.answer.status, 400, 422);
        snprintf(detail, sizeof detail, "%s", json_string_value(json_object_get(answer, "detail")));
        json_t *error = json_array_get(json_object_get(answer, "errors"), 0);
        const char *pointer = json_string_value(json_object_get(error, "pointer"));
        assert_string_equal(json_string_value(json_object_get(error, "detail")), detail);
        /* "#/name" of the member that the detail names, or "#" */
        /* or within an object: "#/rules" and "#/rules/name" */
        bool unknown = strstr(detail, "does not take") != NULL;
        assert_memory_equal(pointer, "#/", pointer[1] == '\0' ? 1 : 2);
        assert_true(unknown || strstr(detail, strrchr(pointer, '/') + 1) != NULL);
        assert_true(!unknown || pointer[1] == '\0' || strcmp(pointer, "#/rules") == 0);
    }
    json_decref(answer);
    json_decref(r.json);
    jt_buf_clear(&r.http.answer.body);
    return good ? NULL : detail;
}

static void members_are_taken_to_where_the_table_says(void **state)
{
    (void)state;
    struct target t;
    assert_null(refusal("{\"name\":\"seven77\",\"reason\":\"it must\",\"flag\":false,"
                        "\"other\":true,\"permissions\":[\"operate\",\"tokenize\",\"lookup:a.b\"]}",
                        &t));
    assert_string_equal(t.name, "seven77");
    assert_string_equal(t.reason, "it must");
    assert_false(t.flag);
    assert_true(t.other);
    assert_int_equal(t.permissions.everywhere, JT_MAY_OPERATE | JT_MAY_TOKENIZE);
    assert_int_equal(jt_may_in(&t.permissions, "a.b"),
                     JT_MAY_OPERATE | JT_MAY_TOKENIZE | JT_MAY_LOOKUP);
}

static void what_is_absent_is_as_the_table_says(void **state)
{
    (void)state;
    struct target t;
    assert_null(refusal("{\"name\":\"\"}", &t));
    assert_true(t.flag);
    assert_false(t.other);
    assert_string_equal(t.reason, "");
    assert_true(jt_may_nothing(&t.permissions));
}

static void a_refusal_names_the_member_and_what_it_must_be(void **state)
{
    (void)state;
    static const struct {
        const char *body, *detail;
    } cases[] = {
        { "{}", "The body lacks the member name." },
        { NULL, "The body lacks the member name." },
        { "{\"name\":\"x\",\"4111111111111111\":1}",
          "The body has a member that this operation does not take. It takes: name, reason, flag, "
          "other, permissions, rules." },
        { "{\"name\":\"eight888\"}", "The member name must be a name." },
        { "{\"name\":null}", "The member name must be a name." },
        { "{\"name\":\"a\\u0000b\"}", "The member name must be a name." },
        { "{\"name\":\"x\",\"reason\":\"\"}", "The member reason must be a reason." },
        { "{\"name\":\"x\",\"reason\":\"a\\tb\"}", "The member reason must be a reason." },
        { "{\"name\":\"x\",\"flag\":1}", "The member flag must be true or false." },
        { "{\"name\":\"x\",\"flag\":null}", "The member flag must be true or false." },
        { "{\"name\":\"x\",\"permissions\":[]}", "The member permissions must be an array." },
        { "{\"name\":\"x\",\"permissions\":{}}", "The member permissions must be an array." },
        { "{\"name\":\"x\",\"permissions\":[\"operate\",\"operate\"]}",
          "The member permissions must be an array." },
        { "{\"name\":\"x\",\"permissions\":[\"operate:a.b\"]}",
          "The member permissions must be an array." },
        { "{\"name\":\"x\",\"permissions\":[\"root\"]}",
          "The member permissions must be an array." },
    };
    struct target t;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *detail = refusal(cases[i].body, &t);
        assert_non_null(detail);
        assert_string_equal(detail, cases[i].detail);
    }
}

static void an_object_is_read_as_a_body_is(void **state)
{
    (void)state;
    struct target t;
    assert_null(refusal("{\"name\":\"\",\"rules\":{}}", &t));
    assert_int_equal(t.rules.said, 0);
    assert_null(refusal("{\"name\":\"\",\"rules\":{\"lengths\":[19,12],\"leading_zeros\":\"strip\","
                        "\"luhn_exempt\":[\"81\",\"62\"],\"normalise\":false}}",
                        &t));
    assert_int_equal(t.rules.said, JT_RULE_LENGTHS | JT_RULE_LEADING_ZEROS | JT_RULE_LUHN_EXEMPT |
                                       JT_RULE_NORMALISE);
    assert_int_equal(t.rules.rules.lengths, JT_LENGTH(12) | JT_LENGTH(19));
    assert_int_equal(t.rules.rules.zeros, JT_ZEROS_STRIP);
    assert_int_equal(t.rules.rules.exempt[0].value, 62);
    static const char *const bad[][2] = {
        { "[]", "The member rules must be an object" },
        { "null", "The member rules must be an object" },
        { "{\"4111111111111111\":1}", "An object in the body has a member" },
        { "{\"lengths\":[]}", "The member lengths" },
        { "{\"lengths\":16}", "The member lengths" },
        { "{\"lengths\":[16,16]}", "The member lengths" },
        { "{\"lengths\":[11]}", "The member lengths" },
        { "{\"lengths\":[20]}", "The member lengths" },
        { "{\"lengths\":[\"16\"]}", "The member lengths" },
        { "{\"lengths\":[4294967308]}", "The member lengths" },
        { "{\"luhn_exempt\":\"62\"}", "The member luhn_exempt" },
        { "{\"luhn_exempt\":[62]}", "The member luhn_exempt" },
        { "{\"luhn_exempt\":[\"\"]}", "The member luhn_exempt" },
        { "{\"luhn_exempt\":[\"62\",\"622\"]}", "The member luhn_exempt" },
        { "{\"luhn_exempt\":[\"4111111111111111\"]}", "The member luhn_exempt" },
        { "{\"leading_zeros\":\"\"}", "The member leading_zeros" },
        { "{\"leading_zeros\":null}", "The member leading_zeros" },
        { "{\"refuse_all_zeros\":1}", "The member refuse_all_zeros" },
        { "{\"refuse_test_cards\":\"true\"}", "The member refuse_test_cards" },
        { "{\"normalise\":null}", "The member normalise" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char body[200];
        snprintf(body, sizeof body, "{\"name\":\"\",\"rules\":%s}", bad[i][0]);
        const char *detail = refusal(body, &t);
        assert_non_null(detail);
        assert_memory_equal(detail, bad[i][1], strlen(bad[i][1]));
        assert_null(strstr(detail, "4111"));
    }
}

static void times_are_those_of_rfc_3339_that_there_are(void **state)
{
    (void)state;
    static const char *const good[] = { "", "2026-11-01T00:00:00Z", "2026-11-01T23:59:60.123456Z",
                                        "2024-02-29T12:00:00+05:30", "2000-02-29T12:00:00-15:59" };
    static const char *const bad[] = { "yesterday",
                                       "2026-11-01",
                                       "2026-11-01 00:00:00Z",
                                       "2026-11-01T00:00:00",
                                       "2026-11-01T00:00:00z",
                                       "2026-11-01T00:00:00.Z",
                                       "2026-11-01T00:00:00Z ",
                                       "2026-13-01T00:00:00Z",
                                       "2026-00-01T00:00:00Z",
                                       "2026-02-29T00:00:00Z",
                                       "2100-02-29T00:00:00Z",
                                       "2026-04-31T00:00:00Z",
                                       "2026-11-01T24:00:00Z",
                                       "2026-11-01T00:60:00Z",
                                       "2026-11-01T00:00:00+16:00",
                                       "0000-11-01T00:00:00Z",
                                       "-infinity" };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(jt_text_is_time_or_empty(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(jt_text_is_time_or_empty(bad[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_taken_to_where_the_table_says),
        cmocka_unit_test(what_is_absent_is_as_the_table_says),
        cmocka_unit_test(a_refusal_names_the_member_and_what_it_must_be),
        cmocka_unit_test(an_object_is_read_as_a_body_is),
        cmocka_unit_test(times_are_those_of_rfc_3339_that_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

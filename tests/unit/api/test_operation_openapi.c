/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docs/openapi.json says of each route what its tables say: method and path, the permission, the
 * members of the body with type, bound, need and default, and the status of success. It has no
 * route more.
 */
#include "api/operation.h"
#include "vault/registry.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static json_t *document;

static json_t *at(json_t *value, const char *first, const char *second)
{
    return json_object_get(json_object_get(value, first), second);
}

/* The schema itself, or what it refers to within the document. */
static json_t *resolved(json_t *schema)
{
    const char *ref = json_string_value(json_object_get(schema, "$ref"));
    static const char schemas[] = "#/components/schemas/";
    if (ref == NULL) {
        return schema;
    }
    assert_memory_equal(ref, schemas, sizeof schemas - 1);
    json_t *found =
        json_object_get(at(document, "components", "schemas"), ref + sizeof schemas - 1);
    assert_non_null(found);
    return found;
}

static json_t *operation(const struct jt_route *route)
{
    json_t *path = json_object_get(json_object_get(document, "paths"), route->path);
    char method[8] = "";
    for (size_t i = 0; i + 1 < sizeof method && route->method[i] != '\0'; i++) {
        method[i] = (char)(route->method[i] | 0x20);
        method[i + 1] = '\0';
    }
    json_t *found = json_object_get(path, method);
    if (found == NULL) {
        fail_msg("not documented: %s %s", route->method, route->path);
    }
    return found;
}

static const struct jt_route *routes;
static size_t n_routes;

static void routes_are_documented_and_no_others(void **state)
{
    (void)state;
    size_t n_documented = 0;
    const char *path, *method;
    json_t *item, *ignored;
    json_object_foreach(json_object_get(document, "paths"), path, item)
    {
        json_object_foreach(item, method, ignored)
        {
            n_documented += strcmp(method, "parameters") != 0;
        }
    }
    for (size_t i = 0; i < n_routes; i++) {
        assert_non_null(operation(&routes[i]));
    }
    assert_int_equal(n_documented, n_routes);
}

/* Of one way to be let in, which is one permission. */
static uint32_t bit_of(const char *path, json_t *requirement)
{
    json_t *roles = json_object_get(requirement, "apiKey");
    if (json_array_size(roles) != 1) {
        fail_msg("%s: needs one role of apiKey in each way in security", path);
    }
    const char *role = json_string_value(json_array_get(roles, 0));
    for (size_t p = 0; p < JT_N_PERMISSIONS; p++) {
        if (strcmp(role, jt_permission_names[p].name) == 0) {
            return jt_permission_names[p].bit;
        }
    }
    fail_msg("%s: no permission: %s", path, role);
    return 0;
}

/* Any of several permissions may do: then security lists as many ways. */
static void the_permission_is_the_role_of_the_operation(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_routes; i++) {
        json_t *security = json_object_get(operation(&routes[i]), "security");
        if (routes[i].permission == 0) {
            assert_true(json_is_array(security));
            assert_int_equal(json_array_size(security), 0);
            continue;
        }
        uint32_t bit = 0;
        for (size_t a = 0; a < json_array_size(security); a++) {
            bit |= bit_of(routes[i].path, json_array_get(security, a));
        }
        assert_int_equal(bit, routes[i].permission & JT_MAY_ALL);
    }
}

static json_t *schema_of_body(const struct jt_route *route)
{
    json_t *content = at(operation(route), "requestBody", "content");
    return resolved(at(content, "application/json", "schema"));
}

static bool lists(json_t *array, const char *text)
{
    bool found = false;
    for (size_t i = 0; i < json_array_size(array); i++) {
        found |= strcmp(json_string_value(json_array_get(array, i)), text) == 0;
    }
    return found;
}

static void check_object(const struct jt_route *route, const struct jt_members *members,
                         json_t *schema);

static void check_member(const struct jt_route *route, const struct jt_member *m, json_t *schema)
{
    json_t *property = resolved(at(schema, "properties", m->name));
    if (property == NULL) {
        fail_msg("%s: member %s is not documented", route->path, m->name);
    }
    const char *type = json_string_value(json_object_get(property, "type"));
    if (type == NULL || strcmp(type, m->kind->schema) != 0) {
        fail_msg("%s: member %s is a %s", route->path, m->name, m->kind->schema);
    }
    if (lists(json_object_get(schema, "required"), m->name) != m->required) {
        fail_msg("%s: member %s is %s", route->path, m->name,
                 m->required ? "required" : "optional");
    }
    json_t *fallback = json_object_get(property, "default");
    if (m->kind == &jt_member_flag && json_is_true(fallback) != m->fallback) {
        fail_msg("%s: member %s has another default", route->path, m->name);
    }
    json_t *longest = json_object_get(property, "maxLength");
    if (m->kind == &jt_member_text && (size_t)json_integer_value(longest) != m->size - 1) {
        fail_msg("%s: member %s has at most %zu bytes", route->path, m->name, m->size - 1);
    }
    if (m->within != NULL) {
        check_object(route, m->within, property);
    }
}

static void check_object(const struct jt_route *route, const struct jt_members *members,
                         json_t *schema)
{
    assert_true(json_is_false(json_object_get(schema, "additionalProperties")));
    for (size_t i = 0; i < members->n; i++) {
        check_member(route, &members->all[i], schema);
    }
    if (json_object_size(json_object_get(schema, "properties")) != members->n) {
        fail_msg("%s: more members are documented than there are", route->path);
    }
}

static void check_body(const struct jt_route *route)
{
    const struct jt_members *members = &route->operation->members;
    json_t *schema = schema_of_body(route);
    if (schema == NULL || json_object_get(schema, "properties") == NULL) {
        fail_msg("%s: its body is not documented", route->path);
    }
    check_object(route, members, schema);
}

/* The member of the table; NULL: it names none such. */
static const struct jt_member *member_of(const struct jt_members *members, const char *name)
{
    size_t i = 0;
    while (i < members->n && strcmp(members->all[i].name, name) != 0) {
        i++;
    }
    return i < members->n ? &members->all[i] : NULL;
}

/*
 * One item, in one of its forms, or the member `items`: each needs all of its members, but for
 * those that go with each.
 */
static void check_alternatives(const struct jt_route *route)
{
    const struct jt_members *members = &route->operation->members;
    json_t *alternatives = json_object_get(schema_of_body(route), "oneOf");
    bool documented[8] = { false };
    assert_true(members->n <= 8);
    for (size_t a = 0; a < json_array_size(alternatives); a++) {
        json_t *schema = resolved(json_array_get(alternatives, a));
        const char *name;
        json_t *ignored;
        json_object_foreach(json_object_get(schema, "properties"), name, ignored)
        {
            const struct jt_member *member = member_of(members, name);
            assert_non_null(member);
            assert_true(lists(json_object_get(schema, "required"), name) != member->beside);
        }
        for (size_t i = 0; i < members->n; i++) {
            documented[i] |= at(schema, "properties", members->all[i].name) != NULL;
        }
    }
    for (size_t i = 0; i < members->n; i++) {
        assert_true(documented[i]);
    }
}

static void bodies_have_the_members_of_the_tables(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_routes; i++) {
        const struct jt_route *route = &routes[i];
        enum jt_body_rule rule = jt_operation_body(route->method, route->operation);
        json_t *body = json_object_get(operation(route), "requestBody");
        if ((body != NULL) != (rule != JT_BODY_NONE) ||
            json_is_true(json_object_get(body, "required")) != (rule == JT_BODY_OBJECT)) {
            fail_msg("%s %s: its body is %s", route->method, route->path,
                     rule == JT_BODY_NONE       ? "empty"
                     : rule == JT_BODY_OPTIONAL ? "optional"
                                                : "required");
        }
        if (route->operation->one_of) {
            check_alternatives(route);
        } else if (rule != JT_BODY_NONE) {
            check_body(route);
        }
    }
}

static bool is_parameter(const struct jt_route *route, const struct jt_member *m)
{
    json_t *all = json_object_get(operation(route), "parameters");
    for (size_t i = 0; i < json_array_size(all); i++) {
        json_t *p = resolved(json_array_get(all, i));
        json_t *type = json_object_get(resolved(json_object_get(p, "schema")), "type");
        if (strcmp(json_string_value(json_object_get(p, "name")), m->name) == 0) {
            return strcmp(json_string_value(json_object_get(p, "in")), "query") == 0 &&
                   strcmp(json_string_value(type), m->kind->schema) == 0;
        }
    }
    return false;
}

/* A GET has no body: its members are what its query may have. */
static void queries_have_the_members_of_the_tables(void **state)
{
    (void)state;
    size_t n = 0;
    for (size_t i = 0; i < n_routes; i++) {
        const struct jt_members *members = &routes[i].operation->members;
        for (size_t m = 0; m < members->n && strcmp(routes[i].method, "GET") == 0; m++) {
            n++;
            if (!is_parameter(&routes[i], &members->all[m])) {
                fail_msg("%s: parameter %s is not documented", routes[i].path,
                         members->all[m].name);
            }
        }
    }
    assert_true(n > 0);
}

static void success_has_the_status_of_the_tables(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_routes; i++) {
        json_t *responses = json_object_get(operation(&routes[i]), "responses");
        const char *status;
        json_t *ignored;
        json_object_foreach(responses, status, ignored)
        {
            int status_of_table = routes[i].operation->status;
            int expected = status_of_table != 0 ? status_of_table : 200;
            char text[8];
            snprintf(text, sizeof text, "%d", expected);
            if (status[0] == '2' && strcmp(status, text) != 0) {
                fail_msg("%s %s: %s, not %s", routes[i].method, routes[i].path, text, status);
            }
        }
    }
}

/* Each either answers by itself, or has an act and an answer to it. */
static void operations_are_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_routes; i++) {
        const struct jt_operation *e = routes[i].operation;
        assert_true((e->handler == NULL) == (e->act != NULL && e->answer != NULL));
        assert_true(e->handler != NULL || (e->status >= 200 && e->status < 300));
        for (size_t m = 0; m < e->members.n && e->handler == NULL; m++) {
            const struct jt_member *member = &e->members.all[m];
            assert_true(member->kind != NULL && member->must != NULL);
            assert_true(member->size > 0 && member->offset + member->size <= e->state_size);
        }
    }
}

static int setup(void **state)
{
    (void)state;
    document = json_load_file(OPENAPI, 0, NULL);
    routes = jt_routes_all(&n_routes);
    return document == NULL || n_routes == 0;
}

static int teardown(void **state)
{
    (void)state;
    json_decref(document);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routes_are_documented_and_no_others),
        cmocka_unit_test(the_permission_is_the_role_of_the_operation),
        cmocka_unit_test(bodies_have_the_members_of_the_tables),
        cmocka_unit_test(queries_have_the_members_of_the_tables),
        cmocka_unit_test(success_has_the_status_of_the_tables),
        cmocka_unit_test(operations_are_whole),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The path of a request to its route. An input is a method, a line end, and a path. A path that has
 * a route is what the route's pattern gives with the parameters that were taken from it: one
 * resource has one path. The methods that are allowed instead of an unknown one do find a route.
 */
#include "fuzz.h"

#include "api/routes.h"

#define MAX_LEN 1024

/* Writes the path of a route with these parameters. */
static void write_path(const char *pattern, const struct jt_route_params *params,
                       struct jt_buf *out)
{
    while (*pattern != '\0') {
        char number[24];
        const char *value = NULL;
        if (strncmp(pattern, "{number}", 8) == 0) {
            snprintf(number, sizeof number, "%llu", (unsigned long long)params->number);
            value = number;
        } else if (strncmp(pattern, "{field}", 7) == 0) {
            value = params->field;
        } else if (strncmp(pattern, "{client}", 8) == 0) {
            value = params->client;
        }
        if (value == NULL) {
            jt_buf_u8(out, (uint8_t)*pattern++);
        } else {
            jt_buf_put(out, value, strlen(value));
            pattern = strchr(pattern, '}') + 1;
        }
    }
}

static void check_allowed(char *allow, const char *path)
{
    struct jt_route_params params;
    bool path_known;
    char other[64], *rest = allow;
    MUST(strstr(allow, "OPTIONS") != NULL);
    for (char *method = strsep(&rest, ","); method != NULL; method = strsep(&rest, ",")) {
        method += *method == ' ';
        const struct jt_route *route =
            jt_routes_find(method, path, &params, &path_known, other, sizeof other);
        MUST((route == NULL) == (strcmp(method, "OPTIONS") == 0));
    }
}

static void check(const char *method, const char *path)
{
    struct jt_route_params params;
    char allow[64];
    bool path_known;
    const struct jt_route *route =
        jt_routes_find(method, path, &params, &path_known, allow, sizeof allow);
    if (route != NULL) {
        struct jt_buf again;
        jt_buf_init(&again, 2 * MAX_LEN);
        write_path(route->path, &params, &again);
        MUST(fuzz_same(again.data, again.len, path, strlen(path)));
        MUST(strcmp(route->method, method) == 0 ||
             (strcmp(route->method, "GET") == 0 && strcmp(method, "HEAD") == 0));
        jt_buf_clear(&again);
    } else if (path_known) {
        check_allowed(allow, path);
    } else {
        MUST(allow[0] == '\0');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len == 0 || len > MAX_LEN || memchr(data, '\0', len) != NULL) {
        return -1;
    }
    char *text = malloc(len + 1);
    MUST(text != NULL);
    memcpy(text, data, len);
    text[len] = '\0';
    char *path = strchr(text, '\n');
    if (path != NULL) {
        *path++ = '\0';
        check(text, path);
    }
    bool taken = path != NULL;
    free(text);
    return taken ? 0 : -1;
}

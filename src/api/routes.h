/* SPDX-License-Identifier: Apache-2.0 */
/* The REST API as one table, routes.def: method, path, permission, operation. */
#ifndef JETON_API_ROUTES_H
#define JETON_API_ROUTES_H

#include "model/client.h"
#include "model/field.h"
#include "model/node.h"
#include "pan/token.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jt_operation;

enum jt_body_rule {
    JT_BODY_NONE,     /* must be empty */
    JT_BODY_OPTIONAL, /* empty or a JSON object */
    JT_BODY_OBJECT,
};

struct jt_route {
    const char *method;
    const char *path;    /* {field}, {client}, {node}, {token} and {number} stand for one segment */
    uint32_t permission; /* enum jt_permission; 0: no API key needed */
    const struct jt_operation *operation;
    const char *name; /* of the operation, for metrics */
};

#define JT_ROUTE(method, path, permission, name) \
    extern const struct jt_operation jt_operation_##name;
#include "api/routes.def"
#undef JT_ROUTE

struct jt_route_params {
    char field[JT_FIELD_NAME_MAX + 1];
    uint64_t number;
    char client[JT_CLIENT_ID_MAX + 1];
    char node[JT_NODE_NAME_MAX + 1];
    char digest[2 * 32 + 1]; /* lower-case hexadecimal */
    /* of the length of a token's text, or empty: whether it is one is the operation's to say */
    char token[JT_TOKEN_TEXT_LEN + 1];
};

/*
 * The route of a method and path, or NULL; then *path_known tells whether another method would have
 * matched, and `allow` receives those methods as for an Allow header, OPTIONS among them, which no
 * route has. HEAD finds the route of GET.
 */
const struct jt_route *jt_routes_find(const char *method, const char *path,
                                      struct jt_route_params *params, bool *path_known, char *allow,
                                      size_t allow_len);

/* The table, for tests and documentation; *n receives its length. */
const struct jt_route *jt_routes_all(size_t *n);

#endif

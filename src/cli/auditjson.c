/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/auditjson.h"

#include "base/buf.h"
#include "base/hex.h"
#include "store/chain.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool jt_auditjson_hex(const json_t *object, const char *name, uint8_t *out, size_t len)
{
    const json_t *value = json_object_get(object, name);
    return json_string_length(value) == 2 * len &&
           jt_hex_decode(json_string_value(value), len, out) == JT_OK;
}

bool jt_auditjson_number(const json_t *object, const char *name, int64_t low, int64_t high,
                         int64_t *out)
{
    const json_t *value = json_object_get(object, name);
    *out = json_integer_value(value);
    return json_is_integer(value) && *out >= low && *out <= high;
}

static bool take_ends(const json_t *ends, struct jt_audit_start *out)
{
    size_t i;
    const json_t *json;
    out->ends = calloc(json_array_size(ends) + 1, sizeof *out->ends);
    if (out->ends == NULL || json_array_size(ends) > JT_AUDIT_ENDS_MAX) {
        return false;
    }
    json_array_foreach(ends, i, json)
    {
        int64_t connection, link;
        struct jt_audit_end *end = &out->ends[out->n_ends++];
        if (!jt_auditjson_number(json, "connection", 0, INT16_MAX, &connection) ||
            !jt_auditjson_number(json, "link", 1, INT64_MAX, &link) ||
            !jt_auditjson_hex(json, "head", end->head, sizeof end->head)) {
            return false;
        }
        end->connection = (uint16_t)connection;
        end->number = (uint64_t)link;
    }
    return true;
}

bool jt_auditjson_start(const json_t *json, struct jt_audit_start *out)
{
    int64_t id, at_us, predecessor;
    const char *node = json_string_value(json_object_get(json, "node"));
    if (!jt_auditjson_number(json, "id", 1, INT32_MAX, &id) || node == NULL ||
        strlen(node) > JT_NODE_NAME_MAX ||
        !jt_auditjson_number(json, "at_us", 0, INT64_MAX, &at_us) ||
        !jt_auditjson_number(json, "predecessor", 0, INT32_MAX, &predecessor) ||
        !jt_auditjson_hex(json, "incarnation", out->incarnation, sizeof out->incarnation) ||
        !jt_auditjson_hex(json, "mac", out->mac, sizeof out->mac)) {
        return false;
    }
    out->id = (uint32_t)id;
    out->at_us = (uint64_t)at_us;
    out->predecessor = (uint32_t)predecessor;
    (void)snprintf(out->node, sizeof out->node, "%s", node);
    return take_ends(json_object_get(json, "ends"), out);
}

bool jt_auditjson_close(const json_t *json, struct jt_audit_close *out)
{
    int64_t start, connection, link, before_us;
    *out = (struct jt_audit_close){ .start = 0 };
    if (!jt_auditjson_number(json, "start", 1, INT32_MAX, &start) ||
        !jt_auditjson_number(json, "connection", 0, INT16_MAX, &connection) ||
        !jt_auditjson_number(json, "link", 1, INT64_MAX, &link) ||
        !jt_auditjson_number(json, "before_us", 0, INT64_MAX, &before_us) ||
        !jt_auditjson_hex(json, "head", out->head, sizeof out->head) ||
        !jt_auditjson_hex(json, "mac", out->mac, sizeof out->mac)) {
        return false;
    }
    out->start = (uint32_t)start;
    out->connection = (uint16_t)connection;
    out->number = (uint64_t)link;
    out->before_us = (uint64_t)before_us;
    return true;
}

static bool take_source(const json_t *json, struct jt_origin *origin)
{
    const json_t *value = json_object_get(json, "source");
    const char *text = json_string_value(value);
    if (json_is_null(value)) {
        return true;
    }
    bool v6 = text != NULL && strchr(text, ':') != NULL;
    origin->source_len = v6 ? sizeof(struct in6_addr) : sizeof(struct in_addr);
    return text != NULL && inet_pton(v6 ? AF_INET6 : AF_INET, text, origin->source) == 1;
}

bool jt_auditjson_ids_agree(const json_t *json, const struct jt_audit_row *row)
{
    const json_t *list = json_object_get(json, "ids");
    if (list == NULL) {
        return true;
    }
    uint64_t *ids = calloc(json_array_size(list) + 1, sizeof *ids);
    bool good = ids != NULL && json_array_size(list) == row->n_ids;
    for (size_t i = 0; i < row->n_ids && good; i++) {
        uint8_t id[JT_ROW_ID_LEN];
        const json_t *text = json_array_get(list, i);
        good = json_string_length(text) == 2 * sizeof id &&
               jt_hex_decode(json_string_value(text), sizeof id, id) == JT_OK;
        ids[i] = good ? jt_get_u64(id) : 0;
    }
    uint8_t digest[JT_AUDIT_DIGEST_LEN];
    const struct jt_audit_row of_ids = { .ids = ids, .n_ids = row->n_ids };
    good = good && jt_audit_ids_digest(&of_ids, digest) == JT_OK &&
           memcmp(digest, row->ids_digest, sizeof digest) == 0;
    free(ids);
    return good;
}

bool jt_auditjson_row(const json_t *json, struct jt_audit_row *row)
{
    int64_t action, result, field, items, done, n_ids;
    const char *client = json_string_value(json_object_get(json, "client"));
    const char *object = json_string_value(json_object_get(json, "object"));
    struct jt_origin *origin = calloc(1, sizeof *origin);
    uint8_t *digest = calloc(1, JT_AUDIT_DIGEST_LEN);
    *row = (struct jt_audit_row){ .origin = origin, .ids_digest = digest };
    if (origin == NULL || digest == NULL || client == NULL || object == NULL ||
        (row->client = strdup(client)) == NULL || (row->object = strdup(object)) == NULL ||
        !jt_auditjson_number(json, "action_number", 0, INT16_MAX, &action) ||
        !jt_auditjson_number(json, "result", 0, INT16_MAX, &result) ||
        !jt_auditjson_number(json, "field_id", 0, INT32_MAX, &field) ||
        !jt_auditjson_number(json, "items", 0, INT32_MAX, &items) ||
        !jt_auditjson_number(json, "done", 0, INT32_MAX, &done) ||
        !jt_auditjson_number(json, "n_ids", 0, INT32_MAX, &n_ids) ||
        !jt_auditjson_hex(json, "ids_digest", digest, JT_AUDIT_DIGEST_LEN) ||
        !jt_auditjson_hex(json, "request", origin->request, sizeof origin->request) ||
        !take_source(json, origin)) {
        return false;
    }
    row->action = (enum jt_audit_action)action;
    row->result = (enum jt_err)result;
    row->field = (uint32_t)field;
    row->n_items = (uint32_t)items;
    row->n_done = (uint32_t)done;
    row->n_ids = (size_t)n_ids;
    return true;
}

void jt_auditjson_row_clear(struct jt_audit_row *row)
{
    free((void *)row->client);
    free((void *)row->object);
    free((void *)row->origin);
    free((void *)row->ids_digest);
    *row = (struct jt_audit_row){ .n_ids = 0 };
}

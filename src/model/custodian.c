/* SPDX-License-Identifier: Apache-2.0 */
#include "model/custodian.h"

#include "base/hex.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CUSTODIAN "jcp_"
#define APPROVAL  "jca_"

bool jt_custodian_name_valid(const char *name)
{
    return jt_client_id_valid(name) && !jt_name_is_cardlike(name);
}

bool jt_custodian_set_valid(const struct jt_custodian_set *set)
{
    if (set->n < JT_CUSTODIANS_MIN || set->n > JT_CUSTODIANS_MAX) {
        return false;
    }
    for (size_t i = 0; i < set->n; i++) {
        if (!jt_custodian_name_valid(set->all[i].name)) {
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(set->all[i].name, set->all[j].name) == 0 ||
                memcmp(set->all[i].key, set->all[j].key, JT_CUSTODIAN_KEY_LEN) == 0) {
                return false;
            }
        }
    }
    return true;
}

const struct jt_custodian *jt_custodian_find(const struct jt_custodian_set *set, const char *name)
{
    for (size_t i = 0; i < set->n; i++) {
        if (strcmp(set->all[i].name, name) == 0) {
            return &set->all[i];
        }
    }
    return NULL;
}

/* CRC-32 as of ISO 3309, bit by bit: a few bytes, seldom. */
static uint32_t crc32(uint32_t crc, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    crc = ~crc;
    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (UINT32_C(0xedb88320) & (0 - (crc & 1)));
        }
    }
    return ~crc;
}

static void with_sum(const struct jt_custodian *c, uint8_t out[static JT_CUSTODIAN_KEY_LEN + 4])
{
    memcpy(out, c->key, JT_CUSTODIAN_KEY_LEN);
    uint32_t sum = crc32(0, c->name, strlen(c->name) + 1);
    jt_put_u32(out + JT_CUSTODIAN_KEY_LEN, crc32(sum, c->key, JT_CUSTODIAN_KEY_LEN));
}

void jt_custodian_format(const struct jt_custodian *custodian,
                         char out[static JT_CUSTODIAN_TEXT_MAX + 1])
{
    uint8_t bytes[JT_CUSTODIAN_KEY_LEN + 4];
    with_sum(custodian, bytes);
    int n = snprintf(out, JT_CUSTODIAN_TEXT_MAX + 1, CUSTODIAN "%.32s_", custodian->name);
    jt_base32_encode(bytes, sizeof bytes, out + n);
}

/* Splits PREFIX NAME _ REST; NULL unless it has that form and REST so many characters. */
static const char *after_name(const char *text, const char *prefix, size_t rest_len,
                              char name[static JT_CUSTODIAN_NAME_MAX + 1])
{
    size_t prefix_len = strlen(prefix);
    if (strncmp(text, prefix, prefix_len) != 0) {
        return NULL;
    }
    const char *from = text + prefix_len, *end = strchr(from, '_');
    if (end == NULL || end - from > JT_CUSTODIAN_NAME_MAX || strlen(end + 1) != rest_len) {
        return NULL;
    }
    memset(name, 0, JT_CUSTODIAN_NAME_MAX + 1);
    memcpy(name, from, (size_t)(end - from));
    return jt_custodian_name_valid(name) ? end + 1 : NULL;
}

enum jt_err jt_custodian_parse(const char *text, struct jt_custodian *out)
{
    uint8_t bytes[JT_CUSTODIAN_KEY_LEN + 4], right[sizeof bytes];
    *out = (struct jt_custodian){ .name = "" };
    const char *rest = after_name(text, CUSTODIAN, JT_BASE32_LEN(sizeof bytes), out->name);
    if (rest == NULL || jt_base32_decode(rest, sizeof bytes, bytes) != JT_OK) {
        return JT_ERR_INVALID;
    }
    memcpy(out->key, bytes, sizeof out->key);
    with_sum(out, right);
    return memcmp(right, bytes, sizeof right) == 0 ? JT_OK : JT_ERR_INVALID;
}

void jt_approval_format(const struct jt_approval *approval,
                        char out[static JT_APPROVAL_TEXT_MAX + 1])
{
    int n = snprintf(out, JT_APPROVAL_TEXT_MAX + 1, APPROVAL "%.32s_", approval->custodian);
    jt_base32_encode(approval->signature, sizeof approval->signature, out + n);
}

enum jt_err jt_approval_parse(const char *text, struct jt_approval *out)
{
    *out = (struct jt_approval){ .custodian = "" };
    const char *rest =
        after_name(text, APPROVAL, JT_BASE32_LEN(sizeof out->signature), out->custodian);
    return rest == NULL ? JT_ERR_INVALID
                        : jt_base32_decode(rest, sizeof out->signature, out->signature);
}

static void put_line(struct jt_buf *out, const char *name, const char *value)
{
    jt_buf_put(out, name, strlen(name));
    jt_buf_put(out, ": ", 2);
    jt_buf_put(out, value, strlen(value));
    jt_buf_u8(out, '\n');
}

void jt_custodian_set_text(const struct jt_custodian_set *set, struct jt_buf *out)
{
    static const char head[] = "jeton custodian approval v1\n";
    char check_value[2 * JT_CHECK_VALUE_LEN + 1], version[24], text[JT_CUSTODIAN_TEXT_MAX + 1];
    jt_hex_encode(set->root_check_value, sizeof set->root_check_value, check_value);
    (void)snprintf(version, sizeof version, "%" PRIu64, set->version);
    jt_buf_put(out, head, sizeof head - 1);
    put_line(out, "act", "replace-custodians");
    put_line(out, "environment", set->development ? "development" : "production");
    put_line(out, "service-root", check_value);
    put_line(out, "version", version);
    for (size_t i = 0; i < set->n; i++) {
        jt_custodian_format(&set->all[i], text);
        put_line(out, "custodian", text);
    }
}

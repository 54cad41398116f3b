/* SPDX-License-Identifier: Apache-2.0 */
#include "batch/placespec.h"

#include "batch/trouble.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MAX_NUMBER (1u << 20)

static const struct {
    const char *name, *dfsort;
    uint32_t most; /* bytes */
} types[] = {
    [JT_DATUM_CHAR] = { "char", "CH", MAX_NUMBER },
    [JT_DATUM_ZONED] = { "zoned", "ZD", JT_DATUM_MAX_DIGITS },
    [JT_DATUM_PACKED] = { "packed", "PD", (JT_DATUM_MAX_DIGITS + 1) / 2 },
    [JT_DATUM_BINARY] = { "binary", "BI", 8 },
};

const char *jt_placespec_type(enum jt_datum_kind kind)
{
    return types[kind].name;
}

bool jt_placespec_is(const char *text)
{
    return strchr(text, ':') != NULL;
}

/* A number up to its colon; *text goes on behind it. */
static bool take_number(const char **text, uint32_t *out)
{
    size_t n = strspn(*text, "0123456789");
    uint32_t value = 0;
    if (n == 0 || n > 7 || (*text)[n] != ':') {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        value = value * 10 + (uint32_t)((*text)[i] - '0');
    }
    *text += n + 1;
    *out = value;
    return value <= MAX_NUMBER;
}

static bool take_type(const char *text, enum jt_datum_kind *out)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcasecmp(text, types[i].name) == 0 || strcasecmp(text, types[i].dfsort) == 0) {
            *out = (enum jt_datum_kind)i;
            return true;
        }
    }
    return false;
}

enum jt_err jt_placespec_parse(const char *text, uint32_t *at, struct jt_datum *out,
                               struct jt_trouble *trouble)
{
    *out = (struct jt_datum){ .sign = JT_SIGN_TRAILING };
    if (!take_number(&text, at) || !take_number(&text, &out->len)) {
        return jt_trouble_set(trouble, JT_MSG_PLACE_BAD, 0, 0,
                              "OFFSET counts from 0 and LENGTH is in bytes, up to %u", MAX_NUMBER);
    }
    if (!take_type(text, &out->kind)) {
        return jt_trouble_set(trouble, JT_MSG_PLACE_BAD, 0, 0,
                              "TYPE is char (CH), zoned (ZD), packed (PD) or binary (BI)");
    }
    if (out->len == 0 || out->len > types[out->kind].most) {
        return jt_trouble_set(trouble, JT_MSG_PLACE_BAD, 0, 0, "a %s value has 1 to %u bytes",
                              types[out->kind].name, types[out->kind].most);
    }
    out->digits = jt_datum_most_digits(out);
    return JT_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "client/cobolarea.h"

#include <string.h>

/* Where things are in the head, and in an entry. */
enum {
    VERSION = 0,
    EYE = 4,
    FUNCTION = 12,
    FIELD = 16,
    CAPACITY = 80,
    COUNT = 84,
    CODE = 88,
    STATUS = 92,
    REASON = 96,
    MESSAGE = 136,
    FIRST = 216,
    REFUSED = 220,

    VALUE = 0,
    VALUE_LENGTH = 32,
    RESULT = 36,
    RESULT_LENGTH = 68,
    ITEM_CODE = 72,
    ITEM_STATUS = 76,
    ITEM_REASON = 80,
};

static const char eye[8] = "JETON   ";

static int32_t get(const struct jeton_area *a, const unsigned char *p)
{
    uint32_t v = a->little
                     ? (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0]
                     : (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    return (int32_t)v;
}

static void put(const struct jeton_area *a, unsigned char *p, size_t value)
{
    for (size_t i = 0; i < 4; i++) {
        p[a->little ? i : 3 - i] = (unsigned char)(value >> 8 * i);
    }
}

static void put_text(unsigned char *p, size_t size, const char *text)
{
    size_t len = strnlen(text, size);
    memcpy(p, text, len);
    memset(p + len, ' ', size - len);
}

static unsigned char *entry(const struct jeton_area *a, size_t i)
{
    return a->at + JETON_AREA_HEAD + i * JETON_AREA_ENTRY;
}

static bool has_version(struct jeton_area *a)
{
    a->little = a->at[VERSION] != 0;
    return get(a, a->at + VERSION) == JETON_AREA_VERSION &&
           memcmp(a->at + EYE, eye, sizeof eye) == 0;
}

const char *jeton_area_take(void *at, size_t size, struct jeton_area *area)
{
    *area = (struct jeton_area){ .at = size < JETON_AREA_HEAD ? NULL : at };
    if (area->at == NULL) {
        return "call-area";
    }
    if (!has_version(area)) {
        /* it may be anything, of any size, unless that is known */
        area->at = size == SIZE_MAX ? NULL : at;
        return "call-version";
    }
    int32_t capacity = get(area, area->at + CAPACITY), count = get(area, area->at + COUNT);
    size_t room = (size - JETON_AREA_HEAD) / JETON_AREA_ENTRY;
    if (capacity < 1) {
        return "call-capacity";
    }
    area->capacity = (size_t)capacity <= room ? (size_t)capacity : room;
    if ((size_t)capacity > room) {
        return "call-capacity";
    }
    if (count < 0 || count > capacity) {
        return "call-count";
    }
    area->count = (size_t)count;
    return NULL;
}

/* Without its padding; how long it is then. */
static size_t trimmed(const unsigned char *p, size_t len)
{
    while (len > 0 && (p[len - 1] == ' ' || p[len - 1] == '\0')) {
        len--;
    }
    return len;
}

static void copy_text(const unsigned char *p, size_t size, char *out)
{
    size_t len = trimmed(p, size);
    for (size_t i = 0; i < len; i++) {
        out[i] = p[i] < ' ' || p[i] > '~' ? '?' : (char)p[i];
    }
    out[len] = '\0';
}

void jeton_area_function(const struct jeton_area *area, char out[static JETON_AREA_FUNCTION + 1])
{
    copy_text(area->at + FUNCTION, JETON_AREA_FUNCTION, out);
}

void jeton_area_field(const struct jeton_area *area, char out[static JETON_AREA_FIELD + 1])
{
    copy_text(area->at + FIELD, JETON_AREA_FIELD, out);
    for (char *p = out; *p != '\0'; p++) {
        *p = (char)(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p);
    }
}

void jeton_area_blank(const struct jeton_area *area)
{
    for (size_t i = 0; i < area->capacity; i++) {
        memset(entry(area, i) + RESULT, ' ', JETON_AREA_VALUE);
        put(area, entry(area, i) + RESULT_LENGTH, 0);
        jeton_area_outcome(area, i, JETON_AREA_GOOD, 0, "");
    }
}

bool jeton_area_value(const struct jeton_area *area, size_t i,
                      char out[static JETON_AREA_VALUE + 1])
{
    int32_t len = get(area, entry(area, i) + VALUE_LENGTH);
    if (len < 0 || len > JETON_AREA_VALUE) {
        return false;
    }
    copy_text(entry(area, i) + VALUE, len == 0 ? JETON_AREA_VALUE : (size_t)len, out);
    return true;
}

bool jeton_area_result(const struct jeton_area *area, size_t i, const char *result)
{
    size_t len = strlen(result);
    if (len == 0 || len > JETON_AREA_VALUE ||
        strspn(result, "abcdefghijklmnopqrstuvwxyz0123456789_*") != len) {
        return false;
    }
    put_text(entry(area, i) + RESULT, JETON_AREA_VALUE, result);
    put(area, entry(area, i) + RESULT_LENGTH, len);
    return true;
}

void jeton_area_outcome(const struct jeton_area *area, size_t i, int code, int status,
                        const char *reason)
{
    put(area, entry(area, i) + ITEM_CODE, (size_t)code);
    put(area, entry(area, i) + ITEM_STATUS, (size_t)status);
    put_text(entry(area, i) + ITEM_REASON, JETON_AREA_REASON, reason);
}

void jeton_area_end(const struct jeton_area *area, int code, int status, const char *reason,
                    const char *message)
{
    put(area, area->at + CODE, (size_t)code);
    put(area, area->at + STATUS, (size_t)status);
    put_text(area->at + REASON, JETON_AREA_REASON, reason);
    put_text(area->at + MESSAGE, JETON_AREA_MESSAGE, message);
}

void jeton_area_refused(const struct jeton_area *area, size_t first, size_t refused)
{
    put(area, area->at + FIRST, first);
    put(area, area->at + REFUSED, refused);
}

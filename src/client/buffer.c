/* SPDX-License-Identifier: Apache-2.0 */
#include "client/internal.h"

#include <stdlib.h>
#include <string.h>

#define BUFFER_MAX (64u << 20)

/* Grown by copying, so that what is left behind can be wiped. */
static bool grow(struct jeton_buffer *b, size_t need)
{
    size_t cap = b->cap == 0 ? 4096 : b->cap;
    while (cap < need) {
        cap *= 2;
    }
    char *data = need > BUFFER_MAX ? NULL : malloc(cap);
    if (data == NULL) {
        return false;
    }
    if (b->data != NULL) {
        memcpy(data, b->data, b->len + 1);
        explicit_bzero(b->data, b->cap);
        free(b->data);
    }
    b->data = data;
    b->cap = cap;
    return true;
}

void jeton_buffer_put(struct jeton_buffer *b, const char *p, size_t len)
{
    if (b->failed || (b->cap < b->len + len + 1 && !grow(b, b->len + len + 1))) {
        b->failed = true;
        return;
    }
    memcpy(b->data + b->len, p, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void jeton_buffer_text(struct jeton_buffer *b, const char *text)
{
    jeton_buffer_put(b, text, strlen(text));
}

void jeton_buffer_reset(struct jeton_buffer *b)
{
    if (b->data != NULL) {
        explicit_bzero(b->data, b->len + 1);
    }
    b->len = 0;
    b->failed = false;
}

void jeton_buffer_clear(struct jeton_buffer *b)
{
    if (b->data != NULL) {
        explicit_bzero(b->data, b->cap);
    }
    free(b->data);
    *b = (struct jeton_buffer){ 0 };
}

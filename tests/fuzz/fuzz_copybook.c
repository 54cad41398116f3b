/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copybooks. An input is a copybook, a NUL, and a record that it may describe.
 *
 * What is refused has a message with a place. In what is taken, children lie in their groups, no
 * record is longer than one may be, and each item is found by its full name. In the record, no item
 * lies beyond where it is when all tables are as large as they can be.
 */
#include "fuzz.h"

#include "batch/layout.h"
#include "batch/record.h"

#define MAX_INPUT  16384
#define MAX_LOOKED 200 /* items of which names and places are looked at */

static void check_item(const struct jt_copybook *book, int i)
{
    const struct jt_item *item = &book->items[i];
    MUST(item->size > 0 || item->varies || item->first_child != JT_NO_ITEM);
    MUST((uint64_t)item->size * item->occurs_max <= JT_RECORD_MAX);
    MUST(item->parent < i && item->redefines < i && item->counter < i);
    MUST(item->occurs_min <= item->occurs_max && item->occurs_max > 0);
    if (item->parent != JT_NO_ITEM) {
        const struct jt_item *parent = &book->items[item->parent];
        MUST(item->offset + (uint64_t)item->size * item->occurs_max <= parent->size);
    }
}

static void full_name(const struct jt_copybook *book, int i, struct jt_buf *out)
{
    for (int at = i; at != JT_NO_ITEM; at = book->items[at].parent) {
        const char *name = book->items[at].name;
        if (name[0] != '\0') {
            jt_buf_put(out, " OF ", out->len > 0 ? 4 : 0);
            jt_buf_put(out, name, strlen(name));
        }
    }
    jt_buf_u8(out, '\0');
}

static void check_found(const struct jt_copybook *book, int i)
{
    struct jt_buf name;
    struct jt_item_ref ref;
    struct jt_trouble trouble;
    jt_buf_init(&name, 60 * JT_ITEM_NAME_LEN);
    full_name(book, i, &name);
    enum jt_err err = jt_copyname_find(book, (const char *)name.data, JT_NO_ITEM, &ref, &trouble);
    /* Others may have the same full name; and a name may have more groups than are taken. */
    MUST(err == JT_ERR_INVALID ||
         (err == JT_OK && strcmp(book->items[ref.item].name, book->items[i].name) == 0));
    jt_buf_clear(&name);
}

static void check_places(const struct jt_copybook *book, const struct jt_codepage *cp, int i,
                         const uint8_t *data, size_t len)
{
    uint32_t most[32], here[32];
    size_t n_most, n_here;
    struct jt_layout layout;
    struct jt_item_ref ref = { .item = i };
    struct jt_datum datum;
    jt_layout_start(&layout, book, cp, NULL, 0);
    bool fits = jt_layout_find(&layout, &ref, most, 32, &n_most);
    jt_layout_start(&layout, book, cp, data, len);
    MUST(!fits || (jt_layout_find(&layout, &ref, here, 32, &n_here) && n_here <= n_most));
    int record = jt_copybook_record_of(book, i);
    for (size_t k = 0; fits && k < n_here; k++) {
        MUST(here[k] <= most[k] || layout.fault != JT_MSG_NONE);
        MUST(here[k] + (uint64_t)book->items[i].size <=
             (uint64_t)book->items[record].size * book->items[record].occurs_max);
        MUST(jt_layout_varies(book, i) || here[k] == most[k]);
    }
    if (jt_layout_datum(book, i, cp, &datum) == NULL) {
        MUST(datum.len == book->items[i].size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct jt_codepage cp;
    struct jt_copybook *book;
    struct jt_trouble trouble = { 0 };
    const uint8_t *end = len > 0 ? memchr(data, '\0', len) : NULL;
    size_t text_len = end != NULL ? (size_t)(end - data) : len;
    size_t record_len = end != NULL ? len - text_len - 1 : 0;
    if (len > MAX_INPUT) {
        return -1;
    }
    if (!cp.ebcdic) {
        MUST(jt_codepage_open("IBM037", &cp, &trouble) == JT_OK);
    }
    char *text = fuzz_copy(data, text_len);
    uint8_t *record = fuzz_copy(data + len - record_len, record_len);
    enum jt_err err = jt_copybook_parse(text, text_len, &book, &trouble);
    if (err == JT_OK) {
        MUST(jt_copybook_longest(book) <= JT_RECORD_MAX);
        for (int i = 0; i < book->n_items; i++) {
            check_item(book, i);
            if (i < MAX_LOOKED && book->items[i].name[0] != '\0') {
                check_found(book, i);
                check_places(book, &cp, i, record, record_len);
            }
        }
    } else {
        MUST(err == JT_ERR_INVALID && book == NULL);
        MUST(trouble.message == JT_MSG_COPYBOOK_EMPTY || trouble.line > 0);
    }
    jt_copybook_free(book);
    free(text);
    free(record);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "batch/copybook.h"

#include "batch/copyentry.h"
#include "batch/copysize.h"
#include "batch/trouble.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

void jt_copybook_free(struct jt_copybook *book)
{
    if (book != NULL) {
        free(book->items);
        free(book);
    }
}

int jt_copybook_record_of(const struct jt_copybook *book, int item)
{
    while (book->items[item].parent != JT_NO_ITEM) {
        item = book->items[item].parent;
    }
    return item;
}

uint32_t jt_copybook_longest(const struct jt_copybook *book)
{
    uint32_t longest = 0;
    for (int i = 0; i < book->n_items; i++) {
        const struct jt_item *item = &book->items[i];
        if (item->parent == JT_NO_ITEM && item->size * item->occurs_max > longest) {
            longest = item->size * item->occurs_max;
        }
    }
    return longest;
}

static enum jt_err make_room(struct jt_copybook *book, const struct jt_copyentry *e,
                             struct jt_trouble *trouble)
{
    if (book->n_items < book->max_items) {
        return JT_OK;
    }
    if (book->n_items == JT_COPYBOOK_ITEMS) {
        return jt_trouble_set(trouble, JT_MSG_COPYBOOK_LONG, e->item.line, e->item.column,
                              "more than %d items", JT_COPYBOOK_ITEMS);
    }
    int more = book->max_items == 0 ? 64 : 2 * book->max_items;
    more = more > JT_COPYBOOK_ITEMS ? JT_COPYBOOK_ITEMS : more;
    struct jt_item *items = realloc(book->items, (size_t)more * sizeof *items);
    if (items == NULL) {
        return JT_ERR_NOMEM;
    }
    book->items = items;
    book->max_items = more;
    return JT_OK;
}

/* The group that an item of this level belongs to: the last one before it of a lower level. */
static int parent_of(const struct jt_copybook *book, uint8_t level)
{
    int at = book->n_items - 1;
    while (at != JT_NO_ITEM && (level == 1 || level == 77 || book->items[at].level == 77 ||
                                book->items[at].level >= level)) {
        at = book->items[at].parent;
    }
    return at;
}

static void link_item(struct jt_copybook *book, int index)
{
    struct jt_item *item = &book->items[index];
    item->first_child = item->last_child = item->next = item->previous = JT_NO_ITEM;
    if (item->parent == JT_NO_ITEM) {
        return;
    }
    struct jt_item *parent = &book->items[item->parent];
    item->previous = parent->last_child;
    if (item->previous == JT_NO_ITEM) {
        parent->first_child = index;
    } else {
        book->items[item->previous].next = index;
    }
    parent->last_child = index;
}

/*
 * The item upon which another lies: the sibling before it, but for others that redefine too.
 * Records lie upon one another anyway.
 */
static enum jt_err find_redefined(struct jt_copybook *book, int index,
                                  const struct jt_copyword *name, struct jt_trouble *trouble)
{
    struct jt_item *item = &book->items[index];
    if (name->len == 0 || item->parent == JT_NO_ITEM) {
        return JT_OK;
    }
    for (int at = item->previous; at != JT_NO_ITEM; at = book->items[at].previous) {
        if (strlen(book->items[at].name) == name->len &&
            strncasecmp(book->items[at].name, name->text, name->len) == 0) {
            item->redefines = at;
            return JT_OK;
        }
        if (book->items[at].redefines == JT_NO_ITEM) {
            break;
        }
    }
    char shown[JT_SHOWN_LEN];
    jt_trouble_show(name->text, name->len, shown);
    return jt_trouble_set(trouble, JT_MSG_COPYBOOK_REDEFINES, name->line, name->column,
                          "%s: the one before it, in the same group", shown);
}

static enum jt_err add_item(struct jt_copybook *book, const struct jt_copyentry *e,
                            struct jt_trouble *trouble)
{
    enum jt_err err = make_room(book, e, trouble);
    if (err != JT_OK) {
        return err;
    }
    int parent = parent_of(book, e->item.level);
    if (parent == JT_NO_ITEM && e->item.level != 1 && e->item.level != 77 && book->n_items > 0) {
        return jt_trouble_set(trouble, JT_MSG_COPYBOOK_LEVEL, e->item.line, e->item.column,
                              "%02u: it belongs to no group", e->item.level);
    }
    int index = book->n_items++;
    book->items[index] = e->item;
    book->items[index].parent = parent;
    link_item(book, index);
    return find_redefined(book, index, &e->redefines, trouble);
}

/* Where no 01 begins the copybook, its items are those of a record without a name. */
static enum jt_err add_nameless(struct jt_copybook *book, const struct jt_copyentry *first,
                                struct jt_trouble *trouble)
{
    struct jt_copyentry e = { .item = { .level = 0,
                                        .line = first->item.line,
                                        .column = first->item.column,
                                        .occurs_min = 1,
                                        .occurs_max = 1,
                                        .counter = JT_NO_ITEM,
                                        .table = JT_NO_ITEM,
                                        .redefines = JT_NO_ITEM } };
    return first->item.level == 1 || first->item.level == 77 ? JT_OK : add_item(book, &e, trouble);
}

static enum jt_err read_entries(struct jt_copybook *book, const struct jt_copytext *text,
                                struct jt_trouble *trouble)
{
    struct jt_copyentry e;
    enum jt_err err;
    jt_copyentry_start(&e, text, trouble);
    while ((err = jt_copyentry_next(&e)) == JT_OK) {
        if (e.skipped) {
            continue;
        }
        if (book->n_items == 0) {
            err = add_nameless(book, &e, trouble);
        }
        if (err == JT_OK) {
            err = add_item(book, &e, trouble);
        }
        if (err != JT_OK) {
            return err;
        }
    }
    if (err == JT_ERR_NO_RECORD && book->n_items == 0) {
        return jt_trouble_set(trouble, JT_MSG_COPYBOOK_EMPTY, 0, 0, "%s", "");
    }
    return err == JT_ERR_NO_RECORD ? jt_copysize_lay_out(book, trouble) : err;
}

enum jt_err jt_copybook_parse(const char *text, size_t len, struct jt_copybook **out,
                              struct jt_trouble *trouble)
{
    struct jt_copytext code = { 0 };
    *out = NULL;
    if (len > JT_COPYBOOK_MAX) {
        return jt_trouble_set(trouble, JT_MSG_COPYBOOK_LONG, 0, 0, "%u bytes can be read",
                              JT_COPYBOOK_MAX);
    }
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        len -= 3;
    }
    struct jt_copybook *book = calloc(1, sizeof *book);
    enum jt_err err = book == NULL ? JT_ERR_NOMEM : jt_copytext_take(text, len, &code);
    if (err == JT_OK) {
        err = read_entries(book, &code, trouble);
    }
    if (book != NULL) {
        jt_copytext_clear(&code);
    }
    if (err != JT_OK) {
        jt_copybook_free(book);
        return err;
    }
    *out = book;
    return JT_OK;
}

/* One byte more than can be read is asked for, so that it is seen. */
static enum jt_err read_all(int fd, struct jt_buf *out)
{
    ssize_t n;
    do {
        enum jt_err err = jt_buf_reserve(out, 1);
        if (err != JT_OK) {
            return err == JT_ERR_LIMIT ? JT_OK : err;
        }
        n = read(fd, out->data + out->len, out->cap - out->len);
        out->len += n > 0 ? (size_t)n : 0;
    } while (n > 0 || (n < 0 && errno == EINTR));
    return n < 0 ? JT_ERR_IO : JT_OK;
}

enum jt_err jt_copybook_read(const char *path, struct jt_copybook **out, struct jt_trouble *trouble)
{
    struct jt_buf text;
    *out = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    jt_buf_init(&text, JT_COPYBOOK_MAX + 1);
    enum jt_err err = fd < 0 ? JT_ERR_IO : read_all(fd, &text);
    if (err == JT_OK) {
        err = jt_copybook_parse((const char *)text.data, text.len, out, trouble);
    } else if (err == JT_ERR_IO) {
        err = jt_trouble_set(trouble, JT_MSG_COPYBOOK_FILE, 0, 0, "%s: %s", path, strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
    jt_buf_clear(&text);
    return err;
}

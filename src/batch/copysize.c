/* SPDX-License-Identifier: Apache-2.0 */
/* Lengths: Enterprise COBOL for z/OS, Programming Guide, "Storage of numeric data". */
#include "batch/copysize.h"

#include "batch/copyname.h"
#include "batch/record.h"
#include "batch/trouble.h"

#define MAX_BINARY_DIGITS 18

static enum jt_err bad(const struct jt_item *item, enum jt_message message, const char *why,
                       struct jt_trouble *trouble)
{
    return jt_trouble_set(trouble, message, item->line, item->column, "%s%s%s",
                          item->name[0] != '\0' ? item->name : "FILLER", why[0] != '\0' ? ": " : "",
                          why);
}

/* A group's usage and sign hold for all its items that say nothing else. */
static void inherit(struct jt_copybook *book, struct jt_item *item)
{
    const struct jt_item *parent = item->parent == JT_NO_ITEM ? NULL : &book->items[item->parent];
    if (parent != NULL && item->usage == JT_USAGE_UNSAID) {
        item->usage = parent->usage;
    }
    if (parent != NULL && !item->has_sign) {
        item->has_sign = parent->has_sign;
        item->sign_leading = parent->sign_leading;
        item->sign_separate = parent->sign_separate;
    }
}

static uint32_t binary_size(uint8_t digits)
{
    return digits <= 4 ? 2 : digits <= 9 ? 4 : 8;
}

/* The bytes of an item with a picture; 0: the two do not go together. */
static uint32_t picture_size(const struct jt_item *item)
{
    const struct jt_picture *picture = &item->picture;
    bool number = picture->kind == JT_PICTURE_NUMBER;
    switch (item->usage) {
    case JT_USAGE_UNSAID:
    case JT_USAGE_DISPLAY:
        if (picture->kind == JT_PICTURE_WIDE) {
            return 2 * picture->size;
        }
        return picture->size + (picture->is_signed && item->sign_separate);
    case JT_USAGE_WIDE: return 2 * picture->size;
    case JT_USAGE_BINARY:
    case JT_USAGE_NATIVE:
        return number && picture->digits <= MAX_BINARY_DIGITS ? binary_size(picture->digits) : 0;
    case JT_USAGE_PACKED: return number ? picture->digits / 2u + 1 : 0;
    case JT_USAGE_FLOAT:
    case JT_USAGE_DOUBLE: return 0;
    }
    return 0;
}

static enum jt_err size_elementary(struct jt_item *item, struct jt_trouble *trouble)
{
    bool is_float = item->usage == JT_USAGE_FLOAT || item->usage == JT_USAGE_DOUBLE;
    if (is_float && !item->has_picture) {
        item->size = item->usage == JT_USAGE_FLOAT ? 4 : 8;
    } else if (!item->has_picture) {
        return bad(item, JT_MSG_COPYBOOK_NO_PICTURE, "", trouble);
    } else {
        item->size = picture_size(item);
    }
    if (item->size == 0) {
        return bad(item, JT_MSG_COPYBOOK_USAGE, "it does not go with the picture", trouble);
    }
    bool aligned = is_float || item->usage == JT_USAGE_BINARY || item->usage == JT_USAGE_NATIVE;
    return item->synchronized && aligned ? bad(item, JT_MSG_COPYBOOK_SYNC, "", trouble) : JT_OK;
}

/* Where the children of a group stand: behind one another, or upon the one they redefine. */
static enum jt_err size_group(struct jt_copybook *book, struct jt_item *item,
                              struct jt_trouble *trouble)
{
    uint64_t end = 0;
    bool moves = false;
    if (item->has_picture) {
        return bad(item, JT_MSG_COPYBOOK_LEVEL, "an item with a picture has none below it",
                   trouble);
    }
    if (item->synchronized) {
        return bad(item, JT_MSG_COPYBOOK_SYNC, "", trouble);
    }
    for (int c = item->first_child; c != JT_NO_ITEM; c = book->items[c].next) {
        struct jt_item *child = &book->items[c];
        const struct jt_item *upon =
            child->redefines == JT_NO_ITEM ? NULL : &book->items[child->redefines];
        child->offset = upon != NULL ? upon->offset : (uint32_t)end;
        child->moves = upon != NULL ? upon->moves : moves;
        bool stretches = child->varies || child->table != JT_NO_ITEM;
        uint64_t child_end = child->offset + (uint64_t)child->size * child->occurs_max;
        end = child_end > end ? child_end : end;
        if (end > JT_RECORD_MAX) {
            return bad(child, JT_MSG_COPYBOOK_SIZE, "", trouble);
        }
        moves |= stretches;
        item->varies |= stretches;
    }
    item->size = (uint32_t)end;
    return JT_OK;
}

/* The item that counts a table's occurrences: a number before it in the same record. */
static enum jt_err find_counter(struct jt_copybook *book, int index, struct jt_trouble *trouble)
{
    struct jt_item *item = &book->items[index];
    struct jt_item_ref ref;
    enum jt_err err =
        jt_copyname_find(book, item->depends_on, jt_copybook_record_of(book, index), &ref, trouble);
    if (err == JT_ERR_INVALID) {
        return bad(item, JT_MSG_COPYBOOK_DEPENDING, item->depends_on, trouble);
    }
    if (err != JT_OK) {
        return err;
    }
    const struct jt_item *counter = &book->items[ref.item];
    if (ref.item >= index || counter->picture.kind != JT_PICTURE_NUMBER || !counter->has_picture ||
        counter->picture.scaled || counter->usage == JT_USAGE_WIDE ||
        jt_copyname_dimensions(book, ref.item) > 0) {
        return bad(item, JT_MSG_COPYBOOK_DEPENDING,
                   "a whole number in front of the table, in no table itself", trouble);
    }
    if (book->n_tables == JT_COPYBOOK_TABLES) {
        return bad(item, JT_MSG_COPYBOOK_DEPENDING, "there are more than 32 such tables", trouble);
    }
    item->counter = ref.item;
    item->table = book->n_tables;
    book->tables[book->n_tables++] = index;
    return JT_OK;
}

enum jt_err jt_copysize_lay_out(struct jt_copybook *book, struct jt_trouble *trouble)
{
    enum jt_err err = JT_OK;
    for (int i = 0; err == JT_OK && i < book->n_items; i++) {
        inherit(book, &book->items[i]);
        if (book->items[i].depends_on[0] != '\0') {
            err = find_counter(book, i, trouble);
        }
    }
    /* Children come behind their parents. */
    for (int i = book->n_items - 1; err == JT_OK && i >= 0; i--) {
        struct jt_item *item = &book->items[i];
        err = item->first_child == JT_NO_ITEM ? size_elementary(item, trouble)
                                              : size_group(book, item, trouble);
        if (err == JT_OK && (uint64_t)item->size * item->occurs_max > JT_RECORD_MAX) {
            err = bad(item, JT_MSG_COPYBOOK_SIZE, "", trouble);
        }
    }
    return err;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "batch/layout.h"

#include "batch/datum_number.h"

#define MAX_DEPTH 51 /* levels 1 to 49, and a record without a name */

void jt_layout_start(struct jt_layout *l, const struct jt_copybook *book,
                     const struct jt_codepage *cp, const uint8_t *data, size_t len)
{
    l->book = book;
    l->codepage = cp;
    l->data = data;
    l->len = len;
    l->fault = JT_MSG_NONE;
    for (size_t i = 0; i < JT_COPYBOOK_TABLES; i++) {
        l->known[i] = false;
    }
}

static uint32_t extent_of(struct jt_layout *l, int index);

/*
 * What the item says that counts a table's occurrences. One that is blank is no number: were it 0,
 * the record would pass with what is in its table.
 */
static bool read_count(struct jt_layout *l, int counter, uint32_t *out)
{
    struct jt_item_ref ref = { .item = counter };
    struct jt_datum datum;
    struct jt_buf digits;
    uint32_t at;
    size_t n;
    uint64_t value = 0;
    if (!jt_layout_find(l, &ref, &at, 1, &n) || n != 1 ||
        jt_layout_datum(l->book, counter, l->codepage, &datum) != NULL || datum.len > l->len ||
        at > l->len - datum.len) {
        return false;
    }
    jt_buf_init(&digits, 3 * datum.len + 32);
    bool fine = jt_number_read(&datum, l->codepage, l->data + at, &digits) == JT_MSG_NONE &&
                jt_buf_status(&digits) == JT_OK && digits.len < 10;
    for (size_t i = 0; fine && i < digits.len; i++) {
        value = value * 10 + (uint64_t)(digits.data[i] - '0');
    }
    jt_buf_clear(&digits);
    *out = (uint32_t)value;
    return fine;
}

/* How many occurrences an item has in this record. */
static uint32_t count_of(struct jt_layout *l, int index)
{
    const struct jt_item *item = &l->book->items[index];
    if (item->table == JT_NO_ITEM || l->data == NULL) {
        return item->occurs_max;
    }
    if (!l->known[item->table]) {
        uint32_t count = 0;
        if (!read_count(l, item->counter, &count) || count < item->occurs_min ||
            count > item->occurs_max) {
            l->fault = JT_MSG_OCCURS_BAD;
            count = item->occurs_min;
        }
        l->counts[item->table] = count;
        l->known[item->table] = true;
    }
    return l->counts[item->table];
}

/*
 * Where the children of a group end, of those in front of `until`. What redefines begins where the
 * last one does that does not: nothing else may stand between them (copybook.c). So each is looked
 * at once, however many there are.
 */
static uint32_t end_of_children(struct jt_layout *l, int group, int until)
{
    uint32_t end = 0, original = 0;
    for (int c = l->book->items[group].first_child; c != until; c = l->book->items[c].next) {
        uint32_t start = l->book->items[c].redefines != JT_NO_ITEM ? original : end;
        uint32_t child_end = start + count_of(l, c) * extent_of(l, c);
        end = child_end > end ? child_end : end;
        original = start;
    }
    return end;
}

/* Bytes of one occurrence. */
static uint32_t extent_of(struct jt_layout *l, int index)
{
    const struct jt_item *item = &l->book->items[index];
    return !item->varies || l->data == NULL ? item->size : end_of_children(l, index, JT_NO_ITEM);
}

/* Where an item's first occurrence begins in its group. */
static uint32_t offset_of(struct jt_layout *l, int index)
{
    const struct jt_item *item = &l->book->items[index];
    if (!item->moves || l->data == NULL) {
        return item->offset;
    }
    while (item->redefines != JT_NO_ITEM) {
        index = item->redefines;
        item = &l->book->items[index];
    }
    return end_of_children(l, item->parent, index);
}

/* The way from a record to an item, and what was found at its end. */
struct search {
    struct jt_layout *l;
    const struct jt_item_ref *ref;
    int way[MAX_DEPTH];
    size_t n_way;
    uint32_t *out;
    size_t room, n;
};

static bool go_down(struct search *s, size_t depth, size_t dimension, uint32_t at)
{
    int index = s->way[depth];
    const struct jt_item *item = &s->l->book->items[index];
    uint32_t first = 0, count = count_of(s->l, index);
    /* Not asked for without need: the size of the record that a counter is in depends on it. */
    uint32_t extent = item->has_occurs ? extent_of(s->l, index) : 0;
    at += item->parent == JT_NO_ITEM ? 0 : offset_of(s->l, index);
    if (item->has_occurs && s->ref->n_subscripts > 0) {
        first = s->ref->subscripts[dimension] - 1;
        count = first < count ? first + 1 : 0;
    }
    dimension += item->has_occurs;
    for (uint32_t k = first; k < count; k++) {
        if (depth + 1 < s->n_way) {
            if (!go_down(s, depth + 1, dimension, at + k * extent)) {
                return false;
            }
        } else if (s->n == s->room) {
            return false;
        } else {
            s->out[s->n++] = at + k * extent;
        }
    }
    return true;
}

bool jt_layout_find(struct jt_layout *l, const struct jt_item_ref *ref, uint32_t *out, size_t room,
                    size_t *n)
{
    struct search s = { .l = l, .ref = ref, .out = out, .room = room };
    for (int at = ref->item; at != JT_NO_ITEM; at = l->book->items[at].parent) {
        s.n_way++;
    }
    size_t i = s.n_way;
    for (int at = ref->item; at != JT_NO_ITEM; at = l->book->items[at].parent) {
        s.way[--i] = at;
    }
    bool fits = go_down(&s, 0, 0, 0);
    *n = s.n;
    return fits;
}

bool jt_layout_varies(const struct jt_copybook *book, int item)
{
    bool varies = false;
    for (; item != JT_NO_ITEM; item = book->items[item].parent) {
        varies |= book->items[item].moves || book->items[item].table != JT_NO_ITEM ||
                  (book->items[item].varies && book->items[item].has_occurs);
    }
    return varies;
}

/* Whether all of a group is characters and digits without signs, as a text. */
static bool is_text(const struct jt_copybook *book, int index)
{
    const struct jt_item *item = &book->items[index];
    if (item->varies || item->table != JT_NO_ITEM) {
        return false;
    }
    if (item->first_child == JT_NO_ITEM) {
        bool shown = item->usage == JT_USAGE_UNSAID || item->usage == JT_USAGE_DISPLAY;
        return shown && (item->picture.kind == JT_PICTURE_TEXT ||
                         (item->picture.kind == JT_PICTURE_NUMBER && !item->picture.is_signed));
    }
    for (int c = item->first_child; c != JT_NO_ITEM; c = book->items[c].next) {
        if (!is_text(book, c)) {
            return false;
        }
    }
    return true;
}

static enum jt_datum_sign sign_of(const struct jt_item *item)
{
    if (!item->picture.is_signed || !item->has_sign) {
        return JT_SIGN_TRAILING;
    }
    if (item->sign_separate) {
        return item->sign_leading ? JT_SIGN_LEADING_SEPARATE : JT_SIGN_TRAILING_SEPARATE;
    }
    return item->sign_leading ? JT_SIGN_LEADING : JT_SIGN_TRAILING;
}

static const char *number_datum(const struct jt_item *item, const struct jt_codepage *cp,
                                struct jt_datum *out)
{
    if (item->picture.scaled) {
        return "it has digits behind a decimal point";
    }
    out->digits = item->picture.digits;
    out->is_signed = item->picture.is_signed;
    switch (item->usage) {
    case JT_USAGE_BINARY: out->kind = JT_DATUM_BINARY; return NULL;
    case JT_USAGE_NATIVE:
        out->kind = JT_DATUM_BINARY;
        out->digits = jt_datum_most_digits(out);
        out->little_endian = !cp->ebcdic;
        return NULL;
    case JT_USAGE_PACKED: out->kind = JT_DATUM_PACKED; return NULL;
    default: break;
    }
    out->kind = JT_DATUM_ZONED;
    out->sign = sign_of(item);
    return NULL;
}

const char *jt_layout_datum(const struct jt_copybook *book, int index, const struct jt_codepage *cp,
                            struct jt_datum *out)
{
    const struct jt_item *item = &book->items[index];
    *out = (struct jt_datum){ .kind = JT_DATUM_CHAR, .len = item->size };
    if (item->first_child != JT_NO_ITEM) {
        return is_text(book, index) ? NULL : "it is a group, and not of characters only";
    }
    if (!item->has_picture || item->picture.kind == JT_PICTURE_EDITED ||
        item->picture.kind == JT_PICTURE_WIDE || item->usage == JT_USAGE_WIDE) {
        return "values of its usage or picture cannot be replaced";
    }
    return item->picture.kind == JT_PICTURE_TEXT ? NULL : number_datum(item, cp, out);
}

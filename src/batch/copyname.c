/* SPDX-License-Identifier: Apache-2.0 */
#include "batch/copyname.h"

#include "batch/trouble.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_QUALIFIERS 8

struct wanted {
    size_t n_names; /* of the item, and of groups around it from inside out */
    char names[1 + MAX_QUALIFIERS][JT_ITEM_NAME_LEN];
    struct jt_item_ref ref;
};

size_t jt_copyname_dimensions(const struct jt_copybook *book, int item)
{
    size_t n = 0;
    for (; item != JT_NO_ITEM; item = book->items[item].parent) {
        n += book->items[item].has_occurs;
    }
    return n;
}

static const char *skip_blanks(const char *p)
{
    return p + strspn(p, " \t");
}

/* "(3)" or "(2, 3)" at *p, which goes on behind it. */
static bool take_subscripts(const char **p, struct jt_item_ref *ref)
{
    char *end;
    if (**p != '(' || ref->n_subscripts > 0) {
        return **p != '(';
    }
    do {
        const char *number = skip_blanks(*p + 1);
        unsigned long value = isdigit((unsigned char)*number) ? strtoul(number, &end, 10) : 0;
        if (value == 0 || value > UINT32_MAX || ref->n_subscripts == JT_ITEM_DIMENSIONS) {
            return false;
        }
        ref->subscripts[ref->n_subscripts++] = (uint32_t)value;
        *p = skip_blanks(end);
    } while (**p == ',');
    if (**p != ')') {
        return false;
    }
    *p = skip_blanks(*p + 1);
    return true;
}

static bool take_name(const char **p, char out[static JT_ITEM_NAME_LEN])
{
    size_t len = strcspn(*p, " \t(),");
    if (len == 0 || len >= JT_ITEM_NAME_LEN) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        out[i] = (char)toupper((unsigned char)(*p)[i]);
    }
    out[len] = '\0';
    *p = skip_blanks(*p + len);
    return true;
}

static bool parse(const char *text, struct wanted *out)
{
    char word[JT_ITEM_NAME_LEN];
    const char *p = skip_blanks(text);
    *out = (struct wanted){ 0 };
    while (out->n_names <= MAX_QUALIFIERS && take_name(&p, out->names[out->n_names])) {
        out->n_names++;
        if (!take_subscripts(&p, &out->ref)) {
            return false;
        }
        if (*p == '\0') {
            return true;
        }
        if (!take_name(&p, word) || (strcmp(word, "OF") != 0 && strcmp(word, "IN") != 0)) {
            return false;
        }
    }
    return false;
}

static bool is_meant(const struct jt_copybook *book, int item, const struct wanted *w)
{
    if (strcmp(book->items[item].name, w->names[0]) != 0) {
        return false;
    }
    size_t n = 1;
    for (int at = book->items[item].parent; n < w->n_names && at != JT_NO_ITEM;
         at = book->items[at].parent) {
        n += strcmp(book->items[at].name, w->names[n]) == 0;
    }
    return n == w->n_names;
}

/* "CARD-NO OF DETAIL-REC": with the groups around it that have names. */
static void add_full_name(const struct jt_copybook *book, int item, char *detail, size_t size)
{
    char full[JT_ITEM_REF_LEN];
    size_t used = 0;
    for (int at = item; at != JT_NO_ITEM; at = book->items[at].parent) {
        if (book->items[at].name[0] != '\0' && used < sizeof full) {
            used += (size_t)snprintf(full + used, sizeof full - used, "%s%s",
                                     used > 0 ? " OF " : "", book->items[at].name);
        }
    }
    size_t had = strlen(detail);
    (void)snprintf(detail + had, size - had, "%s%s", had > 0 && detail[had - 1] != ' ' ? ", " : "",
                   full);
}

/* How many letters two names have in common at their beginning. */
static size_t common(const char *a, const char *b)
{
    size_t n = 0;
    while (a[n] != '\0' && a[n] == b[n]) {
        n++;
    }
    return n;
}

static bool is_near(const char *name, const char *wanted)
{
    size_t n = common(name, wanted), least = strlen(wanted) / 2;
    return name[0] != '\0' &&
           (strstr(name, wanted) != NULL || (strlen(name) >= 3 && strstr(wanted, name) != NULL) ||
            (n >= 3 && n >= least));
}

static enum jt_err unknown(const struct jt_copybook *book, const struct wanted *w, int within,
                           struct jt_trouble *trouble)
{
    char detail[sizeof trouble->detail];
    bool any = false;
    jt_trouble_show(w->names[0], strlen(w->names[0]), detail);
    size_t used = strlen(detail);
    (void)snprintf(detail + used, sizeof detail - used, "; there are ");
    for (int pass = 0; pass < 2 && !any; pass++) { /* near ones, or else all */
        for (int i = 0; i < book->n_items; i++) {
            const char *name = book->items[i].name;
            bool here = within == JT_NO_ITEM || jt_copybook_record_of(book, i) == within;
            if (here && name[0] != '\0' && (pass == 1 || is_near(name, w->names[0]))) {
                jt_trouble_list(detail, sizeof detail, name, strlen(name));
                any = true;
            }
        }
    }
    return jt_trouble_set(trouble, JT_MSG_ITEM_UNKNOWN, 0, 0, "%s%s", detail, any ? "" : "none");
}

static enum jt_err ambiguous(const struct jt_copybook *book, const struct wanted *w, int within,
                             struct jt_trouble *trouble)
{
    char detail[sizeof trouble->detail] = "it could be ";
    for (int i = 0; i < book->n_items; i++) {
        bool here = within == JT_NO_ITEM || jt_copybook_record_of(book, i) == within;
        if (here && is_meant(book, i, w)) {
            add_full_name(book, i, detail, sizeof detail);
        }
    }
    return jt_trouble_set(trouble, JT_MSG_ITEM_AMBIGUOUS, 0, 0, "%s", detail);
}

/* Subscripts are one a table, and each is one of its occurrences. */
static enum jt_err check_subscripts(const struct jt_copybook *book, const struct jt_item_ref *ref,
                                    struct jt_trouble *trouble)
{
    size_t n = jt_copyname_dimensions(book, ref->item), left = ref->n_subscripts;
    if (left > 0 && left != n) {
        return jt_trouble_set(trouble, JT_MSG_ITEM_SUBSCRIPT, 0, 0, "%s takes %zu",
                              book->items[ref->item].name, n);
    }
    for (int at = ref->item; left > 0 && at != JT_NO_ITEM; at = book->items[at].parent) {
        const struct jt_item *item = &book->items[at];
        if (item->has_occurs && ref->subscripts[--left] > item->occurs_max) {
            return jt_trouble_set(trouble, JT_MSG_ITEM_SUBSCRIPT, 0, 0,
                                  "%s has %u occurrences at most", item->name, item->occurs_max);
        }
    }
    return JT_OK;
}

enum jt_err jt_copyname_find(const struct jt_copybook *book, const char *name, int within,
                             struct jt_item_ref *out, struct jt_trouble *trouble)
{
    struct wanted w;
    size_t n = 0;
    *out = (struct jt_item_ref){ .item = JT_NO_ITEM };
    if (!parse(name, &w)) {
        return jt_trouble_set(trouble, JT_MSG_ITEM_UNKNOWN, 0, 0,
                              "a name is NAME, NAME OF GROUP, or NAME(NUMBER)");
    }
    for (int i = 0; i < book->n_items; i++) {
        bool here = within == JT_NO_ITEM || jt_copybook_record_of(book, i) == within;
        if (here && is_meant(book, i, &w)) {
            w.ref.item = i;
            n++;
        }
    }
    if (n != 1) {
        return n == 0 ? unknown(book, &w, within, trouble) : ambiguous(book, &w, within, trouble);
    }
    *out = w.ref;
    return check_subscripts(book, out, trouble);
}

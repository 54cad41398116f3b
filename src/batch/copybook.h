/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A COBOL copybook: the items of its records as a tree, and how many bytes each has.
 *
 * Levels 01 to 49 and 77 are read; 66, 78 and 88 lay out nothing and are passed over. A copybook
 * that begins at another level than 01 is one record without a name. Lengths are those of
 * Enterprise COBOL for z/OS (GnuCOBOL with -std=ibm): binary numbers have 2, 4 or 8 bytes.
 *
 * A table with DEPENDING ON has as many occurrences as the record says, so what stands behind it
 * moves. Lengths and offsets here are those with as many as there can be; layout.h has those of a
 * record.
 */
#ifndef JETON_BATCH_COPYBOOK_H
#define JETON_BATCH_COPYBOOK_H

#include "base/buf.h"
#include "batch/message.h"
#include "batch/picture.h"

#define JT_COPYBOOK_ITEMS  10000
#define JT_COPYBOOK_TABLES 32 /* with DEPENDING ON */
#define JT_ITEM_NAME_LEN   64
#define JT_ITEM_REF_LEN    200
#define JT_NO_ITEM         (-1)

enum jt_usage {
    JT_USAGE_UNSAID,
    JT_USAGE_DISPLAY,
    JT_USAGE_WIDE, /* NATIONAL, DISPLAY-1 */
    JT_USAGE_BINARY,
    JT_USAGE_NATIVE, /* COMP-5: a binary number of the machine's byte order and full range */
    JT_USAGE_PACKED,
    JT_USAGE_FLOAT,  /* COMP-1 */
    JT_USAGE_DOUBLE, /* COMP-2 */
};

struct jt_item {
    char name[JT_ITEM_NAME_LEN]; /* in capitals; empty for FILLER */
    uint8_t level;
    uint32_t line, column;
    int parent, first_child, last_child, next, previous; /* JT_NO_ITEM: none */
    int redefines;
    bool has_picture, synchronized;
    struct jt_picture picture;
    enum jt_usage usage;
    bool has_sign, sign_leading, sign_separate;
    bool has_occurs;
    uint32_t occurs_min, occurs_max;  /* 1 and 1 without OCCURS */
    char depends_on[JT_ITEM_REF_LEN]; /* as it is named; empty: none */
    int counter;                      /* that item */
    int table;                        /* number of the table among those with DEPENDING ON */
    /* with as many occurrences as there can be: */
    uint32_t offset; /* in its parent */
    uint32_t size;   /* of one occurrence */
    bool varies;     /* its size depends on what a record says */
    bool moves;      /* its offset does */
};

struct jt_copybook {
    struct jt_item *items; /* in the order of the text: parents before children */
    int n_items, max_items;
    int n_tables;
    int tables[JT_COPYBOOK_TABLES];
};

/* JT_ERR_INVALID with *trouble, which has line and column; JT_ERR_NOMEM. */
enum jt_err jt_copybook_parse(const char *text, size_t len, struct jt_copybook **out,
                              struct jt_trouble *trouble) JT_CHECKED;

/* The same of a file. */
enum jt_err jt_copybook_read(const char *path, struct jt_copybook **out,
                             struct jt_trouble *trouble) JT_CHECKED;
void jt_copybook_free(struct jt_copybook *book);

/* The record that an item is in: its topmost ancestor, or itself. */
int jt_copybook_record_of(const struct jt_copybook *book, int item);

/* Bytes of the longest record. */
uint32_t jt_copybook_longest(const struct jt_copybook *book);

#endif

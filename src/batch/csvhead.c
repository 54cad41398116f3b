/* SPDX-License-Identifier: Apache-2.0 */
#include "batch/csvhead.h"

#include "batch/csvcell.h"
#include "batch/tally.h"
#include "batch/trouble.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_MAX      JT_RECORD_MAX
#define BLANKS_MAX      65536 /* bytes of blank lines in front of the header */
#define CARD_DIGITS_MIN 12
#define NO_COLUMN       SIZE_MAX
#define TWICE           (SIZE_MAX - 1)

static const uint8_t candidates[] = { ',', ';', '\t', '|' };

/* The header, or without one the first record, read with one delimiter. */
struct head {
    struct jt_inlet *in;
    size_t start; /* in the window */
    uint64_t line;
    struct jt_csvscan scan;
    struct jt_buf cells;
    size_t columns[JT_RECORD_MAX_VALUES]; /* of each place, NO_COLUMN or TWICE */
};

/* Scans the record at h->start. JT_ERR_NO_RECORD: the input ends there. */
static enum jt_err scan_at(struct head *h, int delimiter, struct jt_trouble *trouble)
{
    h->scan = (struct jt_csvscan){ .delimiter = delimiter, .all = &h->cells };
    jt_buf_reset(&h->cells);
    jt_csvscan_start(&h->scan, 0);
    for (;;) {
        const char *text = jt_inlet_text(h->in) + h->start;
        size_t left = jt_inlet_left(h->in) - h->start;
        bool ended = left > 0 && jt_csvscan_more(&h->scan, text, left);
        if ((ended ? h->scan.len : h->scan.i) > HEADER_MAX) {
            return jt_trouble_set(trouble, JT_MSG_HEADER_LONG, h->line, 0, "%s", "");
        }
        if (ended) {
            return jt_buf_status(&h->cells);
        }
        if (h->in->end_of_file) {
            if (left == 0) {
                return JT_ERR_NO_RECORD;
            }
            return jt_csvscan_end(&h->scan, text, left)
                       ? jt_buf_status(&h->cells)
                       : jt_trouble_set(trouble, JT_MSG_QUOTE_OPEN, h->line + h->scan.field_line, 0,
                                        "%s", "");
        }
        enum jt_err err = jt_inlet_more(h->in, trouble);
        if (err != JT_OK) {
            return err;
        }
    }
}

/* "sep=;", as Excel has it: the delimiter, or 0. */
static int separator_line(const struct head *h)
{
    const char *text = jt_inlet_text(h->in) + h->start;
    size_t len = h->scan.len;
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r')) {
        len--;
    }
    bool is_one = len == 5 && memcmp(text, "sep=", 4) == 0 && text[4] != '"';
    return is_one ? (unsigned char)text[4] : 0;
}

/* Goes on to the first line that is not blank. A line sep= counts as passed and is gone past. */
static enum jt_err find_start(struct head *h, int *separator, unsigned *n_passed,
                              struct jt_trouble *trouble)
{
    *separator = 0;
    *n_passed = 0;
    for (;;) {
        enum jt_err err = scan_at(h, JT_CSV_LINES, trouble);
        if (err != JT_OK) {
            return err;
        }
        if (!h->scan.blank) {
            int found = *n_passed == 0 ? separator_line(h) : 0;
            if (found == 0) {
                return JT_OK;
            }
            *separator = found;
            *n_passed = 1;
        }
        h->start += h->scan.len;
        h->line++;
        if (h->start > BLANKS_MAX) {
            return jt_trouble_set(trouble, JT_MSG_HEADER_LONG, h->line, 0, "%s", "");
        }
    }
}

/* A number of a column as an index; NO_COLUMN where the text is none, or beyond the columns. */
static size_t by_number(const char *where, size_t n_columns)
{
    size_t number = strspn(where, "0123456789") == strlen(where) && strlen(where) < 8
                        ? strtoul(where, NULL, 10)
                        : 0;
    return number >= 1 && number <= n_columns ? number - 1 : NO_COLUMN;
}

static struct jt_csv_cell cell_at(const struct head *h, size_t i)
{
    struct jt_csv_cell cell;
    memcpy(&cell, h->cells.data + i * sizeof cell, sizeof cell);
    return cell;
}

/* A name wins over a number. */
static enum jt_err find_columns(struct head *h, const struct jt_format *f)
{
    struct jt_buf room;
    jt_buf_init(&room, HEADER_MAX);
    enum jt_err err = jt_buf_reserve(&room, h->scan.len);
    for (size_t p = 0; p < f->n_places; p++) {
        h->columns[p] = NO_COLUMN;
    }
    for (size_t i = 0; err == JT_OK && !f->csv.no_header && i < h->scan.n_fields; i++) {
        const char *name;
        size_t len;
        struct jt_csv_cell cell = cell_at(h, i);
        jt_csvcell_read(jt_inlet_text(h->in) + h->start + cell.at, cell.len, &room, &name, &len);
        for (size_t p = 0; p < f->n_places; p++) {
            if (len == strlen(f->where[p]) && memcmp(name, f->where[p], len) == 0) {
                h->columns[p] = h->columns[p] == NO_COLUMN ? i : TWICE;
            }
        }
    }
    for (size_t p = 0; p < f->n_places; p++) {
        if (h->columns[p] == NO_COLUMN) {
            h->columns[p] = by_number(f->where[p], h->scan.n_fields);
        }
    }
    jt_buf_clear(&room);
    return err;
}

/* Reads the header with a delimiter. */
static enum jt_err try_delimiter(struct head *h, const struct jt_format *f, int delimiter,
                                 struct jt_trouble *trouble)
{
    enum jt_err err = scan_at(h, delimiter, trouble);
    return err == JT_OK ? find_columns(h, f) : err;
}

static size_t count_found(const struct head *h, const struct jt_format *f)
{
    size_t n = 0;
    for (size_t p = 0; p < f->n_places; p++) {
        n += h->columns[p] != NO_COLUMN;
    }
    return n;
}

/*
 * The delimiter that finds the most of what is asked for, or else makes the most columns. A quote
 * that one of them leaves open is told where no other finds all.
 */
static enum jt_err choose(struct head *h, const struct jt_format *f, int *delimiter,
                          struct jt_trouble *trouble)
{
    size_t best_found = 0, best_fields = 0;
    bool quote_open = false;
    *delimiter = candidates[0];
    for (size_t i = 0; i < sizeof candidates; i++) {
        struct jt_trouble other = { 0 };
        enum jt_err err = try_delimiter(h, f, candidates[i], &other);
        if (err == JT_ERR_INVALID && other.message == JT_MSG_QUOTE_OPEN) {
            quote_open = true;
            *trouble = other;
            continue;
        }
        if (err != JT_OK) {
            *trouble = other;
            return err;
        }
        size_t found = count_found(h, f);
        bool more_fields = found == best_found && h->scan.n_fields > best_fields;
        if (found > best_found || (more_fields && !h->scan.malformed)) {
            best_found = found;
            best_fields = h->scan.n_fields;
            *delimiter = candidates[i];
        }
    }
    return quote_open && best_found < f->n_places ? JT_ERR_INVALID : JT_OK;
}

/* What else may be wrong where a column was not found. */
static void add_hint(struct head *h, const struct jt_format *f, char *detail, size_t size)
{
    struct jt_trouble ignored;
    const char *text = jt_inlet_text(h->in) + h->start;
    size_t used = strlen(detail), n_digits = 0;
    int delimiter = h->scan.delimiter;
    for (size_t i = 0; i < h->scan.len; i++) {
        n_digits += text[i] >= '0' && text[i] <= '9';
    }
    if (memchr(text, '\0', h->scan.len) != NULL) {
        (void)snprintf(detail + used, size - used,
                       "; the file looks like UTF-16 without a byte order mark");
        return;
    }
    if (memchr(text, '\r', h->scan.len - jt_format_line_end(text, h->scan.len)) != NULL) {
        (void)snprintf(detail + used, size - used,
                       "; lines end with CR alone, which is read as a character like others");
        return;
    }
    if (n_digits > h->scan.len / 4) {
        (void)snprintf(detail + used, size - used,
                       "; the first line looks like a record, not like a header");
        return;
    }
    for (size_t i = 0; i < sizeof candidates; i++) {
        if (candidates[i] != delimiter && try_delimiter(h, f, candidates[i], &ignored) == JT_OK &&
            count_found(h, f) == f->n_places) {
            (void)snprintf(detail + used, size - used, "; with %s as delimiter it would be found",
                           candidates[i] == '\t' ? "tab" : (char[]){ candidates[i], '\0' });
            break;
        }
    }
    if (try_delimiter(h, f, delimiter, &ignored) != JT_OK) {
        h->scan.n_fields = 0; /* nothing is listed then */
    }
}

static enum jt_err not_found(struct head *h, const struct jt_format *f, size_t place,
                             struct jt_trouble *trouble)
{
    char detail[sizeof trouble->detail] = "", shown[JT_SHOWN_LEN];
    jt_trouble_show(f->where[place], strlen(f->where[place]), shown);
    (void)snprintf(detail, sizeof detail, "%s", shown);
    add_hint(h, f, detail, sizeof detail);
    size_t used = strlen(detail);
    if (f->csv.no_header) {
        (void)snprintf(detail + used, sizeof detail - used,
                       "; without a header columns have numbers, here 1 to %zu", h->scan.n_fields);
    } else {
        (void)snprintf(detail + used, sizeof detail - used, "; there are: ");
    }
    for (size_t i = 0; !f->csv.no_header && i < h->scan.n_fields; i++) {
        struct jt_csv_cell cell = cell_at(h, i);
        jt_trouble_list(detail, sizeof detail, jt_inlet_text(h->in) + h->start + cell.at, cell.len);
    }
    return jt_trouble_set(trouble, JT_MSG_COLUMN_UNKNOWN, h->line, 0, "%s", detail);
}

/* A card number, with what may part its digits, or a token. */
static bool is_card_or_token(const char *text, size_t len)
{
    size_t n_digits = 0;
    for (size_t i = 0; i < len; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        n_digits += digit;
        if (!digit && strchr(" -\"", text[i]) == NULL) {
            return jt_tally_is_opaque(text, len);
        }
    }
    return n_digits >= CARD_DIGITS_MIN;
}

/*
 * A column that is named by its number is found in any line. Were the first one a record, its value
 * would pass as it is, a card number among tokens.
 */
static enum jt_err check_header(const struct head *h, const struct jt_format *f, size_t column,
                                struct jt_trouble *trouble)
{
    struct jt_csv_cell cell = cell_at(h, column);
    const char *text = jt_inlet_text(h->in) + h->start + cell.at;
    return f->csv.no_header || !is_card_or_token(text, cell.len)
               ? JT_OK
               : jt_trouble_set(trouble, JT_MSG_HEADER_IS_RECORD, h->line, 0,
                                "its column %zu has a card number or a token; --no-header says "
                                "that there is no header",
                                column + 1);
}

/* Puts the columns of the places into the format, in ascending order. */
static enum jt_err settle(struct head *h, struct jt_format *f, struct jt_trouble *trouble)
{
    struct jt_csv_format *csv = &f->csv;
    char shown[JT_SHOWN_LEN];
    for (size_t p = 0; p < f->n_places; p++) {
        size_t column = h->columns[p], at = p;
        jt_trouble_show(f->where[p], strlen(f->where[p]), shown);
        if (column == NO_COLUMN) {
            return not_found(h, f, p, trouble);
        }
        if (column == TWICE) {
            return jt_trouble_set(trouble, JT_MSG_COLUMN_TWICE, h->line, 0,
                                  "%s; name it by its number", shown);
        }
        enum jt_err err = check_header(h, f, column, trouble);
        if (err != JT_OK) {
            return err;
        }
        for (; at > 0 && csv->wanted[at - 1] >= column; at--) {
            if (csv->wanted[at - 1] == column) {
                return jt_trouble_set(trouble, JT_MSG_COLUMN_SAME, h->line, 0, "%s", shown);
            }
            csv->wanted[at] = csv->wanted[at - 1];
            csv->places[at] = csv->places[at - 1];
        }
        csv->wanted[at] = column;
        csv->places[at] = (uint8_t)p;
        (void)snprintf(f->description[p], JT_DESCRIPTION_LEN, "column %zu%s%s", column + 1,
                       csv->no_header ? "" : ", ", csv->no_header ? "" : shown);
    }
    csv->n_columns = h->scan.n_fields;
    return JT_OK;
}

enum jt_err jt_csvhead_find(struct jt_format *f, struct jt_inlet *in, size_t skip,
                            unsigned *n_passed, struct jt_trouble *trouble)
{
    struct head h = { .in = in, .start = skip, .line = 1 };
    int separator = 0, delimiter = f->csv.delimiter;
    jt_buf_init(&h.cells, (HEADER_MAX + 1) * sizeof(struct jt_csv_cell));
    enum jt_err err = find_start(&h, &separator, n_passed, trouble);
    if (err == JT_ERR_NO_RECORD) {
        f->csv.delimiter = delimiter != 0 ? delimiter : candidates[0]; /* for blank lines only */
        err = f->csv.no_header ? JT_OK
                               : jt_trouble_set(trouble, JT_MSG_HEADER_MISSING, 0, 0, "%s", "");
        goto out;
    }
    if (separator != 0) {
        delimiter = separator;
    } else if (err == JT_OK && delimiter == 0) {
        err = choose(&h, f, &delimiter, trouble);
    }
    if (err == JT_OK) {
        err = try_delimiter(&h, f, delimiter, trouble);
    }
    if (err == JT_OK) {
        err = settle(&h, f, trouble);
    }
    if (err == JT_OK) {
        f->csv.delimiter = delimiter;
        *n_passed += f->csv.no_header ? 0 : 1;
    }
out:
    jt_buf_clear(&h.cells);
    return err;
}

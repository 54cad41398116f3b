/* SPDX-License-Identifier: Apache-2.0 */
#include "batch/csvscan.h"

#include <string.h>

void jt_csvscan_start(struct jt_csvscan *s, size_t skip)
{
    s->n_fields = s->next_wanted = s->len = 0;
    s->malformed = s->blank = false;
    s->n_lines = s->field_line = 0;
    s->i = s->field_start = skip;
    s->state = JT_CSV_AT_START;
}

static void end_field(struct jt_csvscan *s, size_t start, size_t end)
{
    if (s->next_wanted < s->n_wanted && s->wanted[s->next_wanted] == s->n_fields) {
        s->cells[s->next_wanted++] = (struct jt_csv_cell){ start, end - start };
    }
    if (s->all != NULL) {
        struct jt_csv_cell cell = { start, end - start };
        jt_buf_put(s->all, &cell, sizeof cell);
    }
    s->n_fields++;
}

/*
 * The line that begins at s->i, if it is here as a whole and has no quote: most are, and memchr
 * reads many bytes at once.
 */
static bool scan_plain_line(struct jt_csvscan *s, const char *record, size_t len)
{
    const char *start = record + s->i;
    const char *nl = memchr(start, '\n', len - s->i);
    if (nl == NULL ||
        (s->delimiter != JT_CSV_LINES && memchr(start, '"', (size_t)(nl - start)) != NULL)) {
        return false;
    }
    const char *end = nl > start && nl[-1] == '\r' ? nl - 1 : nl, *comma;
    s->blank = start == end;
    while (s->delimiter != JT_CSV_LINES && start < end &&
           (comma = memchr(start, s->delimiter, (size_t)(end - start))) != NULL) {
        end_field(s, (size_t)(start - record), (size_t)(comma - record));
        start = comma + 1;
    }
    end_field(s, (size_t)(start - record), (size_t)(end - record));
    s->n_lines++;
    s->len = s->i = (size_t)(nl - record) + 1;
    return true;
}

/*
 * One byte of a cell. False when it ends the cell or the record: a delimiter or a line end outside
 * quotes.
 */
static bool scan_byte(struct jt_csvscan *s, char c)
{
    bool inside = c != '\n' && (s->delimiter == JT_CSV_LINES || c != (char)s->delimiter);
    switch (s->state) {
    case JT_CSV_AT_START:
        s->state = c == '"' && s->delimiter != JT_CSV_LINES ? JT_CSV_QUOTED : JT_CSV_PLAIN;
        return inside;
    case JT_CSV_PLAIN: return inside;
    case JT_CSV_QUOTED: s->state = c == '"' ? JT_CSV_AFTER_QUOTE : JT_CSV_QUOTED; return true;
    case JT_CSV_AFTER_QUOTE:
        if (c == '"') {
            s->state = JT_CSV_QUOTED; /* a doubled quote */
        } else if (c == '\r') {
            s->state = JT_CSV_CR_AFTER_QUOTE;
        } else if (inside) {
            s->malformed = true;
            s->state = JT_CSV_PLAIN;
        }
        return inside;
    case JT_CSV_CR_AFTER_QUOTE:
        if (c != '\n') {
            s->malformed = true;
            s->state = JT_CSV_PLAIN;
        }
        return inside;
    }
    return true;
}

/* Within a quoted cell only its quote and line ends matter. */
static size_t skip_quoted(struct jt_csvscan *s, const char *record, size_t len)
{
    const char *start = record + s->i;
    const char *quote = memchr(start, '"', len - s->i);
    const char *end = quote != NULL ? quote : record + len;
    while ((start = memchr(start, '\n', (size_t)(end - start))) != NULL) {
        s->n_lines++;
        start++;
    }
    return (size_t)(end - record);
}

bool jt_csvscan_more(struct jt_csvscan *s, const char *record, size_t len)
{
    if (s->i < len && s->i == s->field_start && s->n_fields == 0 && s->state == JT_CSV_AT_START &&
        scan_plain_line(s, record, len)) {
        return true;
    }
    for (; s->i < len; s->i++) {
        if (s->state == JT_CSV_QUOTED) {
            s->i = skip_quoted(s, record, len);
            if (s->i == len) {
                break;
            }
        }
        char c = record[s->i];
        if (scan_byte(s, c)) {
            continue;
        }
        bool crlf = c == '\n' && s->i > s->field_start && record[s->i - 1] == '\r';
        s->blank = c == '\n' && s->n_fields == 0 && s->i - crlf == s->field_start;
        end_field(s, s->field_start, s->i - crlf);
        s->n_lines += c == '\n';
        s->field_start = s->i + 1;
        s->field_line = s->n_lines;
        s->state = JT_CSV_AT_START;
        if (c == '\n') {
            s->len = ++s->i;
            return true;
        }
    }
    return false;
}

bool jt_csvscan_end(struct jt_csvscan *s, const char *record, size_t len)
{
    if (s->state == JT_CSV_QUOTED) {
        return false;
    }
    bool cr = len > s->field_start && record[len - 1] == '\r';
    s->blank = s->n_fields == 0 && len - cr == s->field_start;
    end_field(s, s->field_start, len - cr);
    s->len = len;
    return true;
}

void jt_csvscan_drop(struct jt_csvscan *s, size_t n)
{
    s->i -= n;
    s->field_start = s->field_start > n ? s->field_start - n : 0;
    s->next_wanted = s->n_wanted; /* cells are not there any more */
}

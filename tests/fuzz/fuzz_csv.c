/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSV files. An input is a byte that says in which pieces the file can be read, the name of a
 * column, a line end, and the file.
 *
 * The records do not depend on the pieces. Together they are the file, byte for byte. A record in
 * which the wanted field is replaced has as many fields as before and the new value in that place:
 * that is what `jeton tokenize` writes. A byte order mark changes nothing.
 */
#include "fuzz.h"

#include "cli/csv.h"

#include <unistd.h>

#define FED_FD      (-7) /* no file: what is read from it comes from `feed` */
#define MAX_FILE    16384
#define MAX_CHECKED 3

static struct feed {
    const uint8_t *p;
    size_t left, piece; /* 0: as much as there is room for */
} feed;

ssize_t __real_read(int fd, void *out, size_t room);
ssize_t __wrap_read(int fd, void *out, size_t room);

ssize_t __wrap_read(int fd, void *out, size_t room)
{
    if (fd != FED_FD) {
        return __real_read(fd, out, room);
    }
    size_t n = feed.left < room ? feed.left : room;
    n = feed.piece != 0 && feed.piece < n ? feed.piece : n;
    if (n > 0) {
        memcpy(out, feed.p, n);
    }
    feed.p += n;
    feed.left -= n;
    return (ssize_t)n;
}

static void open_file(struct jt_csv *csv, const void *file, size_t len, size_t piece)
{
    feed.p = file;
    feed.left = len;
    feed.piece = piece;
    jt_csv_init(csv, FED_FD);
}

/* What came out of a file: of each record what must be the same again. */
struct listing {
    struct jt_buf text;
    enum jt_err end;    /* of the records */
    enum jt_err column; /* of the search for the column */
    uint64_t open_quote_line;
};

/* `raw` is `skip` bytes longer than it would be without the mark. */
static void list_record(struct listing *l, const struct jt_csv_record *r, size_t skip)
{
    jt_buf_u64(&l->text, r->raw_len - skip);
    jt_buf_put(&l->text, r->raw + skip, r->raw_len - skip);
    jt_buf_u64(&l->text, r->line);
    jt_buf_u64(&l->text, r->n_fields);
    jt_buf_u8(&l->text, r->malformed);
    jt_buf_u64(&l->text, r->field_len);
    jt_buf_put(&l->text, r->raw + r->field_at, r->field_len);
}

/* Behind a header, since a mark at the start of the record is data. */
static void check_replaced(const struct jt_csv_record *r, size_t column)
{
    static const char token[] = "jtk_0123456789abcdefghjkmnpqrs";
    struct jt_buf line;
    jt_buf_init(&line, 2 * MAX_FILE);
    jt_buf_u8(&line, '\n');
    jt_buf_put(&line, r->raw, r->field_at);
    jt_buf_put(&line, token, sizeof token - 1);
    jt_buf_put(&line, r->raw + r->field_at + r->field_len, r->raw_len - r->field_at - r->field_len);
    MUST(jt_buf_status(&line) == JT_OK);

    struct jt_csv csv;
    struct jt_csv_record again;
    struct feed outer = feed;
    open_file(&csv, line.data, line.len, 0);
    csv.column = column;
    MUST(jt_csv_next(&csv, &again) == JT_OK && again.raw_len == 1);
    MUST(jt_csv_next(&csv, &again) == JT_OK);
    MUST(again.raw_len == line.len - 1 && again.n_fields == r->n_fields && !again.malformed);
    MUST(fuzz_same(again.raw + again.field_at, again.field_len, token, sizeof token - 1));
    jt_csv_clear(&csv);
    feed = outer;
    jt_buf_clear(&line);
}

/* The value, quoted anew, is the value again. */
static void check_value(const struct jt_csv_record *r)
{
    struct jt_buf value, quoted, again;
    jt_buf_init(&value, MAX_FILE);
    jt_buf_init(&quoted, 3 * MAX_FILE);
    jt_buf_init(&again, MAX_FILE);
    jt_csv_unquote(r->raw + r->field_at, r->field_len, &value);
    jt_buf_u8(&quoted, '"');
    for (size_t i = 0; i < value.len; i++) {
        jt_buf_put(&quoted, value.data[i] == '"' ? "\"\"" : (const char *)&value.data[i],
                   value.data[i] == '"' ? 2 : 1);
    }
    jt_buf_u8(&quoted, '"');
    jt_csv_unquote((const char *)quoted.data, quoted.len, &again);
    MUST(fuzz_same(again.data, again.len, value.data, value.len));
    jt_buf_clear(&value);
    jt_buf_clear(&quoted);
    jt_buf_clear(&again);
}

static void check_record(const struct jt_csv *csv, const struct jt_csv_record *r)
{
    MUST(r->n_fields > 0 && r->raw_len > 0);
    if (csv->column < r->n_fields) {
        MUST(r->field_at <= r->raw_len && r->field_len <= r->raw_len - r->field_at);
        if (!r->malformed) {
            check_replaced(r, csv->column);
            check_value(r);
        }
    } else {
        MUST(r->field_len == 0);
    }
}

/*
 * Reads the file as the command line does: the first record is the header. Of so many behind it the
 * wanted field is looked at, too.
 */
static void list(const uint8_t *file, size_t len, const char *name, size_t piece, size_t n_checked,
                 struct listing *l)
{
    static const uint8_t mark[] = { 0xef, 0xbb, 0xbf };
    size_t skip = len >= sizeof mark && memcmp(file, mark, sizeof mark) == 0 ? sizeof mark : 0;
    struct jt_csv csv;
    struct jt_csv_record r;
    size_t at = 0;
    uint64_t line = 1;
    *l = (struct listing){ .column = JT_ERR_NO_COLUMN };
    jt_buf_init(&l->text, 40 * MAX_FILE);
    open_file(&csv, file, len, piece);
    while ((l->end = jt_csv_next(&csv, &r)) == JT_OK) {
        MUST(r.raw_len <= len - at && memcmp(r.raw, file + at, r.raw_len) == 0);
        MUST(r.line == line && csv.consumed == at + r.raw_len);
        list_record(l, &r, at == 0 ? skip : 0);
        if (at == 0) {
            l->column = jt_csv_find_column(&csv, &r, name);
            MUST(l->column != JT_OK || csv.column < r.n_fields);
        }
        for (size_t i = 0; i < r.raw_len; i++) {
            line += r.raw[i] == '\n';
        }
        if (at > 0 && n_checked > 0) {
            check_record(&csv, &r);
            n_checked--;
        }
        at += r.raw_len;
    }
    MUST(l->end == JT_ERR_NO_RECORD ? at == len : l->end == JT_ERR_INVALID && at < len);
    l->open_quote_line = l->end == JT_ERR_INVALID ? csv.open_quote_line : 0;
    jt_csv_clear(&csv);
}

static void check_same(struct listing *a, struct listing *b)
{
    MUST(a->end == b->end && a->column == b->column && a->open_quote_line == b->open_quote_line);
    MUST(fuzz_same(a->text.data, a->text.len, b->text.data, b->text.len));
    jt_buf_clear(&b->text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const uint8_t *end = len < 2 ? NULL : memchr(data + 1, '\n', len - 1);
    if (end == NULL || len > MAX_FILE || memchr(data + 1, '\0', (size_t)(end - data - 1)) != NULL) {
        return -1;
    }
    size_t name_len = (size_t)(end - data - 1), file_len = len - name_len - 2;
    char *name = fuzz_copy(data + 1, name_len + 1);
    name[name_len] = '\0';
    struct listing whole, other;
    list(end + 1, file_len, name, 0, MAX_CHECKED, &whole);
    list(end + 1, file_len, name, data[0] % 17 + 1u, 0, &other);
    check_same(&whole, &other);

    uint8_t *marked = malloc(file_len + 3);
    MUST(marked != NULL);
    memcpy(marked, "\xef\xbb\xbf", 3);
    memcpy(marked + 3, end + 1, file_len);
    if (file_len > 0 && memcmp(end + 1, marked, file_len < 3 ? file_len : 3) != 0) {
        list(marked, file_len + 3, name, 0, 0, &other);
        check_same(&whole, &other);
    }
    jt_buf_clear(&whole.text);
    free(marked);
    free(name);
    return 0;
}

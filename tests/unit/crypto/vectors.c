/* SPDX-License-Identifier: Apache-2.0 */
#include "vectors.h"

#include "base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct vector_file vector_file_open(const char *name)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/crypto/%s", VECTORS_DIR, name);
    struct vector_file f = { .file = fopen(path, "r"), .line = 0 };
    if (f.file == NULL) {
        fail_msg("cannot open %s", path);
    }
    return f;
}

void vector_file_close(struct vector_file *f)
{
    fclose(f->file);
}

static void entry_read(struct vector_entry *e, const char *line, int number)
{
    const char *equals = strstr(line, " =");
    if (equals == NULL || (size_t)(equals - line) >= sizeof(e->name)) {
        fail_msg("line %d is not \"name = hexadecimal\"", number);
    }
    memcpy(e->name, line, (size_t)(equals - line));
    e->name[equals - line] = '\0';
    const char *value = equals + 2 + strspn(equals + 2, " ");
    size_t digits = strlen(value);
    e->len = digits / 2;
    if (digits % 2 != 0 || e->len > sizeof(e->p) || jt_hex_decode(value, e->len, e->p) != JT_OK) {
        fail_msg("line %d has a value that is not hexadecimal bytes", number);
    }
}

bool vector_next(struct vector_file *f, struct vector *v)
{
    char line[2 * VECTOR_BYTES_MAX + 64];
    v->n = 0;
    while (fgets(line, sizeof(line), f->file) != NULL) {
        f->line++;
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] == '#') {
            continue;
        }
        if (line[0] == '\0') {
            if (v->n > 0) {
                break;
            }
            continue;
        }
        assert_true(v->n < VECTOR_ENTRIES_MAX);
        entry_read(&v->entry[v->n++], line, f->line);
    }
    v->line = f->line;
    return v->n > 0;
}

bool vector_has(const struct vector *v, const char *name)
{
    struct jt_bytes all[VECTOR_ENTRIES_MAX];
    return vector_all(v, name, all) > 0;
}

struct jt_bytes vector_get(const struct vector *v, const char *name)
{
    struct jt_bytes all[VECTOR_ENTRIES_MAX];
    if (vector_all(v, name, all) != 1) {
        fail_msg("the case that ends at line %d needs exactly one \"%s\"", v->line, name);
    }
    return all[0];
}

size_t vector_all(const struct vector *v, const char *name, struct jt_bytes *out)
{
    size_t n = 0;
    for (size_t i = 0; i < v->n; i++) {
        if (strcmp(v->entry[i].name, name) == 0) {
            out[n++] = (struct jt_bytes){ v->entry[i].p, v->entry[i].len };
        }
    }
    return n;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "batch/jsonline.h"

#include "batch/utf8.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const char white[] = " \t\n\r";

bool jt_jsonline_blank(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\0' || strchr(white, text[i]) == NULL) {
            return false;
        }
    }
    return true;
}

/* A walk over a text that is valid JSON. */
struct walk {
    const char *end; /* of the text */
    const struct jt_json_path *path;
    uint8_t place;
    struct jt_buf *decoded;
    struct jt_record *out;
};

static const char *skip_white(const struct walk *w, const char *p)
{
    while (p < w->end && *p != '\0' && strchr(white, *p) != NULL) {
        p++;
    }
    return p;
}

/* From an opening quote to behind the closing one. */
static const char *skip_string(const struct walk *w, const char *p)
{
    for (p++; p < w->end && *p != '"'; p++) {
        p += *p == '\\';
    }
    return p < w->end ? p + 1 : w->end;
}

static const char *skip_value(const struct walk *w, const char *p)
{
    size_t depth = 0;
    do {
        p = skip_white(w, p);
        if (p == w->end) {
            break;
        }
        if (*p == '"') {
            p = skip_string(w, p);
        } else if (*p == '{' || *p == '[') {
            depth++;
            p++;
        } else if (*p == '}' || *p == ']') {
            depth--;
            p++;
        } else if (*p == ',' || *p == ':') {
            p++;
        } else {
            while (p < w->end && strchr(" \t\n\r,:]}", *p) == NULL) {
                p++;
            }
        }
    } while (depth > 0);
    return p;
}

static uint32_t hex4(const char *p)
{
    char digits[5] = { p[0], p[1], p[2], p[3], '\0' };
    unsigned value = 0;
    (void)sscanf(digits, "%x", &value);
    return value;
}

/* One escape behind its backslash, at `p`; how many characters it has. */
static size_t decode_escape(const char *p, struct jt_buf *out)
{
    static const char letters[] = "bfnrt", meant[] = "\b\f\n\r\t";
    const char *letter = strchr(letters, *p);
    if (*p != 'u') {
        jt_buf_u8(out, (uint8_t)(letter != NULL ? meant[letter - letters] : *p));
        return 1;
    }
    uint32_t c = hex4(p + 1);
    bool pair = (c & 0xfc00) == 0xd800; /* jansson refuses halves that stand alone */
    if (pair) {
        c = 0x10000 + ((c & 0x3ff) << 10) + (hex4(p + 7) & 0x3ff);
    }
    jt_utf8_put(out, c);
    return pair ? 11 : 5;
}

/* What stands between quotes. Escapes are longer than what they mean, in UTF-8 too. */
static void decode(const char *text, size_t len, struct jt_buf *out)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\\') {
            i += decode_escape(text + i + 1, out);
        } else {
            jt_buf_u8(out, (uint8_t)text[i]);
        }
    }
}

/* Whether a member's name, which begins at its quote, is `name`. */
static bool is_named(const char *quoted, size_t len, const char *name)
{
    struct jt_buf decoded;
    const char *text = quoted + 1;
    size_t text_len = len - 2;
    if (memchr(text, '\\', text_len) == NULL) {
        return text_len == strlen(name) && memcmp(text, name, text_len) == 0;
    }
    jt_buf_init(&decoded, text_len);
    decode(text, text_len, &decoded);
    bool same = jt_buf_status(&decoded) == JT_OK && decoded.len == strlen(name) &&
                memcmp(decoded.data, name, decoded.len) == 0;
    jt_buf_clear(&decoded);
    return same;
}

/* Where the next value goes; NULL, and the record is faulty, when there are too many. */
static struct jt_record_value *add_value(struct walk *w, const char *at, size_t len)
{
    struct jt_record *r = w->out;
    if (r->n_values == JT_RECORD_MAX_VALUES) {
        r->kind = JT_RECORD_FAULTY;
        r->fault = JT_MSG_VALUES_MANY;
        return NULL;
    }
    struct jt_record_value *v = &r->values[r->n_values++];
    *v = (struct jt_record_value){
        .at = (size_t)(at - (const char *)r->raw), .len = len, .text = at, .place = w->place
    };
    return v;
}

static void take_value(struct walk *w, const char *p)
{
    size_t len = (size_t)(skip_value(w, p) - p);
    struct jt_record_value *v = add_value(w, p, len);
    if (v == NULL || *p == 'n') {
        return;
    }
    if (*p == '"') {
        v->text = p + 1;
        v->text_len = len - 2;
        if (memchr(v->text, '\\', v->text_len) != NULL) {
            size_t before = w->decoded->len;
            decode(v->text, v->text_len, w->decoded);
            v->text = (const char *)w->decoded->data + before;
            v->text_len = w->decoded->len - before;
        }
        return;
    }
    for (size_t i = 0; i < len; i++) {
        if (p[i] < '0' || p[i] > '9') {
            v->fault = JT_MSG_JSON_TYPE;
            return;
        }
    }
    v->text_len = len;
}

static void find(struct walk *w, const char *p, size_t step);

/* The member that a step names, of the object at `p`; where there is none, a blank value. */
static void find_member(struct walk *w, const char *p, size_t step)
{
    p = skip_white(w, p + 1);
    while (p < w->end && *p == '"') {
        const char *name = p;
        p = skip_string(w, p);
        size_t len = (size_t)(p - name);
        p = skip_white(w, skip_white(w, p) + 1); /* behind the colon */
        if (is_named(name, len, w->path->steps[step].name)) {
            find(w, p, step + 1);
            return;
        }
        p = skip_white(w, skip_value(w, p));
        p = p < w->end && *p == ',' ? skip_white(w, p + 1) : p;
    }
    (void)add_value(w, p, 0);
}

static void find_element(struct walk *w, const char *p, size_t step)
{
    const struct jt_json_step *s = &w->path->steps[step];
    p = skip_white(w, p + 1);
    for (size_t i = 0; p < w->end && *p != ']' && w->out->kind == JT_RECORD_DATA; i++) {
        if (s->every || i == s->index) {
            find(w, p, step + 1);
        }
        if (!s->every && i == s->index) {
            return;
        }
        p = skip_white(w, skip_value(w, p));
        p = p < w->end && *p == ',' ? skip_white(w, p + 1) : p;
    }
    if (!s->every) {
        (void)add_value(w, p, 0);
    }
}

/* Takes the steps from `step` on, from the value at `p`. */
static void find(struct walk *w, const char *p, size_t step)
{
    const struct jt_json_step *s = &w->path->steps[step];
    if (step == w->path->n_steps) {
        take_value(w, p);
    } else if (*p == '{' && s->name != NULL) {
        find_member(w, p, step);
    } else if (*p == '[' && (s->every || s->index != JT_JSON_NO_INDEX)) {
        find_element(w, p, step);
    } else {
        struct jt_record_value *v = add_value(w, p, 0);
        if (v != NULL && *p != 'n') {
            v->fault = JT_MSG_JSON_TYPE; /* no such thing can be in it */
        }
    }
}

static bool stands_before(const struct jt_record_value *a, const struct jt_record_value *b)
{
    return a->at < b->at || (a->at == b->at && a->len < b->len);
}

/* Paths find their values one after another; a record has them as they stand. */
static void sort_values(struct jt_record *r)
{
    for (size_t i = 1; i < r->n_values; i++) {
        struct jt_record_value v = r->values[i];
        size_t at = i;
        for (; at > 0 && stands_before(&v, &r->values[at - 1]); at--) {
            r->values[at] = r->values[at - 1];
        }
        r->values[at] = v;
    }
    for (size_t i = 1; i < r->n_values; i++) {
        if (r->values[i].at < r->values[i - 1].at + r->values[i - 1].len) {
            r->kind = JT_RECORD_FAULTY;
            r->fault = JT_MSG_VALUES_MEET;
        }
    }
}

static enum jt_err validate(const char *text, size_t len, struct jt_record *out)
{
    json_error_t error;
    /* Numbers of any length are fine: they are not looked at here. */
    json_t *json = json_loadb(
        text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, &error);
    if (json != NULL) {
        json_decref(json);
        return JT_OK;
    }
    if (json_error_code(&error) == json_error_out_of_memory) {
        return JT_ERR_NOMEM;
    }
    out->kind = JT_RECORD_FAULTY;
    out->fault =
        json_error_code(&error) == json_error_duplicate_key ? JT_MSG_JSON_TWICE : JT_MSG_JSON_BAD;
    return JT_OK;
}

enum jt_err jt_jsonline_read(const struct jt_json_path *paths, size_t n_paths, size_t at,
                             size_t len, struct jt_buf *decoded, struct jt_record *out)
{
    const char *text = (const char *)out->raw + at;
    enum jt_err err = validate(text, len, out);
    struct walk w = { .end = text + len, .decoded = decoded, .out = out };
    for (size_t i = 0; err == JT_OK && out->kind == JT_RECORD_DATA && i < n_paths; i++) {
        w.path = &paths[i];
        w.place = (uint8_t)i;
        find(&w, skip_white(&w, text), 0);
    }
    if (out->kind == JT_RECORD_DATA) {
        sort_values(out);
    }
    if (out->kind != JT_RECORD_DATA) {
        out->n_values = 0;
    }
    return err;
}

static void put_character(char c, struct jt_buf *out)
{
    char escape[8];
    if (c == '"' || c == '\\') {
        jt_buf_u8(out, '\\');
        jt_buf_u8(out, (uint8_t)c);
    } else if ((unsigned char)c < 0x20) {
        (void)snprintf(escape, sizeof escape, "\\u%04x", (unsigned)c);
        jt_buf_put(out, escape, 6);
    } else {
        jt_buf_u8(out, (uint8_t)c);
    }
}

enum jt_err jt_jsonline_put(const char *old, size_t old_len, const char *text, size_t len,
                            struct jt_buf *out)
{
    if (old_len > 0 && old[0] == '"') {
        jt_buf_u8(out, '"');
        for (size_t i = 0; i < len; i++) {
            put_character(text[i], out);
        }
        jt_buf_u8(out, '"');
        return jt_buf_status(out);
    }
    if (old_len == 0 || old[0] < '0' || old[0] > '9' || len == 0 || text[0] == '0') {
        return JT_ERR_INVALID;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return JT_ERR_INVALID;
        }
    }
    jt_buf_put(out, text, len);
    return jt_buf_status(out);
}

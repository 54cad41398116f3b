/* SPDX-License-Identifier: Apache-2.0 */
#include "batch/jsonpath.h"

#include "batch/trouble.h"

#include <stdlib.h>
#include <string.h>

void jt_json_path_clear(struct jt_json_path *path)
{
    for (size_t i = 0; i < path->n_steps; i++) {
        free(path->steps[i].name);
    }
    *path = (struct jt_json_path){ 0 };
}

static enum jt_err bad(struct jt_trouble *trouble, const char *why)
{
    return jt_trouble_set(trouble, JT_MSG_PATH_BAD, 0, 0, "%s", why);
}

/* An index as RFC 6901 section 4 has it: digits without a leading zero. */
static size_t index_of(const char *text, size_t len)
{
    size_t index = 0;
    if (len == 0 || len > 9 || (len > 1 && text[0] == '0')) {
        return JT_JSON_NO_INDEX;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return JT_JSON_NO_INDEX;
        }
        index = index * 10 + (size_t)(text[i] - '0');
    }
    return index;
}

static enum jt_err add_step(struct jt_json_path *path, struct jt_json_step step,
                            struct jt_trouble *trouble)
{
    if (path->n_steps == JT_JSON_PATH_STEPS) {
        free(step.name);
        return bad(trouble, "it has more than 16 steps");
    }
    path->steps[path->n_steps++] = step;
    return JT_OK;
}

/* A member's name, which may be an element's number, too, where `index` is one. */
static enum jt_err add_name(struct jt_json_path *path, const char *name, size_t len, size_t index,
                            struct jt_trouble *trouble)
{
    char *copy = strndup(name, len);
    return copy == NULL
               ? JT_ERR_NOMEM
               : add_step(path, (struct jt_json_step){ .name = copy, .index = index }, trouble);
}

/* "~1" is a slash and "~0" a tilde. */
static bool unescape(char *name)
{
    char *out = name;
    for (const char *in = name; *in != '\0'; in++) {
        if (*in == '~' && in[1] != '0' && in[1] != '1') {
            return false;
        }
        *out++ = (char)(*in != '~' ? *in : *++in == '0' ? '~' : '/');
    }
    *out = '\0';
    return true;
}

static enum jt_err parse_pointer(const char *text, struct jt_json_path *out,
                                 struct jt_trouble *trouble)
{
    while (*text == '/') {
        size_t len = strcspn(++text, "/");
        enum jt_err err = add_name(out, text, len, index_of(text, len), trouble);
        if (err != JT_OK) {
            return err;
        }
        if (!unescape(out->steps[out->n_steps - 1].name)) {
            return bad(trouble, "a tilde goes before 0 or 1");
        }
        text += len;
    }
    return JT_OK;
}

/* What stands in brackets behind a name. */
static enum jt_err parse_element(const char **text, struct jt_json_path *out,
                                 struct jt_trouble *trouble)
{
    size_t len = strcspn(*text + 1, "]");
    bool every = len == 1 && (*text)[1] == '*';
    size_t index = index_of(*text + 1, len);
    if ((*text)[1 + len] != ']' || (!every && index == JT_JSON_NO_INDEX)) {
        return bad(trouble, "in brackets stands the number of an element, from 0, or *");
    }
    *text += len + 2;
    return add_step(out, (struct jt_json_step){ .index = index, .every = every }, trouble);
}

static enum jt_err parse_dotted(const char *text, struct jt_json_path *out,
                                struct jt_trouble *trouble)
{
    bool first = true;
    do {
        size_t len = strcspn(text, ".[]");
        enum jt_err err = JT_OK;
        if (len == 0 && !(first && *text == '[')) {
            return bad(trouble, "a name is empty; names with dots need the form /a/b");
        }
        if (len > 0) {
            err = add_name(out, text, len, JT_JSON_NO_INDEX, trouble);
        }
        text += len;
        while (err == JT_OK && *text == '[') {
            err = parse_element(&text, out, trouble);
        }
        if (err != JT_OK) {
            return err;
        }
        first = false;
    } while (*text == '.' && *++text != '\0');
    return *text == '\0' && text[-1] != '.'
               ? JT_OK
               : bad(trouble, "a dot goes between names, and a bracket behind one");
}

enum jt_err jt_json_path_parse(const char *text, struct jt_json_path *out,
                               struct jt_trouble *trouble)
{
    *out = (struct jt_json_path){ 0 };
    if (text[0] == '\0') {
        return bad(trouble, "it is empty");
    }
    return text[0] == '/' ? parse_pointer(text, out, trouble) : parse_dotted(text, out, trouble);
}

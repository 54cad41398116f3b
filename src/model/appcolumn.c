/* SPDX-License-Identifier: Apache-2.0 */
#include "model/appcolumn.h"

#include <stdio.h>
#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"

static bool name_of(const char *name, size_t len)
{
    return len > 0 && len <= JT_APP_NAME_MAX && strspn(name, LETTERS) > 0 &&
           strspn(name, LETTERS "0123456789$") >= len;
}

bool jt_appcolumn_name_valid(const char *name)
{
    return name_of(name, strlen(name));
}

bool jt_appcolumn_table_valid(const char *table)
{
    const char *dot = strchr(table, '.');
    return dot != NULL && name_of(table, (size_t)(dot - table)) && jt_appcolumn_name_valid(dot + 1);
}

bool jt_appcolumn_format(const struct jt_appcolumn *column, char out[static JT_APP_COLUMN_MAX + 1])
{
    int n = snprintf(out, JT_APP_COLUMN_MAX + 1, "%s %s.%s %s %s %s", column->database,
                     column->schema, column->table, column->key, column->value, column->envelope);
    struct jt_appcolumn back;
    return n > 0 && n <= JT_APP_COLUMN_MAX && jt_appcolumn_parse(out, &back);
}

/* The next name, up to `end`; NULL: it is none. Else what follows behind the end. */
static const char *take(const char *text, char end, char out[static JT_APP_NAME_MAX + 1])
{
    size_t len = strcspn(text, " .");
    if (!name_of(text, len) || text[len] != end) {
        return NULL;
    }
    memcpy(out, text, len);
    out[len] = '\0';
    return text + len + (end == '\0' ? 0 : 1);
}

bool jt_appcolumn_parse(const char *text, struct jt_appcolumn *out)
{
    struct jt_appcolumn c = { .database = "" };
    struct {
        char end, *name;
    } parts[] = {
        { ' ', c.database }, { '.', c.schema }, { ' ', c.table },
        { ' ', c.key },      { ' ', c.value },  { '\0', c.envelope },
    };
    if (strlen(text) > JT_APP_COLUMN_MAX) {
        return false;
    }
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && text != NULL; i++) {
        text = take(text, parts[i].end, parts[i].name);
    }
    /* two columns of one name would have the envelope written over the card number */
    bool distinct = strcmp(c.key, c.value) != 0 && strcmp(c.key, c.envelope) != 0 &&
                    strcmp(c.value, c.envelope) != 0;
    if (text == NULL || !distinct) {
        return false;
    }
    *out = c;
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/budget_list.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Adds "200/s" or "100000/day" to the budget; false: it is neither, or is there already. */
static bool add_bound(json_t *budget, const char *text, size_t len)
{
    char *end;
    unsigned long long n = strtoull(text, &end, 10);
    size_t left = len - (size_t)(end - text);
    const char *name = left == 2 && memcmp(end, "/s", 2) == 0     ? "per_second"
                       : left == 4 && memcmp(end, "/day", 4) == 0 ? "per_day"
                                                                  : NULL;
    return *text >= '0' && *text <= '9' && n >= 1 && n <= UINT32_MAX && name != NULL &&
           json_object_get(budget, name) == NULL &&
           json_object_set_new(budget, name, json_integer((json_int_t)n)) == 0;
}

/* One part between commas; with an operation it begins a new budget. */
static bool add_part(json_t *budgets, const char *part, size_t len)
{
    size_t name = strcspn(part, "=,");
    if (part[name] == '=') {
        json_t *budget = name == 0 ? NULL : json_object();
        if (json_array_append_new(budgets, budget) != 0 ||
            json_object_set_new(budget, "operation", json_stringn(part, name)) != 0) {
            return false;
        }
        part += name + 1;
        len -= name + 1;
    }
    size_t n = json_array_size(budgets);
    return n > 0 && add_bound(json_array_get(budgets, n - 1), part, len);
}

json_t *jt_budget_list(const char *list)
{
    json_t *budgets = json_array();
    bool good = budgets != NULL;
    for (const char *part = list; good && strcmp(list, "none") != 0;) {
        size_t len = strcspn(part, ",");
        good = add_part(budgets, part, len);
        if (part[len] == '\0') {
            break;
        }
        part += len + 1;
    }
    if (!good) {
        json_decref(budgets);
        budgets = NULL;
    }
    return budgets;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What `jeton client add` and `permit` take as --budget. */
#ifndef JETON_CLI_BUDGET_LIST_H
#define JETON_CLI_BUDGET_LIST_H

#include <jansson.h>

/*
 * "detokenize=200/s,100000/day,lookup=5/s" as the member `budgets` of a request: a part with an
 * equals sign begins the next operation. "none" is an empty array. NULL: it has another form.
 * Whether there is such an operation, and whether it is there twice, is the server's to say.
 */
json_t *jt_budget_list(const char *list);

#endif

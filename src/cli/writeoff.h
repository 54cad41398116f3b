/* SPDX-License-Identifier: Apache-2.0 */
/* How a write-off stands, as `jeton keys write-off` and `jeton keys approve` print it. */
#ifndef JETON_CLI_WRITEOFF_H
#define JETON_CLI_WRITEOFF_H

#include <jansson.h>

void jt_writeoff_print_state(const json_t *reply);

#endif

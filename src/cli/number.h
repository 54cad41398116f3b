/* SPDX-License-Identifier: Apache-2.0 */
/* The number of a generation as an argument, and the path that names it. */
#ifndef JETON_CLI_NUMBER_H
#define JETON_CLI_NUMBER_H

#include "cli/command.h"

#define JT_GENERATION_PATH 80

/*
 * Writes "/v1/generations/NUMBER" and `suffix`. JT_GO_ON, or JT_EXIT_USAGE after a message unless
 * `text` is a number from 1 up.
 */
int jt_generation_path(const struct jt_command *self, const char *text, const char *suffix,
                       char out[static JT_GENERATION_PATH]);

#endif

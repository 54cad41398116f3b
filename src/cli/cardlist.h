/* SPDX-License-Identifier: Apache-2.0 */
/* Cards that keep a generation from retiring, as a table: all pages of a list as one. */
#ifndef JETON_CLI_CARDLIST_H
#define JETON_CLI_CARDLIST_H

#include "cli/command.h"

/*
 * Fetches the list, `path` being its first page's, and prints it, or with --json its members.
 * `noted`: it says when each card was first seen to be stuck. An exit code.
 */
int jt_cardlist_show(const struct jt_cli *cli, const char *path, bool noted);

#endif

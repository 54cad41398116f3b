/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of custodians as the command line takes them. */
#ifndef JETON_CLI_CUSTODIANLIST_H
#define JETON_CLI_CUSTODIANLIST_H

#include "model/custodian.h"

/* Texts of custodians; false unless they are a set. */
bool jt_custodianlist_parse(const char *const texts[], size_t n, struct jt_custodian_set *out);
/* The same with commas between. */
bool jt_custodianlist_split(const char *list, struct jt_custodian_set *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* How many bytes the items of a copybook have, and where in their groups they stand. */
#ifndef JETON_BATCH_COPYSIZE_H
#define JETON_BATCH_COPYSIZE_H

#include "batch/copybook.h"

/*
 * Hands usages and signs of groups down, checks that pictures go with them, finds the items that
 * tables depend on, and computes sizes and offsets. The tree is complete. JT_ERR_INVALID with
 * *trouble.
 */
enum jt_err jt_copysize_lay_out(struct jt_copybook *book, struct jt_trouble *trouble) JT_CHECKED;

#endif

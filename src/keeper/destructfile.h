/* SPDX-License-Identifier: Apache-2.0 */
/* The file of what a keeper knows of destructions: keeper/destructions.h, which reads it at start.
 */
#ifndef JETON_KEEPER_DESTRUCTFILE_H
#define JETON_KEEPER_DESTRUCTFILE_H

#include "keeper/destructions.h"

/* Durable when it returns. */
enum jt_err jt_destructfile_save(int dir_fd, const struct jt_root *root, bool development,
                                 const struct jt_destructions *ds) JT_CHECKED;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Table held_use: when envelopes that applications keep were last sealed and opened. */
#ifndef JETON_STORE_HELD_USE_H
#define JETON_STORE_HELD_USE_H

#include "store/db.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jt_held_used {
    uint32_t field;
    uint64_t generation;
    bool sealed, opened; /* since the last record */
};

/* Sets the times of a node's rows to now, where something was sealed or opened. */
enum jt_err jt_held_use_record(struct jt_db *db, const char *node, const struct jt_held_used *used,
                               size_t n) JT_CHECKED;

#endif

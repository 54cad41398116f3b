/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a database stands in issuing numeric tokens: its mark, which only rises, and the history
 * that it is of.
 */
#ifndef JETON_MODEL_NUMERIC_MARK_H
#define JETON_MODEL_NUMERIC_MARK_H

#include <stdint.h>

struct jt_numeric_mark {
    uint64_t mark;
    uint64_t system_identifier; /* of the cluster; 0: none */
    uint32_t timeline;
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a value is in a JSON text: as a pointer of RFC 6901 ("/card/pan") or with dots
 * ("card.pan", "cards[0].pan", "cards[*].pan", which is each element).
 */
#ifndef JETON_BATCH_JSONPATH_H
#define JETON_BATCH_JSONPATH_H

#include "base/err.h"
#include "batch/message.h"

#include <stdbool.h>
#include <stddef.h>

#define JT_JSON_PATH_STEPS 16
#define JT_JSON_NO_INDEX   SIZE_MAX

struct jt_json_step {
    char *name;   /* of a member; NULL: elements of arrays only */
    size_t index; /* of an element; JT_JSON_NO_INDEX: members of objects only */
    bool every;   /* each element of an array */
};

struct jt_json_path {
    size_t n_steps; /* at least one */
    struct jt_json_step steps[JT_JSON_PATH_STEPS];
};

/* JT_ERR_INVALID with *trouble; JT_ERR_NOMEM. *out needs jt_json_path_clear in any case. */
enum jt_err jt_json_path_parse(const char *text, struct jt_json_path *out,
                               struct jt_trouble *trouble) JT_CHECKED;
void jt_json_path_clear(struct jt_json_path *path);

#endif

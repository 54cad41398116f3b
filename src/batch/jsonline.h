/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values of a JSON text, as ranges of its bytes.
 *
 * Whether it is JSON is jansson's to say; a small scanner goes over the text that is known to be,
 * and finds what paths name. A member or an element that is not there, and null, are blank values.
 * Strings are decoded; a number must be whole, without sign and exponent. jansson's own copies are
 * wiped by the functions that the program gave it (json_set_alloc_funcs).
 */
#ifndef JETON_BATCH_JSONLINE_H
#define JETON_BATCH_JSONLINE_H

#include "base/buf.h"
#include "batch/jsonpath.h"
#include "batch/record.h"

/* Nothing but white space. */
bool jt_jsonline_blank(const char *text, size_t len);

/*
 * Fills in the values of out->raw, whose text without mark and line end is `len` bytes at `at`,
 * or what makes the record faulty. Texts that differ from the raw bytes are appended to `decoded`,
 * in which `len` bytes must be free. JT_ERR_NOMEM.
 */
enum jt_err jt_jsonline_read(const struct jt_json_path *paths, size_t n_paths, size_t at,
                             size_t len, struct jt_buf *decoded, struct jt_record *out) JT_CHECKED;

/*
 * Appends `text` as it stands in place of `old`: as a string, or as a number where that is one.
 * JT_ERR_INVALID: no number, or there was no value.
 */
enum jt_err jt_jsonline_put(const char *old, size_t old_len, const char *text, size_t len,
                            struct jt_buf *out) JT_CHECKED;

#endif

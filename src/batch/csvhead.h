/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of a CSV file: which delimiter it has, and which columns are the places of a format.
 *
 * A line "sep=;" in front, as Excel writes it, says what the delimiter is. Else, where none was
 * given, it is told from the header line: comma, semicolon, tab or bar, whichever makes the columns
 * that are asked for, or else the most columns.
 */
#ifndef JETON_BATCH_CSVHEAD_H
#define JETON_BATCH_CSVHEAD_H

#include "batch/format_parts.h"
#include "batch/inlet.h"

/*
 * Looks at the beginning of the input, of which nothing may have been dropped and `skip` bytes are
 * a byte order mark, and fills in what of the format depends on it. *n_passed: so many records,
 * blank lines not counted, come before the first of data. JT_ERR_INVALID with *trouble; errors of
 * jt_inlet_more, after which it may be called again.
 */
enum jt_err jt_csvhead_find(struct jt_format *f, struct jt_inlet *in, size_t skip,
                            unsigned *n_passed, struct jt_trouble *trouble) JT_CHECKED;

#endif

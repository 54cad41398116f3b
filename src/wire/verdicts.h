/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verbs NODE_MARKS and GENERATION_HELD: rows of nodes or of generations, each with a verdict of its
 * own. One that is refused says nothing of its neighbours.
 */
#ifndef JETON_WIRE_VERDICTS_H
#define JETON_WIRE_VERDICTS_H

#include "base/buf.h"
#include "model/generation.h"
#include "model/node.h"

/* As many as there are node numbers, and as there are key ids. */
#define JT_WIRE_MAX_VERDICTS 255

void jt_node_marks_encode(const struct jt_node_row *rows, size_t n, struct jt_buf *out);
void jt_generation_held_encode(const struct jt_generation_row *rows, size_t n, struct jt_buf *out);
/* `rows` holds JT_WIRE_MAX_VERDICTS. */
enum jt_err jt_node_marks_decode(struct jt_reader *in, struct jt_node_row *rows,
                                 size_t *n) JT_CHECKED;
enum jt_err jt_generation_held_decode(struct jt_reader *in, struct jt_generation_row *rows,
                                      size_t *n) JT_CHECKED;

/*
 * JT_OK, JT_ERR_FORGED, JT_ERR_KEY_MISSING, JT_ERR_KEY_WRONG or JT_ERR_WRONG_STATE for each of the
 * `n` rows that were asked about.
 */
void jt_verdicts_encode(const enum jt_err *verdicts, size_t n, struct jt_buf *out);
enum jt_err jt_verdicts_decode(struct jt_reader *in, size_t n, enum jt_err *verdicts) JT_CHECKED;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs ESCROW_MAKE, ESCROW_CHECK and ESCROW_RESTORE (model/escrow.h). */
#ifndef JETON_WIRE_ESCROW_H
#define JETON_WIRE_ESCROW_H

#include "base/buf.h"
#include "model/escrow.h"

/* The reply to ESCROW_MAKE and the requests of the other two. Nothing is looked at but the length.
 */
void jt_escrow_file_encode(const struct jt_escrow_file *file, struct jt_buf *out);
enum jt_err jt_escrow_file_decode(struct jt_reader *in, struct jt_escrow_file *file) JT_CHECKED;

/* The reply to ESCROW_CHECK. */
void jt_escrow_report_encode(const struct jt_escrow_report *report, struct jt_buf *out);
enum jt_err jt_escrow_report_decode(struct jt_reader *in,
                                    struct jt_escrow_report *report) JT_CHECKED;

#endif

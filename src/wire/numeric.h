/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verb NUMERIC_MARK: the front shows the keeper how far the database has come in issuing numeric
 * tokens. A database that went back has lost tokens that were issued, and could issue one of them
 * again; so the keeper remembers the mark that it saw last, and makes no numeric token while it is
 * shown a lower one, or one of another history.
 */
#ifndef JETON_WIRE_NUMERIC_H
#define JETON_WIRE_NUMERIC_H

#include "base/buf.h"
#include "model/numeric_mark.h"

struct jt_numeric_show {
    struct jt_numeric_mark now;
    bool accept; /* an operator's recorded word: it is right, whatever it was before */
};

struct jt_numeric_shown {
    bool open;                   /* numeric tokens are made */
    struct jt_numeric_mark seen; /* that the keeper remembers now */
};

void jt_numeric_show_encode(const struct jt_numeric_show *show, struct jt_buf *out);
enum jt_err jt_numeric_show_decode(struct jt_reader *in, struct jt_numeric_show *show) JT_CHECKED;
void jt_numeric_shown_encode(const struct jt_numeric_shown *shown, struct jt_buf *out);
enum jt_err jt_numeric_shown_decode(struct jt_reader *in,
                                    struct jt_numeric_shown *shown) JT_CHECKED;

#endif

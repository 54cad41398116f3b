/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes JSON objects (RFC 8259) into a bounded buffer: for the answers that are too many, or too
 * early, for a tree of jansson's. Texts are UTF-8 and escaped here; where the buffer has no room,
 * its status says so at the end, as with everything that is put into it.
 *
 *     jt_jsonw_open(out);
 *     jt_jsonw_text(out, "title", title);
 *     jt_jsonw_int(out, "status", 404);
 *     jt_jsonw_close(out);
 *
 * The comma between members is put by looking at what stands before: nothing else may be written
 * into the buffer in between.
 */
#ifndef JETON_BASE_JSONW_H
#define JETON_BASE_JSONW_H

#include "base/buf.h"

void jt_jsonw_open(struct jt_buf *out);
void jt_jsonw_close(struct jt_buf *out);

/* A member that is an array of objects: each is opened and closed between the two. */
void jt_jsonw_array(struct jt_buf *out, const char *name);
void jt_jsonw_array_end(struct jt_buf *out);

/* A text in an array of texts. */
void jt_jsonw_array_text(struct jt_buf *out, const char *text);

/* Members. Names are the program's own and need no escape. */
void jt_jsonw_text(struct jt_buf *out, const char *name, const char *text);
/* One text that is put together of two. */
void jt_jsonw_text2(struct jt_buf *out, const char *name, const char *first, const char *second);
void jt_jsonw_int(struct jt_buf *out, const char *name, int64_t value);
void jt_jsonw_null(struct jt_buf *out, const char *name);
void jt_jsonw_bool(struct jt_buf *out, const char *name, bool value);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The window through which an input is read: as many bytes as a record may have, and some more.
 *
 * A text that begins with the byte order mark of UTF-16 is turned into UTF-8 as it comes, its mark
 * into that of UTF-8, so that all that follows knows one form only. Each character goes back to the
 * same bytes: halves of surrogate pairs that stand alone keep their value (utf8.h).
 *
 * The contents are card numbers: what has been dropped is wiped.
 */
#ifndef JETON_BATCH_INLET_H
#define JETON_BATCH_INLET_H

#include "base/buf.h"
#include "batch/message.h"
#include "batch/record.h"

#define JT_INLET_CHUNK 131072 /* bytes that are read at once */

enum jt_inlet_form { JT_INLET_BYTES, JT_INLET_UTF16_LE, JT_INLET_UTF16_BE };

struct jt_inlet {
    int fd; /* the caller's */
    enum jt_inlet_form form;
    struct jt_buf window;
    size_t at;            /* the first byte of the window that is still wanted */
    struct jt_buf halves; /* of UTF-16: what could not be turned yet */
    bool end_of_file;
};

/* Allocates nothing. */
void jt_inlet_init(struct jt_inlet *in, int fd);
void jt_inlet_clear(struct jt_inlet *in);

/*
 * Reads the first bytes and looks for the byte order mark of UTF-16. Not for files that are no
 * text. Errors as of jt_inlet_more.
 */
enum jt_err jt_inlet_find_form(struct jt_inlet *in) JT_CHECKED;

/*
 * Drops what lies before `at` and reads more, or finds the end. Pointers into the window are not
 * valid any more. JT_ERR_IO with errno, EINTR among them, and the call may be repeated;
 * JT_ERR_INVALID with *trouble; JT_ERR_NOMEM.
 */
enum jt_err jt_inlet_more(struct jt_inlet *in, struct jt_trouble *trouble) JT_CHECKED;

static inline const char *jt_inlet_text(const struct jt_inlet *in)
{
    return (const char *)in->window.data + in->at;
}

static inline size_t jt_inlet_left(const struct jt_inlet *in)
{
    return in->window.len - in->at;
}

/* How many bytes of the input have become these bytes of the window. */
uint64_t jt_inlet_size(const struct jt_inlet *in, const void *data, size_t len);

/* Appends bytes of the window as the input has them. */
enum jt_err jt_inlet_put_back(const struct jt_inlet *in, const void *data, size_t len,
                              struct jt_buf *out) JT_CHECKED;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of a request in the chunked transfer coding, read strictly: RFC 9112 section 7.1.
 *
 * Lines end in CRLF and in nothing else. A size is 1 to 16 hexadecimal digits, right at the
 * beginning of its line. Chunk extensions are ignored, as section 7.1.1 demands, and trailer
 * fields are dropped, as section 7.1.2 allows: nothing of Jeton's has a use for either. Both are
 * held to their form as far as it matters for where they end, and together to JT_CHUNKS_EXTRA_MAX
 * bytes a body, so that nobody sends much that no limit counts.
 *
 * Pure: no memory, no state but the caller's. Each byte is looked at once, so that it does not
 * matter in which pieces the bytes come.
 */
#ifndef JETON_HTTP_CHUNKS_H
#define JETON_HTTP_CHUNKS_H

#include "http/host.h"

#include <stdint.h>

#define JT_CHUNKS_EXTRA_MAX 4096 /* bytes of all extensions and trailer fields of a body */

enum jt_chunks_place {
    JT_CHUNKS_SIZE, /* where a body begins */
    JT_CHUNKS_BEFORE_EXTENSION,
    JT_CHUNKS_EXTENSION,
    JT_CHUNKS_SIZE_LF, /* after the CR */
    JT_CHUNKS_DATA,
    JT_CHUNKS_DATA_CR,
    JT_CHUNKS_DATA_LF,
    JT_CHUNKS_TRAILER, /* at the beginning of a line */
    JT_CHUNKS_TRAILER_NAME,
    JT_CHUNKS_TRAILER_VALUE,
    JT_CHUNKS_TRAILER_LF,
    JT_CHUNKS_LAST_LF,
    JT_CHUNKS_OVER,
};

struct jt_chunks { /* zeroes: at the beginning */
    enum jt_chunks_place place;
    uint64_t left; /* of the present chunk's data; while its line is read, its size so far */
    uint8_t n_digits;
    uint32_t n_extra;
};

enum jt_chunks_step {
    JT_CHUNKS_MORE, /* all bytes are used, the end has not come */
    JT_CHUNKS_GIVE, /* a piece of data, not empty; or the size of a chunk has become known */
    JT_CHUNKS_END,  /* the body is complete: what follows is not of it */
    JT_CHUNKS_BAD,  /* malformed; nothing more may be read */
};

/*
 * Reads on in `p` and moves *used forward by what is done with. With JT_CHUNKS_GIVE, *data is the
 * piece; before the first piece of each chunk there is an empty one, and chunks->left tells how
 * much the chunk will have, so that what is too much is refused before it comes.
 */
enum jt_chunks_step jt_chunks_read(struct jt_chunks *chunks, const char *p, size_t len,
                                   size_t *used, struct jt_slice *data);

#endif

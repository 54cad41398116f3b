/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of sources share: an input from memory, in pieces of any size, and its records
 * one by one. A program that has it is linked with --wrap=read.
 */
#ifndef JETON_TESTS_UNIT_BATCH_READING_H
#define JETON_TESTS_UNIT_BATCH_READING_H

#include "batch/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct reading {
    struct jt_format *format;
    struct jt_record_source *source;
    struct jt_trouble trouble;
    struct jt_record record;
};

/* So many bytes a read; 0: as many as there is room for. Stays until it is set again. */
extern size_t reading_piece;
/* So many reads are interrupted first. */
extern unsigned reading_interruptions;

/* What opening comes to, and closing. The input must stay where it is. */
enum jt_err reading_try(struct reading *r, const struct jt_format_spec *spec, const void *input,
                        size_t len);
void reading_open(struct reading *r, const struct jt_format_spec *spec, const void *input,
                  size_t len);
void reading_close(struct reading *r);

/* The next record, which must be there and of this kind. */
const struct jt_record *reading_next(struct reading *r, enum jt_record_kind kind);

/* There are no more records. */
void reading_end(struct reading *r);

/* Value number `i` of the record that was read last. */
void assert_value(const struct reading *r, size_t i, const char *expected);

/*
 * Appends to `out` the whole input with every value put through `replace`, which gives the text
 * that takes the place of another (at most 63 characters); blank values and faulty ones stay.
 */
typedef void replace_fn(const char *text, size_t len, char out[static 64]);
void reading_replace(const struct jt_format_spec *spec, const void *input, size_t len,
                     replace_fn *replace, struct jt_buf *out);

/* That opening fails with this message, and that the detail has this in it. */
void assert_trouble(const struct jt_format_spec *spec, const void *input, size_t len,
                    enum jt_message message, const char *detail);

/* Bytes of a text of hexadecimal digits and blanks; how many there are. */
size_t unhex(const char *hex, uint8_t *out, size_t room);

#endif

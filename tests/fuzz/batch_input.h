/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the targets of file formats share: an input as a file that is read in pieces, and what must
 * hold of its records. A target that has it is linked with --wrap=read.
 */
#ifndef JETON_TESTS_FUZZ_BATCH_INPUT_H
#define JETON_TESTS_FUZZ_BATCH_INPUT_H

#include "fuzz.h"

#include "batch/source.h"

#define BATCH_MAX_FILE 16384

/*
 * Reads a file by a format. The pieces in which it comes change nothing. Records together are the
 * file, byte for byte, or its beginning where the rest cannot be cut. Values lie in their records,
 * in order. Where each digit but zero is turned (1 for 9, 2 for 8 and so on), turning them once
 * more gives the file again; where `loose`, a value may be spelled in another way then, but only
 * the first time.
 */
void batch_input_check(const struct jt_format_spec *spec, const void *file, size_t len,
                       size_t piece, bool loose);

#endif

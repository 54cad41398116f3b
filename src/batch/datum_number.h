/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of datum.h: zoned, packed and binary. Whoever is not datum.c includes that. */
#ifndef JETON_BATCH_DATUM_NUMBER_H
#define JETON_BATCH_DATUM_NUMBER_H

#include "batch/datum.h"

enum jt_message jt_number_read(const struct jt_datum *d, const struct jt_codepage *cp,
                               const uint8_t *bytes, struct jt_buf *text) JT_CHECKED;

enum jt_err jt_number_put(const struct jt_datum *d, const struct jt_codepage *cp,
                          const uint8_t *old, const char *text, size_t text_len,
                          struct jt_buf *out) JT_CHECKED;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A place given as "OFFSET:LENGTH:TYPE": which bytes, and what they hold. */
#ifndef JETON_BATCH_PLACESPEC_H
#define JETON_BATCH_PLACESPEC_H

#include "batch/datum.h"

/* Whether a text is meant as one; else it is the name of an item. */
bool jt_placespec_is(const char *text);

/*
 * TYPE is char, zoned, packed or binary, or as DFSORT calls them CH, ZD, PD and BI; LENGTH is in
 * bytes. JT_ERR_INVALID with *trouble.
 */
enum jt_err jt_placespec_parse(const char *text, uint32_t *at, struct jt_datum *out,
                               struct jt_trouble *trouble) JT_CHECKED;

/* "char", "zoned", "packed" or "binary". */
const char *jt_placespec_type(enum jt_datum_kind kind);

#endif

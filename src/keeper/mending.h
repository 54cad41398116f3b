/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fingerprint that a row must have, found from its envelope: the candidate is what the envelope
 * decrypts to, and of the candidate's fingerprint the tag decides. For MEND, which answers it, and
 * for WRITEOFF_OPEN, which lists no card that can be mended.
 */
#ifndef JETON_KEEPER_MENDING_H
#define JETON_KEEPER_MENDING_H

#include "keeper/batch.h"

/* What is stored of a card of the group; `at` is its place in the batch. */
struct jt_mending {
    const struct jt_open_item *(*item)(const struct jt_batch *b, size_t at);
    /* its envelope decrypts to no card number, and it is none of the group any more; may be NULL */
    void (*drop)(void *arg, size_t at);
    void *arg;
};

/*
 * Of the group's *n cards, whose `at` is set: those that have a candidate stay, in *n, with their
 * fingerprints in fingerprints[at]; and siv[i].err tells whether the tag verifies with it.
 */
enum jt_err jt_mending_try(struct jt_batch *b, struct jt_fieldkey *fk, bool dedup,
                           const struct jt_mending *how, size_t *n) JT_CHECKED;

#endif

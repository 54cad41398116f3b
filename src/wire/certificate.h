/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verb CERTIFY: the signed certificate of a retirement. The keeper writes the text itself from the
 * facts and its own ring (number, check value), so that its signature never stands under words it
 * did not choose.
 */
#ifndef JETON_WIRE_CERTIFICATE_H
#define JETON_WIRE_CERTIFICATE_H

#include "base/buf.h"
#include "model/certificate.h"
#include "model/writeoff.h"

/* Decoders leave what follows unread. */
void jt_retirement_facts_encode(const struct jt_retirement_facts *facts, struct jt_buf *out);
enum jt_err jt_retirement_facts_decode(struct jt_reader *in,
                                       struct jt_retirement_facts *facts) JT_CHECKED;

/* What is certified: the facts, and the warrants of cards that were written off. Large. */
struct jt_certify {
    struct jt_retirement_facts facts;
    size_t n_done;
    struct jt_writeoff_done done[JT_WRITEOFF_MAX]; /* ascending by number */
};
void jt_certify_encode(const struct jt_certify *certify, struct jt_buf *out);
enum jt_err jt_certify_decode(struct jt_reader *in, struct jt_certify *certify) JT_CHECKED;

void jt_certificate_encode(const struct jt_certificate *certificate, struct jt_buf *out);
enum jt_err jt_certificate_decode(struct jt_reader *in,
                                  struct jt_certificate *certificate) JT_CHECKED;

#endif

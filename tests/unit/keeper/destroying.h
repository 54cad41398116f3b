/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The destruction of a generation's key in a keeper inside the test, as fronts and custodians bring
 * it about: one request at a time.
 */
#ifndef JETON_TESTS_UNIT_KEEPER_DESTROYING_H
#define JETON_TESTS_UNIT_KEEPER_DESTROYING_H

#include "inside.h"
#include "wire/certificate.h"
#include "wire/destruction.h"

#define DESTROYING_SYSTEM   7300000000000000001u
#define DESTROYING_TIMELINE 3

extern struct jt_destruction_show destroying_shown; /* the request, and who approved it */
extern struct jt_destruction_shown destroying_seen; /* what the keeper answered last */

/* The certificate of a retirement. */
void destroying_certify(struct inside *in, uint64_t number, struct jt_certificate *out);
/* DESTRUCTION_OPEN; the request is in destroying_shown, with no approvals. */
enum jt_err destroying_open_with(struct inside *in, const struct jt_destruction_open *open);
struct jt_destruction_open destroying_open_of(struct inside *in, uint64_t number);
/* A custodian (signers.h) approves the request. */
void destroying_approve(size_t who);
/* DESTRUCTION_SHOW; and what it says, where it is answered. */
enum jt_err destroying_show(struct inside *in);
uint8_t destroying_view(struct inside *in);
/* A generation that is retired beside an active one. */
uint64_t destroying_retired(struct inside *in);
/* The ring goes on without the generation. */
enum jt_err destroying_leave(struct inside *in, uint64_t number, uint64_t system,
                             uint32_t timeline);
/* Whether key and mark of the generation are there, both. */
bool destroying_has_file(const struct inside *in, uint64_t number);
/* A request for a retired generation that has both approvals. */
uint64_t destroying_approved(struct inside *in);

#endif

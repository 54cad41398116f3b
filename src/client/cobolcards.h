/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/client: what becomes of a call of JETON, and the calls that are about cards. */
#ifndef JETON_CLIENT_COBOLCARDS_H
#define JETON_CLIENT_COBOLCARDS_H

#include "client/cobolarea.h"
#include "jeton/client.h"

#define JETON_COBOL_SLICE 1000 /* entries of one request */

struct jeton_outcome {
    int code, status;
    char reason[JETON_AREA_REASON + 1];
    char message[160];     /* the area takes as much as it has room for */
    size_t first, refused; /* of the entries that the server refused */
};

/* jeton_tokenize and its like. */
typedef __typeof__(jeton_tokenize) *jeton_verb;

/* The call ends with this code and reason, for which it has the words. */
void jeton_outcome_fail(struct jeton_outcome *o, int code, const char *reason);

/* The same for entries of the area: [from, to). */
void jeton_outcome_spread(const struct jeton_outcome *o, const struct jeton_area *area, size_t from,
                          size_t to);

/* Does all entries up to the count, whose lengths are right. */
void jeton_cobol_cards(struct jeton_client *c, const struct jeton_area *area, jeton_verb verb,
                       struct jeton_outcome *o);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guess brakes: how many different cards of one class (wire/guess.h) a client may try in a day
 * before the rest of that class is refused until the next (UTC). A lookup that finds nothing is a
 * try, and so is a card that tokenize stores: who knows the first six and the last four digits of a
 * 16-digit card has 100,000 numbers left, and would otherwise walk through them.
 *
 * A lane asks the keeper for the MACs of its cards together with what it asks anyway
 * (jt_keyclient_guess), so that it costs no time, and then:
 *
 *     jt_brakes_hold    before anything is done: what is held is not done
 *     jt_brakes_count   when it is known what missed or is new; a lookup does not answer what is
 *                       held by then, found or not
 *     jt_brakes_tell    a request had items that were held: counted, recorded, told
 *
 * What is counted is in memory (vault/guesstable.h). A duty adds to the table of all nodes what has
 * become a sixteenth of a limit or more, once a second, and learns what others counted of the same
 * class. After a start it is read back.
 *
 * One of these for all threads of a front.
 */
#ifndef JETON_VAULT_BRAKES_H
#define JETON_VAULT_BRAKES_H

#include "vault/guesstable.h"
#include "vault/vault.h"

struct jt_brakes;

/* With the limits of [front] guess_lookup and guess_tokenize. */
enum jt_err jt_brakes_start(struct jt_vault *vault, struct jt_brakes **out) JT_CHECKED;
/* NULL is accepted. */
void jt_brakes_stop(struct jt_brakes *b);

/* Whether there is a limit. `b` may be NULL. */
bool jt_brakes_on(const struct jt_brakes *b, enum jt_guess_act act);

/* The day of UTC that it is. */
uint32_t jt_brakes_today(void);
/* For how many seconds still. */
uint32_t jt_brakes_day_left_s(void);

void jt_brakes_hold(struct jt_brakes *b, enum jt_guess_act act, uint32_t day,
                    struct jt_guess_try *tries, size_t n);
void jt_brakes_count(struct jt_brakes *b, enum jt_guess_act act, uint32_t day,
                     struct jt_guess_try *tries, size_t n);

/* `n` items of one request were held. The log has a line for each client, act and hour. */
void jt_brakes_tell(struct jt_brakes *b, enum jt_guess_act act, const char *client,
                    const struct jt_origin *origin, size_t n);

#endif

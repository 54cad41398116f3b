/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The setting of the tests that rotate the master key: a keeper of which it is sealed, with
 * generations in three states, and the verbs of a rotation.
 */
#ifndef JETON_TESTS_UNIT_KEEPER_ROTATING_H
#define JETON_TESTS_UNIT_KEEPER_ROTATING_H

#include "inside.h"
#include "wire/custody.h"

#define PHRASE  "a passphrase of the tests"
#define ANOTHER "another passphrase of the tests"
#define N_KEYS  3

/* What opens a master key: a passphrase, or two shares. */
struct rotating_opener {
    uint8_t kind; /* enum jt_unseal_kind */
    char text[2][JT_CUSTODY_TEXT_MAX + 1];
};

extern const struct rotating_opener rotating_by_phrase, rotating_by_another;

/* What must be the same after each rotation. */
struct rotating_known {
    uint8_t root[32];
    uint8_t keys[N_KEYS][32];
};

/* For cmocka: *state becomes a struct inside, under PHRASE. */
int rotating_setup(void **state);

/* A keeper that is sealed; one that is open. */
void rotating_load(struct inside *in);
void rotating_open(struct inside *in, const struct rotating_opener *o);

enum jt_err rotating_ask(struct inside *in, uint8_t verb);

/* By UNSEAL, ROTATION_PROVE or ROTATION_FOLLOW. */
enum jt_err rotating_give(struct inside *in, uint8_t verb, uint8_t kind, const char *text);
enum jt_err rotating_give_all(struct inside *in, uint8_t verb, const struct rotating_opener *o);

/* Begins a rotation. */
enum jt_err rotating_begin(struct inside *in, const struct rotating_opener *present);

/* A new master key: under the passphrase, or NULL for two shares. */
enum jt_err rotating_make(struct inside *in, const char *phrase);
/* Two shares that both open it, typed back. */
void rotating_make_shares(struct inside *in, struct rotating_opener *next);

void rotating_remember(const struct inside *in, struct rotating_known *known);
void rotating_check(const struct inside *in, const struct rotating_known *known);

/* Whether the directory has a file of that name. */
bool rotating_is_there(const struct inside *in, const char *name);

#endif

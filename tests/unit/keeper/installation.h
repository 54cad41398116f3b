/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A keeper's directory with every kind of file in it, with and without a passphrase and in the
 * middle of a rotation of the master key: what test_keydir_matrix.c damages.
 */
#ifndef JETON_TESTS_UNIT_KEEPER_INSTALLATION_H
#define JETON_TESTS_UNIT_KEEPER_INSTALLATION_H

#include "inside.h"
#include "keytree.h"
#include "wire/field.h"
#include "wire/set.h"

#define INSTALLATION_CARDS 4 /* half of them of each of two generations */

/* The directory that a file is damaged in. */
enum base {
    CLEAR,   /* the master key lies in it in the clear */
    CUT_OFF, /* so it does, and a rotation of it was cut off */
    SEALED   /* that rotation is done: the master key is under a passphrase */
};

/* One installation: its directory as it is in each case, and older copies of its files. */
struct installation {
    struct inside *in; /* made in this process; the real keeper serves from its directory */
    struct jt_generation_row active;
    struct jt_field_change field;
    struct row cards[INSTALLATION_CARDS]; /* of a draining generation and of the active one */
    struct keytree whole[3];              /* by enum base */
    struct keytree older;                 /* key files in it are under another master key */
};

void installation_build(struct installation *i);

/* A keeper that finds its master key sealed opens it by itself from now on. */
void installation_give_passphrase(struct installation *i);

/* SET_SUM of the field that the cards are in: the keeper is to know it. */
void installation_put_field(const struct installation *i, struct jt_buf *payload);

#endif
